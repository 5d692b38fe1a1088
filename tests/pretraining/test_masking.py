from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from korscideberta.errors import ConfigError
from korscideberta.pretraining.batches import BatchMaker
from korscideberta.pretraining.flags import MORPH, WORD
from korscideberta.pretraining.masking import Masker, Masking, RowRandom, choose
from korscideberta.pretraining.rows import Rows

ORIGINAL = json.loads((Path(__file__).parent.parent / "fixtures" / "masking_original.json").read_text())


@pytest.mark.parametrize(
    "case", ORIGINAL, ids=lambda case: f"{case['share']}-{case['max_ngram']}-{len(case['tokens'])}"
)
def test_chosen_tokens_are_those_of_the_original(case):
    """The original's own generator, fed with the same random numbers: w begins a word, p goes on, # is special."""
    tokens = np.array([list(case["tokens"])])
    masking = Masking(share=case["share"], max_ngram=case["max_ngram"])
    begins = None if masking.flag == 0 else tokens == "w"
    sizes, places = np.array([case["sizes"]]), np.array([case["places"]])
    chosen = choose(tokens != "#", begins, np.array([tokens.shape[1]]), masking, sizes, places)
    assert np.flatnonzero(chosen[0]).tolist() == case["masked"]


def test_rows_do_not_depend_on_their_neighbours():
    rng = np.random.default_rng(0)
    rows, length, masking = 9, 50, Masking()
    length_B = rng.integers(3, length, rows)
    real_BL = np.arange(length) < length_B[:, None]
    free_BL, begins_BL = real_BL & (rng.random((rows, length)) < 0.9), rng.random((rows, length)) < 0.5
    sizes, places = rng.random((rows, 9)), rng.random((rows, 9))
    together = choose(free_BL, begins_BL, length_B, masking, sizes, places)
    for row in range(rows):
        one, end = slice(row, row + 1), length_B[row]
        alone = choose(free_BL[one, :end], begins_BL[one, :end], length_B[one], masking, sizes[one], places[one])
        assert (alone[0] == together[row, :end]).all()
    assert not (together & ~free_BL).any()
    assert together.any(axis=1).all() or not free_BL.any(axis=1).all()


def masked_rows(prepared, tokenizer, masking, seed=1, width=62, count=300):
    masker = Masker(masking, tokenizer)
    maker = BatchMaker(Rows(prepared, "train", width), tokenizer, masker)
    indices = np.arange(count) % len(maker.rows)
    return maker, maker.make(indices, RowRandom(seed, 0, range(count))), indices


def test_shares(prepared, tokenizer):
    maker, batch, indices = masked_rows(prepared, tokenizer, Masking(share=0.15))
    wanted = batch.labels >= 0
    assert batch.predictions == int(wanted.sum())
    seen, labels = batch.input_ids[wanted], batch.labels[wanted]
    count = len(labels)
    assert 0.13 < count / len(batch) < 0.17
    assert abs(float((seen == tokenizer.mask_token_id).float().mean()) - 0.8) < 0.03
    # A random piece is now and then the right one.
    assert abs(float((seen == labels).float().mean()) - 0.1) < 0.02
    original = [token for index in indices for token in [1, *maker.rows[int(index)].ids.tolist(), 2]]
    restored = batch.input_ids.where(~wanted, batch.labels)
    assert restored.tolist() == original
    assert not set(labels.tolist()) & set(tokenizer.all_special_ids)
    assert not set(seen.tolist()) & (set(tokenizer.all_special_ids) - {tokenizer.mask_token_id})


@pytest.mark.parametrize(("unit", "flag"), [("word", WORD), ("morph", MORPH)])
def test_units_are_masked_as_a_whole(unit, flag, prepared, tokenizer):
    maker, batch, indices = masked_rows(prepared, tokenizer, Masking(unit=unit, max_ngram=1), count=20)
    wanted = (batch.labels >= 0).numpy()
    flags = np.concatenate([[0, *maker.rows[int(index)].flags, 0] for index in indices]).astype(np.uint8)
    special = np.isin(batch.input_ids.numpy(), [tokenizer.cls_token_id, tokenizer.sep_token_id])
    goes_on = ~special & ~np.roll(special, 1) & ((flags & flag) == 0)
    assert goes_on.sum() > 20
    assert (wanted[1:] == wanted[:-1])[goes_on[1:]].all()


def test_masks_depend_on_seed_step_and_place_alone(prepared, tokenizer):
    maker = BatchMaker(Rows(prepared, "train", 30), tokenizer, Masker(Masking(), tokenizer))
    whole = maker.make([3, 8, len(maker.rows) - 1], RowRandom(1, 5, [0, 1, 2]))
    starts = [*whole.starts.tolist(), len(whole)]
    for place, index in enumerate([3, 8, len(maker.rows) - 1]):
        alone = maker.make([index], RowRandom(1, 5, [place]))
        assert alone.input_ids.tolist() == whole.input_ids[starts[place] : starts[place + 1]].tolist()
        assert alone.labels.tolist() == whole.labels[starts[place] : starts[place + 1]].tolist()
    others = [RowRandom(2, 5, [0]), RowRandom(1, 6, [0]), RowRandom(1, 5, [1])]
    first = maker.make([3], RowRandom(1, 5, [0]))
    assert all(maker.make([3], other).labels.tolist() != first.labels.tolist() for other in others)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0.0}, "--mask-share 0.0"),
        ({"share": 1.0}, "--mask-share 1.0"),
        ({"max_ngram": 0}, "--max-ngram 0"),
        ({"unit": "wrod"}, "--mask-unit wrod: did you mean 'word'"),
    ],
)
def test_impossible_settings(options, message):
    with pytest.raises(ConfigError, match=message):
        Masking(**options)
