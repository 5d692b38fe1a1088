from __future__ import annotations

from cli_calls import call


def test_a_word_list_becomes_a_user_dictionary(tmp_path):
    nouns = tmp_path / "nouns.txt"
    nouns.write_text("미세플라스틱\n나노입자\n나노입자\n공 백\n", encoding="utf-8")
    refused = call("tokenizer", "userdict", nouns, "--out", tmp_path / "user.dic")
    assert refused.code == 2
    assert refused.err.splitlines()[-1].startswith(f"error: {nouns}:4: white space inside the word '공 백'")
    assert "--skip-bad" in refused.err
    assert not (tmp_path / "user.dic").exists()
    outcome = call("--quiet", "tokenizer", "userdict", nouns, "--out", tmp_path / "user.dic", "--skip-bad")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"{tmp_path / 'user.dic'}: 2 words, ")
    assert outcome.err.splitlines()[0] == f"1 dropped as duplicates: {nouns}:3: 나노입자"
    assert outcome.err.splitlines()[1].startswith("1 left out: ")


def test_several_files_and_an_unknown_part_of_speech(tmp_path):
    (tmp_path / "a.txt").write_text("미세플라스틱\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("나노입자,,,,NNG,*,F,나노입자,*,*,*,*\n", encoding="utf-8")
    out = tmp_path / "user.dic"
    outcome = call("tokenizer", "userdict", tmp_path / "a.txt", tmp_path / "b.csv", "--out", out)
    assert outcome.code == 0, outcome.err
    assert "2 words" in outcome.out
    assert "did you mean 'NNG'" in call("tokenizer", "userdict", tmp_path / "a.txt", "--out", out, "--pos", "NNGG").err
