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


def test_a_run_in_8_bits_answers_nearly_the_same(trained, tmp_path):
    run = tmp_path / "int8"
    outcome = call("convert", trained, run, "--dtype", "int8")
    assert outcome.code == 0, outcome.err
    assert "int8 in the layers and float32 elsewhere" in outcome.out
    assert (run / "metrics.json").read_bytes() == (trained / "metrics.json").read_bytes()
    small, large = ((one / "model" / "model.safetensors").stat().st_size for one in (run, trained))
    assert small < large
    texts = ("단백질의 구조를 밝혔다.", "별의 질량을 쟀다.")
    answers = [
        call("--quiet", "predict", *arguments, *texts, "--device", "cpu").out
        for arguments in ((run,), (trained, "--precision", "int8"))
    ]
    assert answers[0] == answers[1]
    assert answers[0].count("%") > 1
    refused = call("--quiet", "predict", run, texts[0], "--device", "cpu", "--precision", "float32")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    refused = call(
        "--quiet", "train", "papers", "--model", run / "model", "--out", tmp_path / "again", "--device", "cpu"
    )
    assert refused.code == 2
    assert refused.err.splitlines()[-1].endswith("its weights are int8 and cannot be trained; use what it was made of")
