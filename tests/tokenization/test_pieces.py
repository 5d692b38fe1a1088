from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from korscideberta.errors import ModelError
from korscideberta.tokenization import DebertaV2Tokenizer
from korscideberta.tokenization.pieces import Pieces, find_special_tokens


def train_model(path: Path, **options: Any) -> None:
    """A SentencePiece model with its own idea of where special tokens stand."""
    lines = [f"나노 입자 {number} 합성 방법" for number in range(200)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(path.with_suffix("")), vocab_size=40, minloglevel=2, **options
    )


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_damaged_model(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "spm.model").write_bytes(content)
    with pytest.raises(ModelError, match=r"spm\.model is .*fetch it again"):
        Pieces.load(tmp_path / "spm.model")


def test_truncated_model(folder: Path) -> None:
    model = (folder / "spm.model").read_bytes()
    with pytest.raises(ModelError, match="damaged"):
        Pieces(model[: len(model) // 2])


def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read .*spm\.model"):
        DebertaV2Tokenizer.from_pretrained(tmp_path)
    with pytest.raises(ModelError, match="no folder"):
        DebertaV2Tokenizer.from_pretrained(tmp_path / "absent")


def test_pickles(folder: Path) -> None:
    pieces = Pieces.load(folder / "spm.model")
    copy = pickle.loads(pickle.dumps(pieces))
    assert copy.encode(["나노 입자"]) == pieces.encode(["나노 입자"])
    assert copy.sha256() == pieces.sha256()


def test_specials_of_another_layout(tmp_path: Path) -> None:
    """Sentence marks where SentencePiece puts them, spellings in angle brackets, a mask added behind the pieces."""
    train_model(tmp_path / "spm.model", user_defined_symbols=["<cls>", "<pad>"])
    write(tmp_path, "tokenizer_config.json", {"sep_token": {"content": "<s>"}, "mask_token": "<mask>"})
    write(tmp_path, "added_tokens.json", {"<mask>": 40})
    tokenizer = DebertaV2Tokenizer.from_pretrained(tmp_path, engine="none")
    assert (tokenizer.unk_token, tokenizer.unk_token_id) == ("<unk>", 0)
    assert (tokenizer.sep_token, tokenizer.sep_token_id) == ("<s>", 1)
    assert (tokenizer.cls_token, tokenizer.cls_token_id) == ("<cls>", 3)
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == ("<pad>", 4)
    assert (tokenizer.mask_token, tokenizer.mask_token_id) == ("<mask>", 40)
    assert (tokenizer.vocab_size, len(tokenizer)) == (40, 41)
    assert tokenizer.get_vocab()["<mask>"] == 40
    tokenizer.save_pretrained(tmp_path / "saved")
    assert DebertaV2Tokenizer.from_pretrained(tmp_path / "saved").get_vocab() == tokenizer.get_vocab()


def test_user_defined_specials_do_not_arise_from_text(tmp_path: Path) -> None:
    train_model(tmp_path / "spm.model", user_defined_symbols=["[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    tokenizer = DebertaV2Tokenizer.from_pretrained(tmp_path, engine="none")
    ids = tokenizer.encode("나노[MASK] [CLS]입자 [SEP]", add_special_tokens=False)
    assert not {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id} & set(ids)


def test_id_from_the_model_configuration(tmp_path: Path) -> None:
    train_model(tmp_path / "spm.model", user_defined_symbols=["[CLS]", "[SEP]"])
    with pytest.raises(ModelError, match=r"\[PAD\] or <pad>.*pad_token"):
        find_special_tokens(Pieces.load(tmp_path / "spm.model"), tmp_path)
    write(tmp_path, "config.json", {"pad_token_id": 2})
    specials = find_special_tokens(Pieces.load(tmp_path / "spm.model"), tmp_path)
    assert (specials["pad"].token, specials["pad"].id) == ("</s>", 2)


def test_added_tokens_decoder(tmp_path: Path) -> None:
    train_model(tmp_path / "spm.model", user_defined_symbols=["[CLS]", "[SEP]", "[PAD]"])
    write(tmp_path, "tokenizer_config.json", {"added_tokens_decoder": {"44": {"content": "[MASK]"}}})
    tokenizer = DebertaV2Tokenizer.from_pretrained(tmp_path, engine="none")
    assert tokenizer.mask_token_id == 44
    assert tokenizer.decode([44]) == "[MASK]"


def test_model_without_a_mask(tmp_path: Path) -> None:
    train_model(tmp_path / "spm.model", user_defined_symbols=["[CLS]", "[SEP]", "[PAD]"])
    tokenizer = DebertaV2Tokenizer.from_pretrained(tmp_path, engine="none")
    with pytest.raises(ModelError, match="no mask token"):
        _ = tokenizer.mask_token_id


def test_named_token_that_does_not_exist(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "spm.model", tmp_path)
    write(tmp_path, "special_tokens_map.json", {"sep_token": "<end>"})
    with pytest.raises(ModelError, match="sep_token is '<end>'"):
        DebertaV2Tokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_damaged_json(folder: Path, tmp_path: Path, content: str) -> None:
    shutil.copy(folder / "spm.model", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(content)
    with pytest.raises(ModelError, match=r"tokenizer_config\.json"):
        DebertaV2Tokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", [{"[MASK]": "x"}, {"[MASK]": None}])
def test_damaged_added_tokens(folder: Path, tmp_path: Path, content: dict[str, Any]) -> None:
    shutil.copy(folder / "spm.model", tmp_path)
    write(tmp_path, "added_tokens.json", content)
    with pytest.raises(ModelError, match="added tokens"):
        DebertaV2Tokenizer.from_pretrained(tmp_path)
