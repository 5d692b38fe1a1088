import json

from cli_calls import call


def test_eval_tells_what_8_bits_change(trained):
    outcome = call("--quiet", "eval", trained, "--precision", "int8", "--device", "cpu", "--json")
    assert outcome.code == 0, outcome.err
    figures = json.loads(outcome.out)
    assert figures["float32"] == json.loads((trained / "metrics.json").read_text())["dev"]
    assert figures["model"].keys() == figures["float32"].keys()
    assert 0 < figures["change"]["mean_logit_difference"] < figures["change"]["max_logit_difference"] < 0.5
    assert 0.8 < figures["change"]["agreement"] <= 1
    shown = call("--quiet", "eval", trained, "--precision", "int8", "--device", "cpu").out
    assert "model" in shown.splitlines()[0]
    assert "float32" in shown.splitlines()[0]
    assert "int8 against float32: the same first answer for" in shown.splitlines()[-1]


def test_a_run_stored_in_8_bits_is_scored_without_float32(trained, tmp_path):
    assert call("convert", trained, tmp_path / "int8", "--dtype", "int8").code == 0
    stored = call("--quiet", "eval", tmp_path / "int8", "--precision", "int8", "--device", "cpu", "--json")
    assert stored.code == 0, stored.err
    now = call("--quiet", "eval", trained, "--precision", "int8", "--device", "cpu", "--json")
    assert json.loads(stored.out) == {"model": json.loads(now.out)["model"]}
