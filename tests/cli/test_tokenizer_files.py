"""`korsci tokenizer train`, `encode` and `verify`, from a corpus to ids that agree."""

from __future__ import annotations

import functools
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_calls import TOPICS, call

from korscideberta.tokenization import DebertaV2Tokenizer

VOCABULARY = ["--vocab-size", "120", "--character-coverage", "1.0"]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [f"{text} {number}번" for number in range(100) for text in TOPICS.values()]


@pytest.fixture(scope="module")
def files(texts, tmp_path_factory) -> Path:
    """A folder with the texts as plain text, gzip and, under the key `body`, JSON Lines."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "a.txt").write_text("\n".join(texts), encoding="utf-8")
    (folder / "a.txt.gz").write_bytes(gzip.compress("\n".join(texts).encode()))
    rows = [json.dumps({"id": number, "body": text}) for number, text in enumerate(texts)]
    (folder / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tokenizer") / "out"
    outcome = call("tokenizer", "train", files / "a.txt", "--out", out, *VOCABULARY)
    assert outcome.code == 0, outcome.err
    assert "220 tokens" in outcome.out
    assert "300 lines of 300 texts" in outcome.err
    assert sorted(path.name for path in out.parent.iterdir()) == ["out"]
    return out


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.txt.gz", ["--workers", "1"]), ("*.gz", ["--workers", "2"]), ("a.jsonl", ["--field", "body"])],
)
def test_same_model_from_every_file_and_number_of_workers(files, trained, tmp_path, name, options):
    outcome = call("--quiet", "tokenizer", "train", files / name, "--out", tmp_path / "out", *VOCABULARY, *options)
    assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / "out/spm.model").read_bytes() == (trained / "spm.model").read_bytes()


def test_layout_of_the_vocabulary(trained):
    tokenizer = DebertaV2Tokenizer.from_pretrained(trained)
    tokens = tokenizer.convert_ids_to_tokens(list(range(106)))
    assert tokens[:6] == ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "[unused0]"]
    assert tokens[104] == "[unused99]"
    assert not tokens[105].startswith("[unused")


def test_a_killed_run_goes_on(trained, tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("\n".join(f"{text} {n * n}" for n in range(3000) for text in TOPICS.values()), encoding="utf-8")
    small_blocks = (
        "import sys\nfrom korscideberta.tokenization import corpus\ncorpus.BLOCK = 2000\ncorpus._CHUNK = 500\n"
        "from korscideberta.commands import main\nmain(sys.argv[1:])\n"
    )

    def command(name: str) -> list[str]:
        arguments = ["tokenizer", "train", path, "--out", tmp_path / name, *VOCABULARY, "--max-lines", 500]
        return [sys.executable, "-c", small_blocks, *map(str, arguments), "--workers", "2", "--keep"]

    subprocess.run(command("whole"), check=True, capture_output=True)
    work = tmp_path / "stopped.work"
    with subprocess.Popen(command("stopped"), stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (work / "000001.json").exists():
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "stopped").exists()
    before = (work / "000000.txt").stat().st_mtime_ns
    done = subprocess.run(command("stopped"), check=True, capture_output=True, text=True)
    assert "going on after" in done.stderr
    assert (work / "000000.txt").stat().st_mtime_ns == before
    for name in ("spm.model", "tokenizer_config.json"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_ctrl_c_says_how_to_go_on(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("\n".join(f"{text} {n * n}" for n in range(30_000) for text in TOPICS.values()), encoding="utf-8")
    arguments = ["tokenizer", "train", path, "--out", tmp_path / "out", *VOCABULARY, "--workers", "2"]
    command = [sys.executable, "-m", "korscideberta", *map(str, arguments)]
    # A shell's background job ignores the signal, and so do its children unless they are told otherwise.
    heeded = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heeded
    ) as process:
        while process.poll() is None and not list(tmp_path.glob("out.work/.000000.txt.*")):
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "stopped; the same command goes on" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["no.txt"], ("no.txt", "no such file")),
        (["{files}/*.md"], ("no such files",)),
        (["{files}/a.jsonl"], ("a.jsonl:1", "no field 'text'", "'body'")),
        (["{files}/a.txt", "--model-type", "word"], ("'word'", "bpe, unigram")),
        (["{files}/a.txt", "--engine", "mecap"], ("did you mean 'mecab'",)),
        (["{files}/a.txt", "--workers", "0"], ("workers=0",)),
        (["{files}/a.txt", "--vocab-size", "20"], ("vocab_size=20 is below",)),
        ([], ("Missing argument 'CORPUS...'",)),
    ],
)
def test_refusals(files, tmp_path, arguments, parts):
    places = [argument.replace("{files}", str(files)) for argument in arguments]
    outcome = call("--quiet", "tokenizer", "train", *places, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert all(part in outcome.err for part in parts), outcome.err
    assert not (tmp_path / "out").exists()


def test_encode_every_format(files, texts, trained, tmp_path):
    tokenizer = DebertaV2Tokenizer.from_pretrained(trained)
    output = tmp_path / "encoded"

    def encoded(*options: object) -> list[str]:
        outcome = call("tokenizer", "encode", trained, "--output", output, *options)
        assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
        return output.read_text(encoding="utf-8").splitlines()

    rows = [tokenizer.encode(text) for text in texts]
    for workers in (1, 2):
        lines = encoded("--input", files / "a.txt.gz", "--workers", workers)
        assert [list(map(int, line.split(" "))) for line in lines] == rows
    lines = encoded("--input", files / "a.jsonl", "--field", "body", "--format", "jsonl")
    assert [json.loads(line) for line in lines] == [
        {"text": text, "input_ids": row} for text, row in zip(texts, rows, strict=True)
    ]
    lines = encoded("--input", files / "a.txt", "--format", "pieces", "--max-length", 4)
    assert lines == [" ".join(tokenizer.convert_ids_to_tokens([*row[:3], 2])) for row in rows]
    lines = encoded("--input", files / "a.txt", "--no-special-tokens")
    assert lines[0] == " ".join(map(str, rows[0][1:-1]))


def test_encode_from_and_to_a_pipe(trained):
    command = [sys.executable, "-m", "korscideberta", "tokenizer", "encode", str(trained), "--format", "jsonl"]
    done = subprocess.run(command, input="금리\n\n실험 결과".encode(), capture_output=True, check=True)
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [row["text"] for row in rows] == ["금리", "", "실험 결과"]
    assert rows[1]["input_ids"] == [1, 2]


def test_encode_refuses(files, trained, tmp_path):
    output = tmp_path / "ids.txt"
    for options, part in [
        (["--input", files / "a.txt", "--format", "idz"], "did you mean 'ids'"),
        (["--input", files / "a.txt", "--max-length", "1"], "max_length=1"),
        (["--input", files / "b.txt"], "b.txt: cannot be read"),
        (["--input", files / "a.jsonl"], "a.jsonl:1: no field 'text'"),
    ]:
        outcome = call("tokenizer", "encode", trained, "--output", output, *options)
        assert (outcome.code, len(outcome.err.splitlines())) == (2, 1)
        assert part in outcome.err
    assert not list(tmp_path.iterdir())


def test_verify(files, trained, tmp_path):
    reference = tmp_path / "ids.jsonl"
    call("tokenizer", "encode", trained, "--input", files / "a.txt", "--format", "jsonl", "--output", reference)
    outcome = call("tokenizer", "verify", trained, "--reference", reference)
    assert (outcome.code, outcome.out) == (0, "300 of 300 rows agree (engine mecab)\n")
    other = call("tokenizer", "verify", trained, "--reference", reference, "--engine", "none", "--show", "1")
    assert other.code == 1
    assert "of 300 rows agree (engine none)" in other.out
    assert other.out.count("first difference at token") == other.out.count("  expected  ▁실험") == 1
    reference.write_text("{}", encoding="utf-8")
    bad = call("tokenizer", "verify", trained, "--reference", reference)
    assert bad.code == 2
    assert "ids.jsonl:1" in bad.err
