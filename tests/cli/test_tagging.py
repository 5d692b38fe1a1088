"""Taggers from the launcher to the prediction: the launcher's own options, run in this process on tiny files."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from cli_calls import call

from korscideberta.data.tagged import read_tagged
from korscideberta.export import card
from korscideberta.export import figures as figures_of_runs
from korscideberta.metrics.spans import entities, entity_scores
from korscideberta.tasks.klue_ner import LABELS

EXPERIMENTS = Path(__file__).parent.parent.parent / "experiments"
TINY = ("--epochs", "25", "--learning-rate", "2e-3", "--batch-size", "8", "--eval-every", "1000", "--vocab-size", "150")
PEOPLE, PLACES = ("김하늘", "이바다", "박노을"), ("서울", "부산")
ROLES = {"목표": "이 연구는 촉매를 찾고자 한다", "방법": "시료를 가열하여 쟀다", "결과": "수율이 크게 올랐다"}

FROM_SCRATCH = ("--model", "nano")


def launched(name, folder, *options):
    """Ask a launcher what it would run, and run that here."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KORSCI")}
    done = subprocess.run(
        ["bash", str(EXPERIMENTS / f"{name}.sh"), "nano", "--data-dir", str(folder), *FROM_SCRATCH, *map(str, options)],
        capture_output=True, text=True, check=True, env={**inherited, "KORSCI": "printf %s\\n"},
    )  # fmt: skip
    outcome = call(*done.stdout.splitlines())
    assert outcome.code == 0, outcome.err
    return outcome


def write_klue(path):
    def tagged(text, label=None):
        return [(c, f"{'I' if place else 'B'}-{label}" if label else "O") for place, c in enumerate(text)]

    sentences = [
        [*tagged(person, "PS"), *tagged("씨는 "), *tagged(place, "LC"), *tagged("에 간다")]
        for person in PEOPLE
        for place in PLACES
        for _ in range(4)
    ]
    blocks = [
        f"## nano-{number}\t{''.join(character for character, _ in sentence)}\n"
        + "".join(f"{character}\t{tag}\n" for character, tag in sentence)
        for number, sentence in enumerate(sentences)
    ]
    path.write_text("## 컬럼명 : CHAR\tNE_TAG\n" + "\n".join(blocks), encoding="utf-8")


def write_conll(path):
    sentence = "{0} NNP B-NP B-PER\n교수 NN I-NP O\n{1} NNP B-NP B-LOC\n도착 NN I-NP O\n\n"
    documents = [
        "-DOCSTART- -X- -X- O\n\n" + "".join(sentence.format(person, place) for place in PLACES) for person in PEOPLE
    ]
    path.write_text("".join(documents) * 2, encoding="utf-8")


@pytest.fixture(scope="module")
def klue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("klue")
    write_klue(folder / "klue-ner-v1.1_dev.tsv")
    launched("klue/ner", folder, *TINY, "--out", folder / "run")
    return folder


