from __future__ import annotations

import json

from cli_calls import call


def test_info_of_a_run_and_of_its_model_folder(trained):
    record = json.loads((trained / "run.json").read_text(encoding="utf-8"))["tokenizer"]
    outcome = call("tokenizer", "info", trained, "--json")
    assert outcome.code == 0, outcome.err
    facts = json.loads(outcome.out)
    assert facts["fingerprint"] == record["digest"]
    assert (facts["engine"], facts["model_type"], facts["vocab_size"]) == ("mecab", "bpe", facts["tokens"])
    assert facts["special_tokens"]["mask"] == {"token": "[MASK]", "id": 4}
    assert facts["dictionary"].endswith("dictionary")
    assert call("tokenizer", "info", trained / "model", "--json").out == outcome.out


def test_info_for_people(trained):
    lines = call("tokenizer", "info", trained, "--engine", "none").out.splitlines()
    shown = {line[:20].rstrip(): line[21:] for line in lines}
    assert (shown["engine"], shown["dictionary"], shown["joiner"]) == ("none", "none", '" "')
    assert "pad [PAD] = 0" in shown["special tokens"]
    assert len(shown["fingerprint"]) == 64


def test_a_folder_without_a_tokenizer(tmp_path):
    outcome = call("tokenizer", "info", tmp_path)
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert "spm.model" in outcome.err
