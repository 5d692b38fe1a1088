from __future__ import annotations

import shutil

import numpy as np
import onnxruntime
import pytest
import torch
from cli_calls import call

from korscideberta import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Tokenizer


@pytest.fixture
def run(trained, tmp_path):
    """A run directory whose model is small enough to be exported in seconds."""
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(trained / "run.json", folder)
    shutil.copytree(trained / "model", folder / "model")
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "pooler_hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    whole = DebertaV2ForSequenceClassification.from_pretrained(trained / "model").config
    config = DebertaV2Config.from_dict({**whole.to_dict(), **shape, "num_attention_heads": 2})
    DebertaV2ForSequenceClassification(config).save_pretrained(folder / "model")
    return folder


def test_onnx_of_a_run(run):
    outcome = call("export", "onnx", run, "--int8")
    assert outcome.code == 0, outcome.err
    assert "DebertaV2ForSequenceClassification, input_ids, attention_mask -> logits" in outcome.out
    tokenizer = DebertaV2Tokenizer.from_pretrained(run / "onnx")
    model = DebertaV2ForSequenceClassification.from_pretrained(run / "model")
    texts = ["금리 인상", "새 유전자 가위로 질병을 고치다 " * 9]
    expected = model.eval()(**tokenizer(texts, padding=True, return_tensors="pt")).logits.detach().numpy()
    batch = tokenizer(texts, padding=True, return_tensors="np")
    found = {}
    for name in ("model.onnx", "model_int8.onnx"):
        session = onnxruntime.InferenceSession(str(run / "onnx" / name))
        inputs = {item.name: batch[item.name].astype(np.int64) for item in session.get_inputs()}
        (found[name],) = session.run(["logits"], inputs)
    np.testing.assert_allclose(found["model.onnx"], expected, atol=1e-5)
    # Eight bits change every logit, and none by much.
    assert 0 < np.abs(found["model_int8.onnx"] - expected).max() < 0.3
    sizes = [(run / "onnx" / name).stat().st_size for name in found]
    assert sizes[1] < 0.9 * sizes[0]


def test_a_folder_that_is_no_run_needs_out(trained):
    outcome = call("export", "onnx", trained / "model")
    assert outcome.code == 2
    assert "--out DIR" in outcome.err


def test_an_int8_model_has_no_graph(run, tmp_path):
    made = tmp_path / "int8"
    assert call("convert", run, made, "--dtype", "int8").code == 0
    for more in ((), ("--int8",)):
        outcome = call("--quiet", "export", "onnx", made, *more)
        assert outcome.code == 2
        line = outcome.err.strip()
        assert len(line.splitlines()) == 1, line
        assert f"{made / 'model'}: an int8 model has no graph; export the model it was made of, with --int8" in line
    assert not (made / "onnx").exists()
