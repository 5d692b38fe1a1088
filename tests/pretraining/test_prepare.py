from __future__ import annotations

import gzip
import json
import os
import resource
import signal
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from corpora import NO_CLEANING, files_of, settings, texts_of, tokens_of
from kills import die_at_call, in_a_fork

from korscideberta import files
from korscideberta.errors import ConfigError, DataError
from korscideberta.pretraining import prepare, work
from korscideberta.pretraining.cleaning import Cleaning
from korscideberta.pretraining.flags import DOCUMENT, SENTENCE
from korscideberta.pretraining.prepare import describe, prepare_corpus
from korscideberta.pretraining.shards import PreparedCorpus, ShardWriter
from korscideberta.tokenization import corpus as reading
from korscideberta.tokenization import train_tokenizer


def test_documents_come_back_in_their_order(prepared, tokenizer, lines):
    train, valid = tokens_of(prepared), tokens_of(prepared, "valid")
    encoded = tokenizer(lines, add_special_tokens=False)["input_ids"]
    assert [ids for ids in encoded if ids in train] == train
    assert [ids for ids in encoded if ids not in train] == valid
    assert 15 <= len(valid) <= 60
    shard = prepared.shards("train")[0]
    assert shard.ids.dtype == np.uint16
    assert np.flatnonzero(shard.flags & DOCUMENT).tolist() == shard.starts.tolist()
    assert (shard.flags[shard.starts] & SENTENCE).all()
    prepared.verify()
    assert not prepared.folder.with_name("corpus.work").exists()


@pytest.mark.parametrize("ending", ["gz", "zst", "jsonl"])
def test_compressed_files_and_records_give_the_same(ending, lines, tokenizer, tmp_path, prepared):
    text = "\n".join(lines) + "\n"
    path = tmp_path / f"a.txt.{ending}"
    if ending == "gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif ending == "zst":
        path.write_bytes(zstandard.compress(text.encode()))
    else:
        path.write_text("".join(json.dumps({"text": line}) + "\n" for line in lines), encoding="utf-8")
    found = prepare_corpus([path], tmp_path / "data", tokenizer, settings())
    assert found.digest() == prepared.digest()


def test_any_number_of_processes_and_parts_gives_the_same(corpus_file, tokenizer, tmp_path, prepared, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 700)
    monkeypatch.setattr(reading, "_CHUNK", 300)
    monkeypatch.setattr(work, "PART", 3)
    found = prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings(), workers=2)
    assert found.digest() == prepared.digest()


def test_shards_hold_whole_documents(corpus_file, tokenizer, tmp_path, prepared, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 700)
    monkeypatch.setattr(reading, "_CHUNK", 300)
    monkeypatch.setattr(work, "PART", 1)
    monkeypatch.setattr(prepare, "ShardWriter", lambda *options: ShardWriter(*options, size=500))
    found = prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings())
    assert len(found.shards("train")) > 2
    found.verify()
    assert tokens_of(found) == tokens_of(prepared)


def test_what_is_repeated(tmp_path, tokenizer, lines):
    long = " ".join(lines[:12])
    documents = [
        ["실험실의 온도를", lines[0]],
        ["실험실의 온도를", lines[1]],
        ["실험실의 온도를", lines[2]],
        [lines[1], "  "],
        [lines[0], "실험실의 온도를"],
        [long],
        [long.replace("방법을 제안", "방법을 분석", 1)],
        ["실험실의 온도를", " " + lines[2]],
    ]
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join("\n".join(document) for document in documents), encoding="utf-8")

    def left(**options):
        chosen = settings(cleaning=replace(NO_CLEANING, **options), valid_share=0.0, document="blank")
        found = prepare_corpus([path], tmp_path / "data", tokenizer, chosen, overwrite=True)
        return [text.replace(" ", "") for text in texts_of(found, tokenizer)], found.index["counts"]

    whole = ["".join("".join(document).split()) for document in documents]
    assert left()[0] == whole
    texts, counts = left(duplicates=True)
    assert texts == whole[:-1]
    assert counts["documents_repeated"] == 1
    texts, counts = left(duplicates=True, near_duplicates=True)
    assert texts == [*whole[:6]]
    assert (counts["documents_repeated"], counts["documents_almost_repeated"]) == (1, 1)
    texts, counts = left(boilerplate=5)
    heading = "실험실의온도를"
    assert texts == [whole[0], *(text.replace(heading, "") for text in whole[1:])]
    assert counts["lines_of_boilerplate"] == 4
    assert left(boilerplate=6)[0] == whole


def test_cleaning_is_counted(tmp_path, tokenizer):
    path = tmp_path / "a.txt"
    path.write_text("유전자를\u200b 분석\n유전자에 대 한\nEnglish only\n유전자를 분석\n나노입자가\n", encoding="utf-8")
    found = prepare_corpus([path], tmp_path / "data", tokenizer, settings(cleaning=Cleaning(), valid_share=0.0))
    assert texts_of(found, tokenizer) == ["유전자 를 분석", "나노 입자 가"]
    assert list(describe(found)) == [
        "5 documents of 5 lines were read",
        "             1 documents in other languages",
        "             1 documents repeated",
        "             1 documents without text",
        "             1 lines with broken spacing",
        "             1 lines with control characters",
        f"train: 2 documents, {found.tokens('train')} tokens",
        "valid: 0 documents, 0 tokens",
    ]