@pytest.fixture(scope="module")
def conll(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conll")
    for name in ("train", "valid", "test"):
        write_conll(folder / f"{name}.txt")
    launched("ner/ner", folder, *TINY, "--max-length", "12", "--doc-stride", "6", "--out", folder / "run")
    return folder


def figures(folder, split="dev"):
    return json.loads((folder / "run" / "metrics.json").read_text(encoding="utf-8"))[split]


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_klue_run_holds_a_fifth_back_and_scores_by_characters(klue):
    found = figures(klue)
    assert found["documents"] == 5
    assert (found["majority_entity_f1"], found["majority_character_f1_named"]) == (0, 0)
    assert found["entity_f1"] > 0.6
    assert found["character_f1"] > 0.6
    record = json.loads((klue / "run" / "run.json").read_text(encoding="utf-8"))
    assert (record["unit"], record["labels"]) == ("character", list(LABELS))
    rows = lines_of(klue / "run" / "predictions-dev.jsonl")
    spans = [
        [[(one["start"], one["end"], one["label"]) for one in row[name]] for row in rows]
        for name in ("gold", "entities")
    ]
    assert found["f1_micro"] == pytest.approx(entity_scores(*spans)["f1_micro"])
    assert all(row["text"][one["start"] : one["end"]] == one["text"] for row in rows for one in row["entities"])


def test_a_run_repeats_with_its_dev_share(klue):
    again = call("train", "--config", klue / "run" / "run.json", "--dry-run", "--device", "cpu")
    assert again.code == 0, again.err
    assert "klue-ner: 19 train + 5 dev examples" in again.out
    assert json.loads(call("eval", klue / "run", "--json").out)["model"] == pytest.approx(figures(klue), abs=1e-5)


def test_klue_leaderboard_file(klue, tmp_path):
    out = tmp_path / "output.csv"
    data = klue / "klue-ner-v1.1_dev.tsv"
    done = call("predict", klue / "run", "--input", data, "--output", out)
    assert done.code == 0, done.err
    texts = read_tagged(data, False)
    with out.open(encoding="utf-8", newline="") as stream:
        rows = [[LABELS[int(cell)] for cell in row] for row in csv.reader(stream)]
    assert [len(row) for row in rows] == [len(text.text.replace(" ", "")) + 2 for text in texts]
    assert {label for row in rows for _, _, label in entities(row, strict=True)} == {"PS", "LC"}


def test_predictions_for_texts_and_files(klue, tmp_path):
    shown = call("predict", klue / "run", "김하늘씨는 서울에 간다")
    assert shown.code == 0, shown.err
    assert "김하늘씨는 서울에 간다" in shown.out
    out = tmp_path / "a.jsonl"
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "김하늘씨는 서울에 간다"}\n{"text": "🚀"}\n', encoding="utf-8")
    assert call("predict", klue / "run", "--input", texts, "--output", out).code == 0
    first, second = lines_of(out)
    assert {one["label"] for one in first["entities"]} <= {"PS", "LC"}
    assert second["id"] == "2"
    # What was predicted can be read as gold.
    assert read_tagged(out, True)[0].text == "김하늘씨는 서울에 간다"


def test_conll_run_in_windows(conll):
    assert figures(conll)["f1_micro"] > 0.6
    assert figures(conll, "test")["documents"] == 6
    record = json.loads((conll / "run" / "run.json").read_text(encoding="utf-8"))
    assert (record["unit"], record["labels"][:3]) == ("word", ["O", "B-MISC", "I-MISC"])


def test_conll_output_is_the_input_with_a_column_of_predictions(conll, tmp_path, monkeypatch):
    monkeypatch.setattr("korscideberta.prediction.windows.ROWS", 3)  # so that a process beside this one encodes
    out = tmp_path / "o.conll"
    done = call("eval", conll / "run", "--data", conll / "test.txt", "--output", out, "--json")
    assert done.code == 0, done.err
    written = [line.split(" ") for line in out.read_text(encoding="utf-8").splitlines()]
    source = [line.split(" ") for line in (conll / "test.txt").read_text(encoding="utf-8").splitlines()]
    source = [cells for cells in source if cells[0] and not cells[0].startswith("-")]
    assert [cells[:2] for cells in written if len(cells) == 3] == [[cells[0], cells[-1]] for cells in source]
    blocks = out.read_text(encoding="utf-8").strip().split("\n\n")
    assert len(blocks) == 2 * len(PEOPLE) * len(PLACES)
    gold, found = (
        [entities([line.split(" ")[column] for line in block.split("\n")]) for block in blocks] for column in (1, 2)
    )
    assert entity_scores(gold, found)["f1_micro"] == pytest.approx(json.loads(done.out)["model"]["f1_micro"])


def test_a_tagger_of_ones_own_learns_its_types(tmp_path):
    path = tmp_path / "spans.jsonl"
    rows = [
        {"text": f"{material} 박막을 만들었다", "entities": [{"start": 0, "end": len(material), "label": "재료"}]}
        for material in ("산화티타늄", "그래핀")
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows * 6), encoding="utf-8")
    done = call("train", "tag", "--train", path, "--dev", path, *TINY, "--epochs", "1", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text(encoding="utf-8"))
    assert list(config["id2label"].values()) == ["O", "B-재료", "I-재료"]
    assert config["architectures"] == ["DebertaV2ForTokenClassification"]


