"""The download script, with a stand-in for curl that serves from a folder."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "experiments" / "download_data.sh"
CURL = """#!/bin/bash
# serves $SERVED/NAME for any address that ends in NAME
while (($#)); do
    case $1 in
        --output) file=$2; shift ;;
        https://*) address=$1 ;;
    esac
    shift
done
echo "$address" >>"$SERVED/asked"
cp "$SERVED/${address##*/}" "$file" 2>/dev/null || { printf half >"$file"; exit 6; }
"""


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (tmp_path / "bin").mkdir()
    curl = tmp_path / "bin" / "curl"
    curl.write_text(CURL)
    curl.chmod(0o755)
    return folder


def download(served, *arguments):
    environment = {**os.environ, "PATH": f"{served.parent / 'bin'}:{os.environ['PATH']}", "SERVED": str(served)}
    return subprocess.run(
        ["bash", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=False, env=environment
    )


def test_files_are_fetched_once_and_their_sums_kept(served, tmp_path):
    for split in ("train", "test"):
        (served / f"ratings_{split}.txt").write_text(f"id\tdocument\tlabel\n1\t{split}\t1\n")
    data = tmp_path / "내 자료"
    done = download(served, data, "nsmc")
    assert done.returncode == 0, done.stderr
    assert (data / "nsmc" / "ratings_train.txt").read_bytes() == (served / "ratings_train.txt").read_bytes()
    assert f"{(served / 'ratings_train.txt').stat().st_size} bytes" in done.stdout
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=data, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert len((served / "asked").read_text().splitlines()) == 2
    assert "is there" in download(served, data, "nsmc").stdout
    assert len((served / "asked").read_text().splitlines()) == 2


def test_a_file_that_has_changed_is_refused(served, tmp_path):
    for split in ("train", "test"):
        (served / f"ratings_{split}.txt").write_text(split)
    assert download(served, tmp_path, "nsmc").returncode == 0
    (tmp_path / "nsmc" / "ratings_train.txt").unlink()
    (served / "ratings_train.txt").write_text("other")
    done = download(served, tmp_path, "nsmc")
    assert (done.returncode, "a former download had" in done.stderr) == (2, True)
    assert sorted(path.name for path in (tmp_path / "nsmc").iterdir()) == ["ratings_test.txt"]


def test_archives_are_unpacked(served, tmp_path):
    with zipfile.ZipFile(served / "anli_v1.0.zip", "w") as archive:
        archive.writestr("anli_v1.0/R1/train.jsonl", "{}\n")
    assert download(served, tmp_path / "data", "anli").returncode == 0
    assert (tmp_path / "data" / "anli_v1.0" / "R1" / "train.jsonl").read_text() == "{}\n"
    assert download(served, tmp_path / "data", "anli").returncode == 0


def test_without_a_network_one_line_says_what_to_do(served, tmp_path):
    done = download(served, tmp_path / "data", "korquad")
    assert done.returncode == 2
    assert "KorQuAD_v1.0_train.json could not be downloaded; is there a network?" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list((tmp_path / "data" / "korquad").iterdir())


def test_faults_of_the_call(served, tmp_path):
    done = download(served, tmp_path / "data", "gleu")
    assert (done.returncode, done.stderr) == (
        2,
        "error: no data set 'gleu'; one of glue superglue anli alphanli squad klue kornlu korquad nsmc\n",
    )
    assert not (tmp_path / "data").exists()
    assert download(served).returncode == 2
    shown = download(served, "--help")
    assert (shown.returncode, "usage: download_data.sh DIR [NAME…]" in shown.stdout) == (0, True)
