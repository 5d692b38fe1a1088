from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from korscideberta.data.tagged import read_tagged, whitespace_words
from korscideberta.errors import DataError

CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- -X- O

Lausanne NNP B-NP B-LOC
"""
KLUE = (
    "## 토큰, 레이블 구분자 : \\t\n## 컬럼명 : CHAR\tNE_TAG\n"
    "## nano-ner-0\t<김 박사:PS>는\n김\tB-PS\n \tI-PS\n박\tI-PS\n사\tI-PS\n는\tO\n\n"
    "## nano-ner-1\t#<서울:LC>\n#\tO\n서\tB-LC\n울\tI-LC\n\t\n"
)


def write(folder, name, content):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def with_marks(text):
    for start, end, label in reversed(text.entities):
        marked = f"{text.text[:start]}<{text.text[start:end]}:{label}>{text.text[end:]}"
        text = replace(text, text=marked)
    return text.text


def lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_conll_columns(tmp_path):
    first, second = read_tagged(write(tmp_path, "train.txt", CONLL), True)
    assert (first.id, first.text, second.text) == ("1", "EU rejects German\nPeter Blackburn", "Lausanne")
    assert first.words == ((0, 2), (3, 10), (11, 17), (18, 23), (24, 33))
    assert first.entities == ((0, 2, "ORG"), (11, 17, "MISC"), (18, 33, "PER"))
    assert second.entities == ((0, 8, "LOC"),)
    assert second.origin.endswith("train.txt:12")
    sentences = read_tagged(write(tmp_path, "a.txt", CONLL.split("\n-DOC")[0].split("\n\n", 1)[1]), True)
    assert [text.text for text in sentences] == ["EU rejects German", "Peter Blackburn"]


def test_columns_in_the_older_scheme(tmp_path):
    (text,) = read_tagged(write(tmp_path, "iob1.txt", "EU I-ORG\nGerman I-MISC\nBritish B-MISC\n"), True)
    assert text.entities == ((0, 2, "ORG"), (3, 9, "MISC"), (10, 17, "MISC"))


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes("\ufeff서울\tB-LC\r\n시청\tO\r\n\r\n부산\tB-LC\r\n".encode())
    assert [text.text for text in read_tagged(path, True)] == ["서울 시청", "부산"]


def test_klue_is_read_by_characters(tmp_path):
    first, second = read_tagged(write(tmp_path, "ner.tsv", KLUE), True)
    assert (first.id, first.text, first.words) == ("nano-ner-0", "김 박사는", None)
    assert first.entities == ((0, 4, "PS"),)
    assert (second.id, second.text, second.entities) == ("nano-ner-1", "#서울", ((1, 3, "LC"),))


def test_klue_without_tags(tmp_path):
    bare = "".join(f"{line[0]}\n" if line[1:2] == "\t" else f"{line}\n" for line in KLUE.splitlines())
    assert [text.text for text in read_tagged(write(tmp_path, "test.tsv", bare), False)] == ["김 박사는", "#서울"]


def test_klues_own_file(shared):
    path = shared / "data" / "klue" / "klue-ner-v1.1_dev.tsv"
    texts = read_tagged(path, True)
    assert (len(texts), sum(len(text.entities) for text in texts)) == (5000, 14257)
    # The header of a sentence has it once more, with its entities marked.
    headers = dict(re.findall(r"^## (klue-ner\S+)\t(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    marked = {text.id: with_marks(text) for text in texts}
    assert [name for name in marked if marked[name] != headers[name]] == []


def test_columns_of_characters_are_a_text_without_spaces(tmp_path):
    (text,) = read_tagged(write(tmp_path, "a.tsv", "서\tB-LC\n울\tI-LC\n \tO\n시\tO\n"), True)
    assert (text.text, text.words, text.entities) == ("서울 시", None, ((0, 2, "LC"),))


def test_json_lines_of_spans_and_of_tokens(tmp_path):
    path = write(
        tmp_path, "a.jsonl",
        lines(
            {"id": "가", "text": "서울 시청", "entities": [{"start": 0, "end": 2, "label": "LC", "text": "서울"}]},
            {"tokens": ["서울", "시청"], "tags": ["B-LC", "O"]},
        ),
    )  # fmt: skip
    spans, tokens = read_tagged(path, True)
    assert (spans.id, tokens.id) == ("가", "2")
    assert spans.text == tokens.text
    assert spans.entities == tokens.entities == ((0, 2, "LC"),)
    assert (spans.words, tokens.words) == (None, ((0, 2), (3, 5)))
    assert [text.entities for text in read_tagged(path, False)] == [(), ()]


def test_unlabelled_files_need_no_tags(tmp_path):
    assert read_tagged(write(tmp_path, "a.txt", "EU\nrejects\n"), False)[0].text == "EU rejects"
    assert read_tagged(write(tmp_path, "a.jsonl", lines({"text": "서울"})), False)[0].text == "서울"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "EU B-ORG\nrejects VBZ O\n", r"a.txt:2: 3 columns where the first row has 2"),
        ("a.txt", "EU\nrejects\n", r"a.txt:1: one column"),
        ("a.txt", "EU B-ORG\nrejects O\nGerman I-MISC\n", r"a.txt:3: the tag 'I-MISC' begins an entity"),
        ("a.txt", "EU B-ORG\nrejects X\n", r"a.txt:2: the tag is 'X'"),
        ("a.txt", "EU B-ORG\nrejects B-LAW\n", r"a.txt:2: unknown entity type 'LAW'"),
        ("a.tsv", "EU\tB-ORG\n\tO\n", r"a.tsv:2: the token is empty"),
        ("a.tsv", "## a\t가\n가\tB-ORG\n나다\tO\n", r"a.tsv:3: '나다' stands where one character"),
        ("a.tsv", "## a\t가\n가\tB-ORG\tO\n", r"a.tsv:2: 3 columns where 2 were expected"),
        ("a.tsv", "## a\t가\n가\tO\n\n## a\t나\n나\tO\n", r"a.tsv:5: id 'a' was already used at .*a.tsv:2"),
        ("a.tsv", "## a\t \n \tO\n", r"a.tsv:2: the text is empty"),
        ("a.txt", "\n-DOCSTART- -X- O\n\n", r"a.txt: the file holds no texts"),
        ("a.csv", "EU,B-ORG\n", r"a.csv: the ending '.csv' is not known"),
        ("a.jsonl", lines({"tokens": ["EU", "x"], "tags": ["B-ORG"]}), r"a.jsonl:1: 1 tags for 2 tokens"),
        ("a.jsonl", lines({"tokens": ["EU", " "], "tags": ["B-ORG", "O"]}), r"a.jsonl:1: 'tokens' must be"),
        ("a.jsonl", lines({"tokens": ["EU"]}), r"a.jsonl:1: 'tags' must be"),
        ("a.jsonl", lines({"text": "EU"}), r"a.jsonl:1: no 'entities'"),
        ("a.jsonl", lines({"text": " ", "entities": []}), r"a.jsonl:1: the text is empty"),
        ("a.jsonl", lines({"texts": "EU"}), r"a.jsonl:1: 'text' is None"),
        ("a.jsonl", "\n[1]\n", r"a.jsonl:2: an object was expected, found list"),
        ("a.jsonl", "\n{\n", r"a.jsonl:2: not valid JSON"),
        ("a.json", "{}", r"a.json: a list of objects was expected"),
        ("a.json", json.dumps([{"text": "EU"}]), r"a.json\[0\]: no 'entities'"),
    ],
)  # fmt: skip
def test_faults_are_named_with_their_line(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_tagged(write(tmp_path, name, content), True, ("ORG", "MISC"))


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ({}, "'entities' is dict"),
        ([{"start": 0, "end": 2}], "an entity is"),
        ([{"start": "0", "end": 2, "label": "LC"}], "an entity is"),
        ([{"start": 0, "end": True, "label": "LC"}], "an entity is"),
        ([{"start": 0, "end": 2, "label": " "}], "an entity is"),
        ([{"start": 0, "end": 9, "label": "LC"}], "spans 0–9 in a text of 5 characters"),
        ([{"start": 2, "end": 2, "label": "LC"}], "spans 2–2"),
        ([{"start": 0, "end": 3, "label": "LC"}], "begins or ends with white space"),
        ([{"start": 3, "end": 5, "label": "LC", "text": "서울"}], "the entity's text is '서울', but 3–5 is '시청'"),
        ([{"start": 0, "end": 2, "label": "LC"}, {"start": 1, "end": 5, "label": "OG"}], "overlap at '울'"),
        ([{"start": 0, "end": 2, "label": "XX"}], "unknown entity type 'XX'"),
    ],
)
def test_faulty_spans_are_refused(tmp_path, entities, message):
    path = write(tmp_path, "a.jsonl", lines({"text": "서울 시청", "entities": entities}))
    with pytest.raises(DataError, match=message):
        read_tagged(path, True, ("LC", "OG"))


def test_words_of_a_text():
    assert whitespace_words(" 서울  시청\n") == ((1, 3), (5, 7))