def test_abstracts_run_with_context(tmp_path):
    rows = [
        f"p{paper},{position},{sentence} {paper},{role}"
        for paper in range(8)
        for position, (role, sentence) in enumerate(ROLES.items())
    ]
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["paper_id,position,sentence,tag", *rows]), encoding="utf-8")
    launched("abstracts/abstracts", tmp_path, *TINY, "--epochs", "1", "--out", tmp_path / "run")
    assert figures(tmp_path)["documents"] == len(rows)
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["labels"] == sorted(ROLES)
    evaluated = call("eval", tmp_path / "run", "--data", tmp_path / "dev.csv", "--json")
    assert json.loads(evaluated.out)["model"] == pytest.approx(figures(tmp_path), abs=1e-5)
    bare = tmp_path / "bare.csv"
    bare.write_text("sentence\n수율이 크게 올랐다\n", encoding="utf-8")
    predicted = call("predict", tmp_path / "run", "--input", bare)
    assert predicted.code == 0, predicted.err
    assert {one["label"] for one in json.loads(predicted.out)["labels"]} == set(ROLES)


def test_the_card_of_a_tagger(klue, tmp_path, monkeypatch, capsys):
    for module in (figures_of_runs, card):
        monkeypatch.setattr(module, "RESAMPLES", 40)
    done = call("push", klue / "run", "owner/ner", "--dry-run", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: token-classification" in text
    assert re.search(r"entity_f1.*\d.*\[\d|entity_f1.*–", text)
    code = text.split("```python\n")[1].split("```")[0].replace("owner/ner", str(tmp_path / "out"))
    exec(code, {})
    tags = ast.literal_eval(capsys.readouterr().out)
    assert tags
    assert set(tags) <= set(LABELS)


@pytest.mark.parametrize(
    ("task", "name", "content", "message"),
    [
        ("ner", "a.txt", "EU B-ORG\nrejects\n", "a.txt:2: 1 columns where the first row has 2"),
        ("ner", "a.txt", "EU B-ORG\nrejects B-LAW\n", "a.txt:2: unknown entity type 'LAW'"),
        ("tag", "a.txt", "EU B-ORG\nrejects O\n\nGerman I-ORG\n", "a.txt:4: the tag 'I-ORG' begins an entity"),
        ("tag", "a.txt", "EU O\nrejects O\n", "a.txt: no text has an entity"),
        ("tag", "a.jsonl", '{"tokens": ["가"], "tags": []}\n', "a.jsonl:1: 0 tags for 1 tokens"),
        ("klue-ner", "a.tsv", "## a\t가\n가\tB-XX\n", "a.tsv:2: unknown entity type 'XX'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, task, name, content, message):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    done = call("train", task, "--train", path, "--dev", path, *TINY, "--out", tmp_path / "run")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_texts_of_two_sorts_and_unknown_types_are_refused(tmp_path):
    tokens, spans = tmp_path / "tokens.jsonl", tmp_path / "spans.jsonl"
    tokens.write_text('{"id": "1", "tokens": ["서울"], "tags": ["B-LC"]}\n', encoding="utf-8")
    entity = '{"start": 0, "end": 2, "label": "OG"}'
    spans.write_text(f'{{"id": "2", "text": "서울", "entities": [{entity}]}}\n', encoding="utf-8")
    mixed = call("train", "tag", "--train", tokens, "--train", spans, "--dev", tokens, *TINY, "--out", tmp_path / "r")
    assert (mixed.code, "some training texts came as tokens" in mixed.err) == (2, True)
    other = call("train", "tag", "--train", tokens, "--dev", spans, *TINY, "--out", tmp_path / "r")
    assert (other.code, "spans.jsonl:1: unknown entity type 'OG'" in other.err) == (2, True)
