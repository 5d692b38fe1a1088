"""New pieces: the tokenizer that has them, the model's rows for them, and a run that learns them."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
import torch
from pretraining_runs import SETTINGS, SHAPE, run_mlm, shape_file, start

from korscideberta.errors import ConfigError, DataError
from korscideberta.model import DebertaV2Config, DebertaV2ForMaskedLM
from korscideberta.pretraining.models import CorpusChoice
from korscideberta.pretraining.runs import train_masked_lm
from korscideberta.pretraining.vocabulary import extend_vocabulary
from korscideberta.run import RunDirectory
from korscideberta.tokenization import DebertaV2Tokenizer
from korscideberta.tokenization.extension import extend_tokenizer

WORDS = ["반도체", "신경망", "광촉매", "반도체", " ", "에서"]


@pytest.fixture(scope="module")
def whole_words(tokenizer):
    """Words that the analyser leaves whole and that have several pieces."""
    lines = tokenizer.prepare(WORDS)
    rows = tokenizer.pieces.encode(lines)
    found = {word: row for word, line, row in zip(WORDS, lines, rows, strict=True) if " " not in line and len(row) > 1}
    assert found
    return found


def test_new_words_are_pieces_and_other_texts_as_before(tokenizer, whole_words, lines, tmp_path):
    extension = extend_tokenizer(tokenizer, WORDS)
    assert len(extension.tokenizer) == len(tokenizer) + len(whole_words)
    assert list(extension.parts.values()) == list(whole_words.values())
    for index, word in zip(extension.parts, whole_words, strict=True):
        assert extension.tokenizer.encode(word, add_special_tokens=False) == [index]
        assert extension.tokenizer.decode([index]) == word
    extension.tokenizer.save_pretrained(tmp_path)
    again = DebertaV2Tokenizer.from_pretrained(tmp_path)
    assert again.fingerprint() == extension.tokenizer.fingerprint() != tokenizer.fingerprint()
    for line in lines:
        before = tokenizer.encode(line, add_special_tokens=False)
        after = again.encode(line, add_special_tokens=False)
        assert [part for index in after for part in extension.parts.get(index, [index])] == before


def test_words_that_cannot_be_pieces(tokenizer, caplog):
    with caplog.at_level(logging.WARNING), pytest.raises(DataError, match="none of 2 words can become a new piece"):
        extend_tokenizer(tokenizer, ["오염 물질을 제거한다", "을"])
    assert "1 of 2 words are cut by the analyser (오염 물질을 제거한다 …)" in caplog.text


def test_special_tokens_beyond_the_pieces(tokenizer, monkeypatch):
    monkeypatch.setattr(DebertaV2Tokenizer, "__len__", lambda self: len(self.pieces) + 1)
    with pytest.raises(ConfigError, match="1 special tokens have ids beyond"):
        extend_tokenizer(tokenizer, WORDS)


@pytest.mark.parametrize("spare", [0, 5])
@pytest.mark.parametrize("head", ["emd", "legacy"])
def test_new_rows_are_means(spare, head):
    torch.manual_seed(0)
    changes = {"mlm_head": head, "tie_word_embeddings": head != "legacy"}
    model = DebertaV2ForMaskedLM(DebertaV2Config(vocab_size=40 + spare, **SHAPE, **changes)).eval()
    torch.nn.init.normal_(model.lm_head.bias)
    ids = torch.tensor([[1, 7, 12, 30]])
    before = {name: table.clone() for name, table in model.state_dict().items()}
    expected = model(ids).logits[..., :40]
    extend_vocabulary(model, {40: [7, 8], 41: [9, 10, 11]})
    assert model.config.vocab_size == max(42, 40 + spare)
    names = [
        "deberta.embeddings.word.weight",
        "lm_head.bias",
        *(["lm_head.decoder.weight"] if head == "legacy" else []),
    ]
    for name in names:
        after = model.state_dict()[name]
        torch.testing.assert_close(after[:40], before[name][:40])
        torch.testing.assert_close(after[40], before[name][[7, 8]].mean(0))
        torch.testing.assert_close(after[41], before[name][[9, 10, 11]].mean(0))
    torch.testing.assert_close(model(ids).logits[..., :40], expected)
    assert model(torch.tensor([[41]]), labels=torch.tensor([[40]])).loss > 0


def test_a_run_on_texts_of_ones_own(prepared, whole_words, lines, tmp_path):
    first, _ = run_mlm(
        tmp_path / "first", prepared, shape_file(tmp_path / "shape"), settings=replace(SETTINGS, max_steps=2)
    )
    (tmp_path / "mine.txt").write_text("\n".join(lines[:60]), encoding="utf-8")
    (tmp_path / "words.txt").write_text("\n".join(WORDS), encoding="utf-8")
    choice = CorpusChoice(corpus=(str(tmp_path / "mine.txt"),), extend_vocabulary=tmp_path / "words.txt")
    run = RunDirectory(tmp_path / "run")
    short = replace(SETTINGS, max_steps=3, save_every=1)
    train_masked_lm(choice, str(first.model), short, run, start())
    tokenizer = DebertaV2Tokenizer.from_pretrained(run.model)
    model = DebertaV2ForMaskedLM.from_pretrained(run.model)
    assert model.config.vocab_size == len(tokenizer)
    assert all(len(tokenizer.encode(word, add_special_tokens=False)) == 1 for word in whole_words)
    # The finished model goes on with its own tokenizer, and a run with the same words resumes.
    train_masked_lm(choice, str(first.model), short, run, start(resume=True))
    more = RunDirectory(tmp_path / "more")
    train_masked_lm(CorpusChoice(corpus=choice.corpus), str(run.model), replace(SETTINGS, max_steps=1), more, start())


@pytest.mark.parametrize(
    ("options", "model", "message"),
    [
        ({"data": "x"}, "model", "--extend-vocabulary goes with --corpus"),
        ({"corpus": ("x",)}, "nano", "--extend-vocabulary goes with --corpus"),
        ({"corpus": ("x",)}, "model", "words.txt: cannot be read"),
    ],
)
def test_what_it_goes_with(options, model, message, tokenizer_folder, tmp_path):
    choice = CorpusChoice(**options, extend_vocabulary=tmp_path / "words.txt")
    model = str(tokenizer_folder) if model == "model" else model
    with pytest.raises((ConfigError, DataError), match=message):
        train_masked_lm(choice, model, SETTINGS, RunDirectory(tmp_path / "run"), start())
