from __future__ import annotations

import copy
import json
import logging
import multiprocessing
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from korscideberta import tokenization_korscideberta_v2
from korscideberta.errors import ConfigError, DataError, DependencyError, KorsciError
from korscideberta.tokenization import BatchEncoding, DebertaV2Tokenizer, mecab, stored

TEXT = "나노입자 촉매를 합성하였다."
OTHER = "백신"


@pytest.fixture(scope="module")
def released(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the released model's folder has."""
    path = tmp_path_factory.mktemp("released")
    shutil.copy(folder / "spm.model", path)
    (path / "tokenizer_config.json").write_text('{"do_lower_case": false, "vocab_type": "spm"}')
    return path


def test_format_of_one_text(tokenizer: DebertaV2Tokenizer) -> None:
    row = tokenizer(TEXT)
    assert row.input_ids[0] == tokenizer.cls_token_id == 1
    assert row.input_ids[-1] == tokenizer.sep_token_id == 2
    assert row["token_type_ids"] == [0] * len(row.input_ids)
    assert row["attention_mask"] == [1] * len(row.input_ids)
    assert len(row.input_ids) == len(tokenizer.tokenize(TEXT)) + tokenizer.num_special_tokens_to_add()


def test_format_of_a_pair(tokenizer: DebertaV2Tokenizer) -> None:
    first = tokenizer.encode(TEXT, add_special_tokens=False)
    second = tokenizer.encode(OTHER, add_special_tokens=False)
    row = tokenizer(TEXT, OTHER)
    assert row.input_ids == [1, *first, 2, *second, 2]
    assert row.token_type_ids == [0] * (len(first) + 2) + [1] * (len(second) + 1)
    assert len(row.input_ids) == len(first) + len(second) + tokenizer.num_special_tokens_to_add(pair=True)


def test_batch_equals_rows(tokenizer: DebertaV2Tokenizer) -> None:
    texts = [TEXT, "", OTHER, "COVID-19 백신 " * 50]
    assert tokenizer(texts)["input_ids"] == [tokenizer.encode(text) for text in texts]
    assert tokenizer(texts, [OTHER, None, "", TEXT])["input_ids"] == [
        tokenizer.encode(TEXT, OTHER),
        tokenizer.encode(""),
        tokenizer.encode(OTHER, ""),
        tokenizer.encode(texts[3], TEXT),
    ]
    assert tokenizer([])["input_ids"] == []


@given(text=st.text())
def test_pieces_are_sentencepieces_own(folder: Path, released: Path, text: str) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    plain = DebertaV2Tokenizer.from_pretrained(released, engine="none")
    assert plain.encode(text, add_special_tokens=False) == processor.encode(text)


@given(text=st.text(alphabet=st.one_of(st.characters(), st.sampled_from("[CLS]\0\ud800ㅋ촉매 \n"))))
def test_no_text_breaks_it_or_makes_special_tokens(tokenizer: DebertaV2Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert not set(ids) & {0, 1, 2, 4}
    tokenizer.decode(ids)


@pytest.mark.parametrize("text", ["[CLS]", "앞 [SEP] 뒤", "[MASK][PAD]"])
@pytest.mark.parametrize("engine", ["mecab", "none"])
def test_spelled_special_tokens_stay_text(folder: Path, text: str, engine: str) -> None:
    tokenizer = DebertaV2Tokenizer.from_pretrained(folder, engine=engine)
    assert not set(tokenizer.encode(text)[1:-1]) & {0, 1, 2, 4}


def test_a_megabyte_in_one_line(tokenizer: DebertaV2Tokenizer) -> None:
    text = "나노입자 촉매를 합성하였다. " * 27_000
    assert len(text.encode()) > 1_000_000
    row = tokenizer(text, return_offsets_mapping=True)
    assert tokenizer.encode(text, truncation=True, max_length=512) == [*row.input_ids[:511], 2]
    assert row.offset_mapping[-2] == (len(text) - 2, len(text) - 1)


@pytest.mark.parametrize("truncation", [True, "longest_first", "only_first", "only_second"])
def test_truncation_keeps_the_format(tokenizer: DebertaV2Tokenizer, truncation: Any) -> None:
    whole = tokenizer(TEXT, TEXT)
    length = len(whole.input_ids) - 4
    row = tokenizer(TEXT, TEXT, truncation=truncation, max_length=length)
    assert len(row.input_ids) == length
    assert row.input_ids[0] == 1
    assert row.input_ids[-1] == 2
    assert row.input_ids.count(2) == 2
    if truncation == "only_first":
        assert row.token_type_ids.count(1) == whole.token_type_ids.count(1)
    if truncation == "only_second":
        assert row.token_type_ids.count(0) == whole.token_type_ids.count(0)


def test_truncation_defaults_to_the_models_length(tokenizer: DebertaV2Tokenizer) -> None:
    assert len(tokenizer.encode(TEXT * 500, truncation=True)) == tokenizer.model_max_length == 512
    assert len(tokenizer.encode(TEXT * 500)) > 512


def test_max_length_of_the_specials_alone(tokenizer: DebertaV2Tokenizer) -> None:
    assert tokenizer.encode(TEXT, truncation=True, max_length=2) == [1, 2]
    assert tokenizer.encode(TEXT, TEXT, truncation=True, max_length=3) == [1, 2, 2]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((TEXT,), {"truncation": True, "max_length": 1}, ConfigError, "no room for 2 special tokens"),
        ((TEXT, TEXT), {"truncation": True, "max_length": 2}, ConfigError, "no room for 3 special tokens"),
        ((TEXT,), {"truncation": True, "max_length": 0, "add_special_tokens": False}, ConfigError, "max_length=0"),
        ((TEXT,), {"truncation": "only_last"}, ConfigError, "unknown truncation"),
        ((TEXT,), {"padding": "longes"}, ConfigError, "unknown padding"),
        ((TEXT,), {"max_length": 10}, ConfigError, "no effect"),
        ((TEXT,), {"return_tensors": "tf"}, ConfigError, "unknown return_tensors"),
        ((TEXT,), {"padding": True, "pad_to_multiple_of": 0}, ConfigError, "pad_to_multiple_of=0"),
        (([TEXT, OTHER],), {"return_tensors": "np"}, ConfigError, "add padding=True"),
        ((TEXT,), {"padding": "max_length", "max_length": 3}, DataError, "add truncation=True"),
        ((OTHER, TEXT * 3), {"truncation": "only_first", "max_length": 6}, DataError, "longest_first"),
        (([TEXT, None],), {}, DataError, "text of row 1 is None"),
        (([TEXT, 3.5],), {}, DataError, "text of row 1 is 3.5"),
        ((TEXT,), {"padding": True, "padding_side": "both"}, ConfigError, "unknown padding_side 'both'"),
        ((TEXT,), {"stride": 2, "truncation": True}, ConfigError, "stride=2 has no effect"),
        ((TEXT,), {"stride": 2, "return_overflowing_tokens": True}, ConfigError, "stride=2 has no effect"),
        (
            (TEXT,),
            {"stride": -1, "truncation": True, "return_overflowing_tokens": True},
            ConfigError,
            "stride=-1 is negative",
        ),
        (
            (TEXT,),
            {"stride": 3, "truncation": True, "max_length": 5, "return_overflowing_tokens": True},
            ConfigError,
            "windows of 3 tokens",
        ),
        (
            (TEXT,),
            {"truncation": True, "max_length": 2, "return_overflowing_tokens": True},
            ConfigError,
            "windows of 0 tokens",
        ),
        ((TEXT,), {"is_split_into_words": True}, DataError, "a list of words"),
        (([[TEXT], TEXT],), {"is_split_into_words": True}, DataError, "text of row 1 is .*, not a list of words"),
        (([[TEXT], [OTHER, 3]],), {"is_split_into_words": True}, DataError, "word 1 of text of row 1 is 3"),
        (([[TEXT]], [OTHER]), {"is_split_into_words": True}, DataError, "both be lists"),
        (([TEXT], [OTHER, OTHER]), {}, DataError, "text has 1 rows and text_pair 2"),
        ((TEXT, [OTHER]), {}, DataError, "both be lists"),
    ],
)
def test_refusals(
    tokenizer: DebertaV2Tokenizer,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    error: type[KorsciError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        tokenizer(*arguments, **options)


@pytest.mark.parametrize("kind", [None, "np", "pt"])
def test_padding(tokenizer: DebertaV2Tokenizer, kind: Any) -> None:
    rows = tokenizer([TEXT, OTHER])["input_ids"]
    batch = tokenizer([TEXT, OTHER], padding=True, pad_to_multiple_of=8, return_tensors=kind)
    ids, mask = np.asarray(batch.input_ids), np.asarray(batch.attention_mask)
    assert ids.shape == mask.shape == np.asarray(batch.token_type_ids).shape
    assert ids.shape[1] % 8 == 0
    assert ids.dtype == np.int64
    for row, line, real in zip(rows, ids, mask, strict=True):
        assert line[: len(row)].tolist() == row
        assert not line[len(row) :].any()
        assert real.tolist() == [1] * len(row) + [0] * (len(line) - len(row))
    if kind == "pt":
        assert str(batch.input_ids.dtype) == "torch.int64"
        assert str(batch.to("meta").input_ids.device) == "meta"


def test_pad_to_max_length(tokenizer: DebertaV2Tokenizer) -> None:
    assert len(tokenizer(OTHER, padding="max_length").input_ids) == 512
    assert len(tokenizer(OTHER, padding="max_length", max_length=20).input_ids) == 20
    assert tokenizer(OTHER, return_tensors="np").input_ids.shape[0] == 1
    assert tokenizer([], padding=True, return_tensors="np").input_ids.shape == (0, 0)


def test_entries_can_be_left_out(tokenizer: DebertaV2Tokenizer) -> None:
    assert list(tokenizer(TEXT, return_token_type_ids=False, return_attention_mask=False)) == ["input_ids"]


def test_further_entries(tokenizer: DebertaV2Tokenizer) -> None:
    batch = tokenizer(
        [TEXT, ""],
        [OTHER, None],
        padding="max_length",
        max_length=30,
        padding_side="left",
        return_tensors="pt",
        return_special_tokens_mask=True,
        return_offsets_mapping=True,
        return_length=True,
    )
    lengths = [len(tokenizer.encode(TEXT, OTHER)), 2]
    assert batch.length.tolist() == lengths
    assert batch.attention_mask.tolist() == [[0] * (30 - length) + [1] * length for length in lengths]
    assert batch.offset_mapping.shape == (2, 30, 2)
    special = [[place is None for place in batch.sequence_ids(row)] for row in range(2)]
    assert batch.special_tokens_mask.tolist() == special
    assert not batch.offset_mapping[batch.special_tokens_mask.bool()].any()
    cut_out = [
        (TEXT, OTHER)[text][start:end]
        for text, (start, end) in zip(batch.sequence_ids(0), batch.offset_mapping[0].tolist(), strict=True)
        if text is not None
    ]
    assert "".join(cut_out) == (TEXT + OTHER).replace(" ", "")


def test_words_are_encoded_each_by_itself(tokenizer: DebertaV2Tokenizer) -> None:
    words = ["나노입자를", "", "\u1112\u1161\u11ab글", " ", "COVID-19"]
    row = tokenizer(words, is_split_into_words=True, return_offsets_mapping=True)
    alone = [tokenizer(word, add_special_tokens=False, return_offsets_mapping=True) for word in words]
    assert row.input_ids == [1, *[index for word in alone for index in word.input_ids], 2]
    assert row.offset_mapping == [(0, 0), *[span for word in alone for span in word.offset_mapping], (0, 0)]
    numbers = [number for number, word in enumerate(alone) for _ in word.input_ids]
    assert row.word_ids() == [None, *numbers, None]
    pair = tokenizer([words, []], [["백신"], None], is_split_into_words=True, padding=True)
    assert pair.word_ids(0) == [None, *numbers, None, 0, *[0] * (len(tokenizer.encode("백신")) - 3), None]
    assert pair.word_ids(1) == [None] * len(pair.input_ids[1])
    assert pair.sequence_ids(0)[-2] == 1
    assert tokenizer([], is_split_into_words=True).input_ids == [1, 2]


def test_overflow_makes_rows(tokenizer: DebertaV2Tokenizer) -> None:
    whole = tokenizer(TEXT, return_offsets_mapping=True)
    rows = tokenizer(
        [OTHER, TEXT],
        truncation=True,
        max_length=6,
        stride=2,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=True,
        return_tensors="np",
    )
    assert rows.overflow_to_sample_mapping.tolist()[:2] == [0, 1]
    assert set(rows.overflow_to_sample_mapping.tolist()[1:]) == {1}
    ids, spans = whole.input_ids[1:-1], whole.offset_mapping[1:-1]
    for row in range(1, len(rows.input_ids)):
        start = 2 * (row - 1)
        kept = [place is not None for place in rows.sequence_ids(row)]
        assert rows.input_ids[row][kept].tolist() == ids[start : start + 4]
        assert [tuple(span) for span in rows.offset_mapping[row][kept].tolist()] == spans[start : start + 4]
    assert tokenizer(OTHER, return_overflowing_tokens=True).input_ids == [tokenizer.encode(OTHER)]


def test_rows_that_are_not_known(tokenizer: DebertaV2Tokenizer) -> None:
    with pytest.raises(ConfigError, match="is_split_into_words"):
        tokenizer(TEXT).word_ids()
    with pytest.raises(ConfigError, match="made from ids"):
        tokenizer.pad(tokenizer(TEXT)).sequence_ids()


def test_padding_side_is_kept(folder: Path, tokenizer: DebertaV2Tokenizer, tmp_path: Path) -> None:
    left = DebertaV2Tokenizer.from_pretrained(folder)
    left.padding_side = "left"
    left.save_pretrained(tmp_path)
    again = DebertaV2Tokenizer.from_pretrained(tmp_path)
    assert again.padding_side == "left"
    batch = again([TEXT, OTHER], padding=True)
    assert batch.input_ids[1][-len(again.encode(OTHER)) :] == again.encode(OTHER)
    assert again.pad([again(TEXT), again(OTHER)]) == batch
    assert tokenizer.fingerprint() == again.fingerprint()


def test_pad_takes_rows_and_columns(tokenizer: DebertaV2Tokenizer) -> None:
    wanted = tokenizer([TEXT, OTHER], padding=True, return_tensors="np")
    columns = tokenizer([TEXT, OTHER])
    rows = [tokenizer(TEXT), tokenizer(OTHER)]
    for given_rows in (columns, rows, {"input_ids": columns.input_ids}):
        padded = tokenizer.pad(given_rows, return_tensors="np")
        assert (padded.input_ids == wanted.input_ids).all()
        assert (padded.attention_mask == wanted.attention_mask).all()
    labelled = tokenizer.pad([{**row, "labels": 1} for row in rows], return_tensors="np")
    assert labelled.labels.tolist() == [1, 1]
    with pytest.raises(DataError, match="no input_ids"):
        tokenizer.pad([])


def test_decode_gives_the_morphs(tokenizer: DebertaV2Tokenizer) -> None:
    ids = tokenizer.encode("나노입자를 합성하였다.")
    assert tokenizer.decode(ids, skip_special_tokens=True) == "나노 입자 를 합성 하 였 다 ."
    assert tokenizer.decode(ids) == "[CLS] 나노 입자 를 합성 하 였 다 . [SEP]"
    assert tokenizer.decode([1, 4, 2, 0, 3]) == "[CLS] [MASK] [SEP] [PAD] [UNK]"
    assert tokenizer.decode([]) == ""
    batch = tokenizer([TEXT, OTHER], padding=True, return_tensors="pt")
    assert tokenizer.batch_decode(batch.input_ids, skip_special_tokens=True)[1] == "백신"


def test_decode_shows_jamo_as_written(tokenizer: DebertaV2Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("ㅋㅋㅋ"), skip_special_tokens=True) == "ㅋㅋㅋ"


@pytest.mark.parametrize("index", [-1, -100, 10**6])
def test_ids_outside_the_vocabulary(tokenizer: DebertaV2Tokenizer, index: int) -> None:
    with pytest.raises(DataError, match=f"id {index} is outside"):
        tokenizer.decode([index])
    with pytest.raises(DataError, match=f"id {index} is outside"):
        tokenizer.convert_ids_to_tokens(index)


def test_tokens_and_ids(tokenizer: DebertaV2Tokenizer) -> None:
    pieces = tokenizer.tokenize(TEXT)
    ids = tokenizer.encode(TEXT)
    assert tokenizer.convert_tokens_to_ids(pieces) == ids[1:-1]
    assert tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", *pieces, "[SEP]"]
    assert tokenizer.convert_ids_to_tokens(ids, skip_special_tokens=True) == pieces
    assert tokenizer.convert_ids_to_tokens(4) == tokenizer.mask_token == "[MASK]"
    assert tokenizer.convert_tokens_to_ids("no such piece") == tokenizer.unk_token_id
    vocabulary = tokenizer.get_vocab()
    assert sorted(vocabulary.values()) == list(range(tokenizer.vocab_size)) == list(range(len(tokenizer)))
    assert tokenizer.all_special_ids == [0, 1, 2, 3, 4]


def test_save_and_load(folder: Path, tmp_path: Path) -> None:
    for name in ("spm.model", "special_tokens_map.json"):
        shutil.copy(folder / name, tmp_path)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.update(model_max_length=64, note="kept")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = DebertaV2Tokenizer.from_pretrained(tmp_path)
    assert tokenizer.model_max_length == 64
    saved = tmp_path / "deep" / "saved"
    tokenizer.save_pretrained(saved)
    assert json.loads((saved / "tokenizer_config.json").read_text()) == config
    assert (saved / "spm.model").read_bytes() == (folder / "spm.model").read_bytes()
    assert sorted(path.name for path in saved.iterdir()) == [
        "special_tokens_map.json",
        "spm.model",
        "tokenizer_config.json",
    ]
    assert DebertaV2Tokenizer.from_pretrained(saved)(TEXT) == tokenizer(TEXT)


def test_save_over_a_folder_is_refused(tokenizer: DebertaV2Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "spm.model").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        tokenizer.save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["spm.model"]


def _encode(tokenizer: DebertaV2Tokenizer) -> Any:
    return tokenizer([TEXT, OTHER] * 20)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_processes(tokenizer: DebertaV2Tokenizer, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    wanted = _encode(tokenizer)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(_encode, [tokenizer] * 2) == [wanted] * 2


def test_batches_copy_and_pickle(tokenizer: DebertaV2Tokenizer) -> None:
    batch = tokenizer(TEXT)
    for twin in (copy.copy(batch), copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert isinstance(twin, BatchEncoding)
        assert twin == batch
    with pytest.raises(AttributeError, match="no entry 'labels'"):
        _ = batch.labels


def test_released_folder_without_the_fork(
    released: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stored, "is_installed", lambda engine: engine != "mecab-ko")
    with caplog.at_level(logging.WARNING):
        tokenizer = tokenization_korscideberta_v2.DebertaV2Tokenizer.from_pretrained(released)
    (record,) = caplog.records
    assert "1.7 %" in record.getMessage()
    assert "korscideberta[mecab-ko]" in record.getMessage()
    assert tokenizer.recipe.engine == "mecab"
    assert tokenizer.tokenize("나노입자")[0].startswith("▁나")


def test_released_folder_prefers_the_fork(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "is_installed", lambda engine: True)
    assert stored.load_recipe({}, Path()).engine == "mecab-ko"


def test_recorded_engine_that_is_missing(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mecab_ko._MeCab", "_mecab"):
        monkeypatch.setitem(sys.modules, name, None)
    mecab._open.cache_clear()
    shutil.copy(released / "spm.model", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"korsci": {"engine": "mecab-ko", "dictionary": "mecab-ko-dic"}}')
    with pytest.raises(DependencyError, match="mecab-ko"):
        DebertaV2Tokenizer.from_pretrained(tmp_path)
    assert DebertaV2Tokenizer.from_pretrained(tmp_path, engine="mecab").recipe.engine == "mecab"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"korsci": {"engin": "mecab"}}, "unknown key 'engin'.*did you mean 'engine'"),
        ({"korsci": {"engine": "mecap"}}, "did you mean 'mecab'"),
        ({"korsci": {"engine": 3}}, "engine"),
        ({"korsci": {"joiner": None}}, "joiner=None"),
        ({"korsci": {"normalization": "nfkd"}}, "unknown normalization"),
        ({"korsci": "mecab"}, "not an object"),
        ({"split_by_punct": True}, "split_by_punct"),
        ({"model_max_length": "long"}, "model_max_length='long'"),
        ({"model_max_length": 2}, "model_max_length=2"),
        ({"padding_side": "top"}, "padding_side 'top'"),
    ],
)
def test_impossible_configurations(folder: Path, tmp_path: Path, config: dict[str, Any], message: str) -> None:
    shutil.copy(folder / "spm.model", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=message):
        DebertaV2Tokenizer.from_pretrained(tmp_path)


def test_unlimited_length_of_transformers(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "spm.model", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": int(1e30)}))
    assert DebertaV2Tokenizer.from_pretrained(tmp_path, engine="mecab").model_max_length == 512


def test_lower_case(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "spm.model", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    tokenizer = DebertaV2Tokenizer.from_pretrained(tmp_path, engine="mecab")
    assert tokenizer.encode("COVID") == tokenizer.encode("covid")


def test_other_added_tokens_are_warned_about(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "added_tokens.json").write_text('{"<num>": 400}')
    DebertaV2Tokenizer.from_pretrained(tmp_path)
    assert "<num>" in caplog.text


def test_fingerprint(folder: Path, tokenizer: DebertaV2Tokenizer, released: Path) -> None:
    again = DebertaV2Tokenizer.from_pretrained(folder)
    assert again.fingerprint() == tokenizer.fingerprint()
    assert len(tokenizer.fingerprint()["digest"]) == 64
    others = [
        DebertaV2Tokenizer.from_pretrained(folder, engine="none"),
        DebertaV2Tokenizer.from_pretrained(released, engine="none"),
    ]
    assert len({one.fingerprint()["digest"] for one in [tokenizer, *others]}) == 3
    json.dumps(tokenizer.fingerprint())


def test_import_loads_no_torch() -> None:
    code = "import sys, korscideberta.tokenization; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