def test_a_share_of_a_file(tmp_path, tokenizer, lines):
    many = [f"{line} {number}" for line in lines for number in range(20)]
    for name in ("law.txt", "news.txt"):
        (tmp_path / name).write_text("\n".join(f"{name} {line}" for line in many), encoding="utf-8")
    paths = [tmp_path / "law.txt", tmp_path / "news.txt"]
    counts = []
    for seed in (0, 0, 1):
        chosen = settings(shares=(("law*", 0.3),), seed=seed, valid_share=0.0)
        found = prepare_corpus(paths, tmp_path / "data", tokenizer, chosen, overwrite=True)
        counts.append((found.index["counts"]["train_documents"], found.digest()))
    assert counts[0] == counts[1]
    assert counts[0][1] != counts[2][1]
    assert 0.1 < counts[0][0] / len(many) - 1 < 0.5


POINTS = {
    "a part": (work.Work, "_save", 2),
    "the counts of a part": (work, "write_json", 4),
    "the repeated": (prepare, "_find_repeated", 1),
    "a shard": (ShardWriter, "add", 3),
    "the tokenizer": (files, "_flush", 9),
    "the index": (prepare, "write_index", 1),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_killed_at(point, corpus_file, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 700)
    monkeypatch.setattr(reading, "_CHUNK", 300)
    monkeypatch.setattr(work, "PART", 2)
    chosen = settings(cleaning=Cleaning())
    whole = prepare_corpus([corpus_file], tmp_path / "whole", tokenizer, chosen).folder

    def killed():
        die_at_call(*point, after=True)
        prepare_corpus([corpus_file], tmp_path / "data", tokenizer, chosen)

    assert in_a_fork(killed) == signal.SIGKILL
    again = point[0] is prepare and point[1] == "write_index"
    prepare_corpus([corpus_file], tmp_path / "data", tokenizer, chosen, overwrite=again)
    assert files_of(tmp_path / "data") == files_of(whole)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("limit", [1000, 4000, 6000])
def test_a_disk_that_takes_no_more(limit, corpus_file, tokenizer, tmp_path, prepared):
    """The kernel refuses to let files grow beyond the limit, as it does on a full disk."""

    def fill():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings())
        except DataError as error:
            return 7 if "cannot be written (File too large)" in str(error) else 1
        return 2

    assert in_a_fork(fill) == -7
    assert prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings()).digest() == prepared.digest()


def test_nothing_to_train_on(tmp_path, tokenizer):
    for content in ("", "\n \n", "English only\n"):
        (tmp_path / "a.txt").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match="no text to train on"):
            prepare_corpus([tmp_path / "a.txt"], tmp_path / "data", tokenizer, settings(cleaning=Cleaning()))
        assert not (tmp_path / "data.work").exists()


def test_a_folder_that_is_taken(prepared, corpus_file, tokenizer, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="holds a prepared corpus already; add --overwrite"):
        prepare_corpus([corpus_file], prepared.folder, tokenizer, settings())
    (tmp_path / "data.work").mkdir()
    (tmp_path / "data.work" / "mine").touch()
    with pytest.raises(ConfigError, match="holds no work of ours"):
        prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings(), overwrite=True)
    (tmp_path / "data.work" / "mine").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "_find_repeated", lambda *_: (_ for _ in ()).throw(DataError("stopped")))
        with pytest.raises(DataError, match="stopped"):
            prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings())
    with pytest.raises(ConfigError, match="left by a run with other settings"):
        prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings(valid_share=0.3))
    other = train_tokenizer(["가 나 다 라 마 바 사"], tmp_path / "other", vocab_size=20)
    with pytest.raises(ConfigError, match="left by a run with other tokenizer"):
        prepare_corpus([corpus_file], tmp_path / "data", other, settings())
    assert prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings()).digest() == prepared.digest()


def test_a_flipped_byte(corpus_file, tokenizer, tmp_path):
    found = prepare_corpus([corpus_file], tmp_path / "data", tokenizer, settings())
    for ending in ("ids", "flags", "starts"):
        path = tmp_path / "data" / f"train-00000.{ending}"
        whole = path.read_bytes()
        path.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
        with pytest.raises(DataError, match=rf"train-00000.{ending}: damaged \(its SHA-256"):
            found.verify()
        path.write_bytes(whole[:-8])
        with pytest.raises(DataError, match=rf"train-00000.{ending}: has .* index.json says"):
            found.shards("train")
        path.unlink()
        with pytest.raises(DataError, match=rf"train-00000.{ending}: cannot be read"):
            found.verify()
        path.write_bytes(whole)
    found.verify()


def test_an_index_that_is_none(tmp_path):
    with pytest.raises(DataError, match="not a prepared corpus"):
        PreparedCorpus.open(tmp_path)
    for content in ("{", "[]", '{"format": 2, "splits": {"train": [], "valid": []}, "tokenizer": {}}'):
        (tmp_path / "index.json").write_text(content)
        with pytest.raises(DataError, match=r"index.json: damaged"):
            PreparedCorpus.open(tmp_path)


def test_a_large_vocabulary_has_wide_tokens(tokenizer, monkeypatch):
    assert work.token_type(tokenizer) is np.uint16
    monkeypatch.setattr(type(tokenizer), "__len__", lambda self: 65537)
    assert work.token_type(tokenizer) is np.uint32


def test_shares_that_are_none():
    for share in (0.0, 1.5):
        with pytest.raises(ConfigError, match=r"--share a=.*above 0 and at most 1"):
            settings(shares=(("a", share),))
    with pytest.raises(ConfigError, match="--valid-share 1"):
        settings(valid_share=1.0)
