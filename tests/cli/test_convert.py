import shutil

from cli_calls import call
from safetensors.torch import load_file, save_file


def test_round_trip_of_a_runs_model(trained, tmp_path):
    model, original, back = trained / "model", tmp_path / "original", tmp_path / "back"
    outcome = call("convert", model, original, "--to", "original")
    assert outcome.code == 0, outcome.err
    first, copied = outcome.out.splitlines()
    assert first.startswith(f"{original}: DebertaV2ForSequenceClassification, ")
    assert first.endswith(" weights of type float32 in the layout original")
    assert copied.startswith("copied: ")
    assert "spm.model" in copied
    assert "tokenizer_config.json" in copied
    assert call("convert", original, back, "--to", "hf").code == 0
    for name in ("config.json", "model.safetensors", "spm.model", "tokenizer_config.json"):
        assert (back / name).read_bytes() == (model / name).read_bytes()
    again = call("convert", model, original, "--to", "original")
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "already holds something" in again.err


def test_a_repository_is_converted_with_its_tokenizer(hub, trained, tmp_path):
    hub.add("kisti/korscideberta", trained / "model")
    outcome = call("convert", "kisti/korscideberta", tmp_path / "half", "--to", "hf", "--dtype", "bf16")
    assert outcome.code == 0, outcome.err
    assert "weights of type bfloat16 in the layout hf" in outcome.out
    assert (tmp_path / "half" / "spm.model").is_file()


def test_a_classifier_that_was_never_trained_is_not_asked(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    path = run / "model" / "model.safetensors"
    weights = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("classifier.")}
    save_file(weights, path)
    for arguments in (("predict", run, "글"), ("eval", run)):
        outcome = call("--quiet", *arguments, "--device", "cpu")
        assert outcome.code == 2
        error = outcome.err.splitlines()[-1]
        assert error.startswith(
            f"error: {run / 'model'}: its classifier was never trained, so its answers would be random"
        )
