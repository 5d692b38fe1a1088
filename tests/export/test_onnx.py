from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from korscideberta.errors import ConfigError, DependencyError, ModelError
from korscideberta.export.onnx import export_onnx, load_for_export
from korscideberta.model import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForQuestionAnswering
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer

TEXTS = ["나노 입자를 합성하였다.", "그래핀 전극의 수명을 늘리는 방법을 찾았다. " * 5, "[CLS]"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> DebertaV2Tokenizer:
    return train_tokenizer(TEXTS * 20, tmp_path_factory.mktemp("tokenizer"), vocab_size=90)


def config(tokenizer: DebertaV2Tokenizer, **more: Any) -> DebertaV2Config:
    return DebertaV2Config(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
        relative_attention=True, position_buckets=8, pos_att_type=("c2p", "p2c"), norm_rel_ebd="layer_norm",
        share_att_key=True, max_position_embeddings=40, position_biased_input=False,
        pad_token_id=tokenizer.pad_token_id, **more,
    )  # fmt: skip


def test_a_graph_of_reading_with_token_types_and_absolute_positions(
    tokenizer: DebertaV2Tokenizer, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    made = DebertaV2ForQuestionAnswering(config(tokenizer, type_vocab_size=2), attention="dense")
    done = export_onnx(made.eval(), tokenizer, tmp_path / "out", int8=False, texts=TEXTS)
    assert done.inputs == ("input_ids", "attention_mask", "token_type_ids")
    assert done.outputs == ("start_logits", "end_logits")
    assert done.differences["model.onnx"] < 1e-4
    assert done.agreement["model.onnx"] == 1
    assert json.loads((tmp_path / "out/config.json").read_text())["architectures"] == ["DebertaV2ForQuestionAnswering"]
    assert DebertaV2Tokenizer.from_pretrained(tmp_path / "out")(TEXTS).input_ids == tokenizer(TEXTS).input_ids
    session = onnxruntime.InferenceSession(str(tmp_path / "out/model.onnx"))
    batch = tokenizer("나노 입자", "그래핀 전극", return_tensors="np")
    start, end = session.run(None, {name: batch[name].astype(np.int64) for name in done.inputs})
    expected = made(**tokenizer("나노 입자", "그래핀 전극", return_tensors="pt"))
    np.testing.assert_allclose(start, expected.start_logits.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(end, expected.end_logits.detach().numpy(), atol=1e-5)
    with pytest.raises(ConfigError, match="exists already"):
        export_onnx(made, tokenizer, tmp_path / "out", int8=False, texts=TEXTS)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_cannot_be_exported(tokenizer: DebertaV2Tokenizer, tmp_path: Path) -> None:
    DebertaV2ForMaskedLM(config(tokenizer)).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="DebertaV2ForMaskedLM cannot be exported"):
        load_for_export(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="is the run finished"):
        load_for_export(tmp_path)


def test_packages_that_are_missing(tokenizer: DebertaV2Tokenizer, tmp_path: Path, monkeypatch: Any) -> None:
    present = builtins.__import__

    def missing(name: str, *arguments: Any) -> Any:
        if name == "onnxscript":
            raise ModuleNotFoundError("No module named 'onnxscript'", name=name)
        return present(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(DependencyError, match=r"onnxscript; run: pip install 'korscideberta\[onnx\]'"):
        export_onnx(torch.nn.Identity(), tokenizer, tmp_path / "out", int8=False, texts=())  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
