"""Readers of the official files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from official_files import FILES, ROWS, korean, sentence, write_files

from korscideberta import tasks
from korscideberta.errors import DataError

LAUNCHERS = sorted(FILES)


def read(name, path, labelled=True):
    return tasks.get(name).read(path, None, None, labelled)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_every_official_file_is_read(launcher, tmp_path):
    task = tasks.get(FILES[launcher][0])
    files = write_files(tmp_path, launcher)
    for split, path in files.items():
        examples = task.read(path, None, None, split != "test")
        assert len(examples) == ROWS[split]
        assert len({example.id for example in examples}) == ROWS[split]
        assert all((example.text_pair is not None) == task.pair for example in examples)
        if split != "test":
            assert all((example.value is not None) == (task.head == "regression") for example in examples)
            assert {label for example in examples for label in example.labels} <= set(task.labels or ())


def test_cola_with_and_without_a_header(tmp_path):
    files = write_files(tmp_path, "glue/cola")
    assert [(e.text, e.labels) for e in read("cola", files["train"])][:2] == [
        (sentence(0), ("0",)),
        (sentence(1), ("1",)),
    ]
    assert [(e.id, e.text) for e in read("cola", files["test"], False)][:2] == [("0", sentence(0)), ("1", sentence(1))]


def test_qqp_keeps_quotes_and_leaves_broken_rows_out(tmp_path, caplog):
    files = write_files(tmp_path, "glue/qqp")
    examples = read("qqp", files["train"])
    assert examples[2].text == 'why "the "bird" sleeps 2?'
    assert "1 broken records are left out" in caplog.text


def test_mnli_leaves_out_what_nobody_agreed_on_and_knows_genres(tmp_path):
    files = write_files(tmp_path, "glue/mnli")
    examples = read("mnli", files["dev"])
    assert [example.part for example in examples] == ["fiction", "travel"] * 3
    figures = tasks.get("mnli").by_example(
        examples, ["contradiction", "neutral", "entailment", "neutral", "neutral", "neutral"]
    )
    assert figures == {"accuracy_fiction": 1, "accuracy_travel": 1 / 3}


def test_diagnostics(tmp_path):
    path = tmp_path / "diagnostic-full.tsv"
    path.write_text("Domain\tPremise\tHypothesis\tLabel\nNews\tA\tB\tneutral\n", encoding="utf-8")
    (example,) = read("mnli", path)
    assert (example.text, example.text_pair, example.labels) == ("A", "B", ("neutral",))


def test_diagnostics_are_judged_by_gorodkins_correlation(tmp_path):
    """R_K as the correlation of two N × K matrices (Gorodkin 2004, equation 2), worked out without scikit-learn."""
    names = tasks.get("mnli").labels
    draw = np.random.default_rng(0)
    gold, predicted = draw.integers(0, 3, 60), draw.integers(0, 3, 60)
    predicted[:35] = gold[:35]
    path = tmp_path / "diagnostic-full.tsv"
    rows = [f"News\tA\tB\t{names[label]}\n" for label in gold]
    path.write_text("".join(["Domain\tPremise\tHypothesis\tLabel\n", *rows]), encoding="utf-8")
    figures = tasks.get("mnli").by_example(read("mnli", path), [names[label] for label in predicted])
    x, y = (np.eye(3)[labels] - np.eye(3)[labels].mean(axis=0) for labels in (gold, predicted))
    assert figures == {"matthews": pytest.approx((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))}
    assert 0.3 < figures["matthews"] < 0.9


def test_a_file_whose_answers_are_kept_back_is_for_prediction(tmp_path):
    path = tmp_path / "test.tsv"
    path.write_text("index\tsentence1\tsentence2\tgold_label\n0\tA\tB\thidden\n", encoding="utf-8")
    with pytest.raises(DataError, match="no row has a gold label; 'korsci predict' reads"):
        read("mnli", path)
    assert len(read("mnli", path, False)) == 1


def test_anli_knows_rounds(tmp_path):
    files = write_files(tmp_path, "glue/anli")
    example = read("anli", files["dev"])[1]
    assert (example.id, example.labels, example.part) == ("u1", ("neutral",), "R1")


def test_wic_marks_the_word(tmp_path):
    files = write_files(tmp_path, "superglue/wic")
    example = read("wic", files["train"])[1]
    assert (example.text, example.text_pair) == ("runs: a * runs * and a dog", "a * runs * and a dog")
    assert example.labels == ("false",)


def test_multirc_is_scored_by_question(tmp_path):
    files = write_files(tmp_path, "superglue/multirc")
    examples = read("multirc", files["dev"])
    assert [example.id for example in examples] == ["0-0-0", "0-0-1", "1-1-4", "1-1-5", "2-2-8", "2-2-9"]
    assert (examples[1].text, examples[1].text_pair) == (sentence(0), "what does it do? runs")
    right = [example.labels[0] for example in examples]
    em = tasks.get("multirc").by_example
    assert em(examples, right) == {"em": 1.0}
    assert em(examples, [right[0], right[0], *right[2:]]) == {"em": pytest.approx(2 / 3)}


def test_relations_are_marked(tmp_path):
    files = write_files(tmp_path, "klue/re")
    example = read("klue-re", files["train"])[1]
    assert example.text == "[S:ORG] 강아 [/S]지가 뛴다 [O:POH] 1 [/O]"
    assert example.labels == ("per:title",)


def test_ynat_of_two_layouts(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("title,topic\n제목,경제\n", encoding="utf-8")
    assert read("ynat", path)[0].labels == ("경제",)
    path.write_text("title,topic\n제목,날씨\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.csv:2: the label is '날씨'; use one of IT과학"):
        read("ynat", path)


def test_nsmc_has_empty_reviews(tmp_path, caplog):
    files = write_files(tmp_path, "korean/nsmc")
    examples = read("nsmc", files["train"])
    assert examples[5].text == ""
    assert examples[6].text == korean(6)
    assert "1 rows have an empty text" in caplog.text


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("wic", {"word": "a", "sentence1": "b", "sentence2": "b", "start1": 0, "end1": 9, "start2": 0, "end2": 1},
         "start1=0, end1=9 lie outside sentence1"),
        ("wic", {"word": "a", "sentence1": "b"}, "no column 'sentence2'"),
        ("multirc", {"idx": 0, "passage": {"text": "a"}}, "a.jsonl:1: not a passage"),
        ("klue-re", {"sentence": "가나", "subject_entity": {"word": "나"}, "object_entity": {}}, "no 'start_idx'"),
        ("klue-re", {"sentence": "가나", "subject_entity": 5, "object_entity": {}}, "must be an object"),
        ("klue-re", {"sentence": "가나", "subject_entity": {"word": "나", "start_idx": 0, "end_idx": 0, "type": "X"},
                     "object_entity": {"word": "나", "start_idx": 1, "end_idx": 1, "type": "X"}}, "does not stand at"),
        ("boolq", {"question": "a", "passage": "b", "label": "maybe"}, "the label is 'maybe'"),
        ("boolq", {"question": "a", "text": "b"}, "no columns 'question', 'passage'; the file has"),
        ("stsb", {"sentence1": "a", "sentence2": "b", "score": "x"}, "the value is 'x'"),
    ],
)  # fmt: skip
def test_faults(name, row, message, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"label": "", **row}), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read(name, path)


def test_real_korean_files(shared):
    data = shared / "data"
    assert len(read("klue-sts", data / "klue" / "klue-sts-v1.1_dev.json")) == 519
    assert len(read("korsts", data / "kornlu" / "sts-train.tsv")) == 5749
    assert len(read("ynat", data / "ynat" / "dev.csv")) == 4000
    assert len(read("mnli", data / "klue" / "klue-nli-v1.1_dev.json")) == 3000
