from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from korscideberta.errors import ConfigError, DataError
from korscideberta.tokenization import DebertaV2Tokenizer, Recipe, corpus, shards, train_tokenizer
from korscideberta.tokenization.corpus import CorpusFormat
from korscideberta.tokenization.shards import CorpusSettings, Shards
from korscideberta.tokenization.train_corpus import RECORD, train_on_corpus
from korscideberta.tokenization.trainer import VocabularySettings

VOCABULARY = VocabularySettings(vocab_size=150, character_coverage=1.0)


def settings(**options: object) -> CorpusSettings:
    return CorpusSettings(recipe=Recipe(), form=CorpusFormat(), **options)  # type: ignore[arg-type]


@pytest.fixture
def files(corpus_texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The corpus in three files; blocks and shards are small, so that there are many."""
    monkeypatch.setattr(corpus, "BLOCK", 512)
    monkeypatch.setattr(corpus, "_CHUNK", 128)
    monkeypatch.setattr(shards, "SHARD", 3)
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_text("\n".join(corpus_texts[100 * number : 100 * number + 100]) + "\n", encoding="utf-8")
    return paths


@pytest.fixture
def corpus_texts(corpus: list[str]) -> list[str]:
    return corpus


def test_the_model_is_that_of_the_same_texts_in_memory(files, corpus_texts, tmp_path):
    ours = train_on_corpus(files, tmp_path / "ours", settings(), VOCABULARY, workers=2)
    theirs = train_tokenizer(corpus_texts, tmp_path / "theirs", vocab_size=150, character_coverage=1.0)
    assert ours.fingerprint() == theirs.fingerprint()
    assert not (tmp_path / "ours.work").exists()
    record = json.loads((tmp_path / "ours" / RECORD).read_text(encoding="utf-8"))
    assert record["found"] == {"texts": 300, "lines": 300, "kept": 300, "bad": 0, "selected": 300}
    assert record["tokenizer"] == ours.fingerprint()
    assert len(DebertaV2Tokenizer.from_pretrained(tmp_path / "ours")) == 150


def test_a_sample_depends_on_the_seed_alone(files, tmp_path):
    models = {}
    for name, seed, workers in (("a", 0, 1), ("b", 0, 2), ("c", 1, 1)):
        chosen = settings(max_lines=40, seed=seed)
        tokenizer = train_on_corpus(files, tmp_path / name, chosen, VOCABULARY, workers=workers, keep=True)
        models[name] = tokenizer.fingerprint()["spm_sha256"]
    assert models["a"] == models["b"] != models["c"]
    there = Shards(tmp_path / "a.work", files, settings(max_lines=40))
    counts = there.write(1)
    assert 40 <= counts.kept < counts.lines == 300
    assert len(list(there.select(counts))) == 40


class Stopped(Exception):
    pass


@pytest.mark.parametrize("max_lines", [40, 1000])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_run_goes_on_from_its_shards(files, tmp_path, workers, max_lines):
    chosen = settings(max_lines=max_lines)
    whole = Shards(tmp_path / "whole", files, chosen)
    counts = whole.write(1)

    def stop_late(done: int, total: int) -> None:
        assert 0 < done <= total == sum(path.stat().st_size for path in files)
        if done > total / 2:
            raise Stopped

    folder = tmp_path / "stopped"
    with pytest.raises(Stopped):
        Shards(folder, files, chosen).write(workers, stop_late)
    finished = Shards(folder, files, chosen).finished()
    assert 0 < finished < whole.finished()
    before = (folder / "000000.txt").stat().st_mtime_ns
    resumed = Shards(folder, files, chosen)
    assert resumed.write(workers).lines == counts.lines
    assert (folder / "000000.txt").stat().st_mtime_ns == before
    assert list(resumed.select(counts)) == list(whole.select(counts))
    assert not list(folder.glob(".*"))


def test_kept_lines_serve_another_vocabulary(files, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="vocab_size=20 is below"):
        train_on_corpus(files, tmp_path / "out", settings(), VocabularySettings(vocab_size=20))
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(shards, "_segmenter", None)  # nothing is to be cut again
    assert len(train_on_corpus(files, tmp_path / "out", settings(), VOCABULARY)) == 150
    assert not (tmp_path / "out.work").exists()


def test_lines_of_another_call_are_refused(files, tmp_path):
    folder = tmp_path / "work"
    Shards(folder, files, settings()).write(1)
    with pytest.raises(ConfigError, match="other seed"):
        Shards(folder, files, settings(seed=1))
    with pytest.raises(ConfigError, match="other files"):
        Shards(folder, files[:2], settings())
    other = CorpusSettings(recipe=Recipe(engine="none"), form=CorpusFormat())
    with pytest.raises(ConfigError, match="other analyser"):
        Shards(folder, files, other)
    os.utime(files[0])
    with pytest.raises(ConfigError, match="other files"):
        Shards(folder, files, settings())


def test_overwrite_begins_anew(files, tmp_path):
    out = tmp_path / "out"
    first = train_on_corpus(files, out, settings(), VOCABULARY, keep=True)
    with pytest.raises(ConfigError, match="holds a tokenizer already; add --overwrite"):
        train_on_corpus(files, out, settings(), VOCABULARY)
    second = train_on_corpus(files[:1], out, settings(), VOCABULARY, overwrite=True)
    assert first.fingerprint() != second.fingerprint()
    assert not (tmp_path / "out.work").exists()


def test_a_folder_that_is_not_ours_is_never_touched(files, tmp_path):
    work = tmp_path / "out.work"
    work.mkdir()
    (work / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match="holds no training lines of ours"):
            train_on_corpus(files, tmp_path / "out", settings(), VOCABULARY, overwrite=overwrite)
    assert [path.name for path in work.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_records(files, tmp_path, workers):
    files[1].write_bytes(files[1].read_bytes() + b"\xb0\xa1 \xb3\xaa\n")
    with pytest.raises(DataError, match=r"1\.txt:101: byte 1"):
        Shards(tmp_path / "a", files, settings()).write(workers)
    skipping = CorpusSettings(recipe=Recipe(), form=CorpusFormat(skip_bad=True))
    counts = Shards(tmp_path / "b", files, skipping).write(workers)
    assert (counts.texts, counts.bad) == (301, 1)


def test_nothing_to_learn_from_leaves_nothing_behind(tmp_path):
    path = tmp_path / "blank.txt"
    path.write_text(" \n\n", encoding="utf-8")
    with pytest.raises(DataError, match="every line is empty"):
        train_on_corpus([path], tmp_path / "out", settings(), VOCABULARY)
    with pytest.raises(DataError, match="cannot be read"):
        train_on_corpus([tmp_path / "no.txt"], tmp_path / "out", settings(), VOCABULARY)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{"max_lines": 0}, {"seed": -1}])
def test_impossible_settings(options):
    with pytest.raises(ConfigError, match=f"{next(iter(options))}="):
        settings(**options)
