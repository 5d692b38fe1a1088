from __future__ import annotations

import json
import sys
import tracemalloc
from dataclasses import replace

import pytest

from korscideberta import tasks
from korscideberta.data.examples import Columns
from korscideberta.errors import ConfigError, DataError
from korscideberta.tasks.tables import TableReader


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write_file


def test_registry_suggests_the_nearest_name():
    assert {"classify", "mnli", "papers", "regress"} <= set(tasks.names())
    with pytest.raises(ConfigError, match="did you mean 'papers'"):
        tasks.get("paper")


def test_what_is_held_of_a_table_is_hardly_more_than_its_texts(write):
    """At most, while it is read: the texts (2 bytes a Korean character), and 400 bytes a row, not a dict for each."""
    rows = 2000
    path = write(
        "a.csv", "text,label\n" + "".join(f"{number} {'초록 ' * 100},분야{number % 7}\n" for number in range(rows))
    )
    read = tasks.get("classify").read
    columns = Columns(text=("text",), label="label")
    read(path, columns, None, True)
    tracemalloc.start()
    try:
        examples = read(path, columns, None, True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < sum(sys.getsizeof(example.text) + 400 for example in examples)
    assert len({id(example.labels) for example in examples}) == 7


PAPERS = "id,title,abstract,fields,split\n"


def test_papers_take_codes_and_names(write):
    path = write("a.csv", PAPERS + "1,제목,초록,정보/통신|EC,train\n2,제목,초록,NA,dev\n")
    examples = tasks.get("papers").read(path, None, "train", True)
    assert [(e.id, e.text, e.labels) for e in examples] == [("1", "제목\n초록", ("EE", "EC"))]
    assert len(tasks.get("papers").read(path, None, None, True)) == 2
    assert tasks.get("papers").display("EE") == "EE 정보/통신"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,제목,초록,EX,train", r"a\.csv:2: unknown field 'EX'"),
        ("1,제목,초록,,train", r"a\.csv:2: the field is empty"),
        ("1,제목,초록,EE|EE,train", "occurs twice"),
        ("1,제목,초록,EE|EA|EB|EC,train", "4 fields"),
        ("1,,NaN,EE,train", r"a\.csv:2: no text"),
        ("1,제목,초록,EE,valid", "split is 'valid'"),
        ("1,제목,초록,EE,dev", "no row has split 'train'"),
        ("1,제목,초록,EE,train\n1,다른 제목,초록,EE,train", r"a\.csv:3: id '1' was already used"),
    ],
)
def test_paper_faults(write, row, message):
    with pytest.raises(DataError, match=message):
        tasks.get("papers").read(write("a.csv", PAPERS + row + "\n"), None, "train", True)


GLUE = "index\tpairID\tgenre\tsentence1\tsentence2\tlabel1\tgold_label\n0\t7n\tfiction\tA\tB\tx\tneutral\n"
KORNLI = "sentence1\tsentence2\tgold_label\nA\tB\tneutral\n"
KLUE = '[{"guid": "k1", "premise": "A", "hypothesis": "B", "gold_label": "neutral"}]'


@pytest.mark.parametrize(
    ("name", "content", "identity"), [("a.tsv", GLUE, "7n"), ("a.tsv", KORNLI, "1"), ("a.json", KLUE, "k1")]
)
def test_mnli_layouts(write, name, content, identity):
    (example,) = tasks.get("mnli").read(write(name, content), None, None, True)
    assert (example.id, example.text, example.text_pair, example.labels) == (identity, "A", "B", ("neutral",))


def test_mnli_label_outside_the_set(write):
    with pytest.raises(DataError, match=r"a\.tsv:2: the label is 'maybe'"):
        tasks.get("mnli").read(write("a.tsv", KORNLI.replace("neutral", "maybe")), None, None, True)


def test_classify_joins_text_columns_and_skips_missing_ones(write):
    path = write("a.csv", "제목,초록,분야\n가,나,A\n다,,B\n")
    columns = Columns(text=("제목", "초록"), label="분야")
    examples = tasks.get("classify").read(path, columns, None, True)
    assert [(e.text, e.labels) for e in examples] == [("가\n나", ("A",)), ("다", ("B",))]
    assert all(e.labels == () for e in tasks.get("classify").read(path, columns, None, False))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("제목,분야\n가,\n", r"a\.csv:2: the label is empty"),
        ("제목,라벨\n가,A\n", "no column '분야'; the file has '제목', '라벨'"),
        ("제목,분야\nNaN,A\n", r"a\.csv:2: no text in column '제목' \(found 'NaN'\)"),
    ],
)
def test_classify_faults(write, content, message):
    with pytest.raises(DataError, match=message):
        tasks.get("classify").read(write("a.csv", content), Columns(text=("제목",), label="분야"), None, True)


def test_a_table_that_is_only_to_be_labelled_need_not_have_the_id_column(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("제목\n첫째\n둘째\n", encoding="utf-8")
    columns = Columns(text=("제목",), label="분야", id="번호")
    assert [one.id for one in tasks.get("classify").read(path, columns, None, False)] == ["1", "2"]
    with pytest.raises(DataError, match="no column '번호', '분야'"):
        tasks.get("classify").read(path, columns, None, True)


FIELDS = "code,name,parent\nLA01,분자세포생물학,LA\nLA0101,신호전달,LA01\nLA0102,세포구조/운동,LA01\nNA01,대수학,NA\n"
LEVELED = "논문제목,초록,대분류1,중분류1,소분류1,대분류2,중분류2,소분류2\n"


@pytest.mark.parametrize(
    ("level", "labels"),
    [("large", ("LA", "NA")), ("middle", ("LA01", "NA01")), ("small", ("LA0101", "NA01"))],
)
def test_papers_at_a_level(write, level, labels):
    task = tasks.with_fields(tasks.get("papers"), level, write("fields.csv", FIELDS))
    path = write("a.csv", LEVELED + "제목,초록,생명과학,분자세포 생물학,신호전달,NA,대수학,\n제목,초록,EE,,,,,\n")
    assert [example.labels for example in task.read(path, None, None, True)] == [labels, ("EE",)]
    again = tasks.task_of(json.loads(json.dumps(tasks.task_record(task))))
    assert (again.labels, again.head) == (task.labels, "sequence")
    assert set(labels) <= set(again.labels)
    assert again.read(path, None, None, True) == task.read(path, None, None, True)
    assert again.display("LA") == "LA 생명과학"


def test_levels_of_papers_are_told_by_codes_or_by_columns(write):
    small = tasks.with_fields(tasks.get("papers"), "small", None)
    path = write("a.csv", "title,abstract,fields\n제목,초록,EE0102|LA0101 신호전달\n제목,초록,정보/통신>지능>언어\n")
    columns = Columns(text=("title", "abstract"), label="fields")
    read = [example.labels for example in small.read(path, columns, None, True)]
    assert read == [("EE0102", "LA0101"), ("EE>지능>언어",)]
    assert small.labels is None  # learnt from the training rows
    path = write("b.csv", "제목,대,중\n제목,EE,지능\n")
    middle = tasks.with_fields(tasks.get("papers"), "middle", None)
    assert middle.read(path, Columns(text=("제목",), label="대>중"), None, True)[0].labels == ("EE>지능",)
    large = tasks.get("papers").read(path, Columns(text=("제목",), label="대>중"), None, True)
    assert large[0].labels == ("EE",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("LA,대수학,,,,", r"a\.csv:3: NA01 대수학 does not lie under LA 생명과학"),
        ("NA,NA01,신호전달,,,", r"a\.csv:3: LA0101 신호전달 does not lie under NA01 대수학"),
        ("LA,,,,,", r"a\.csv:3: LA 생명과학 is a large field; a field below it is needed"),
        ("LA,LA01,LA0101,LA,LA01,LA0101", r"a\.csv:3: a field occurs twice"),
        (",,,,,", r"a\.csv:3: the field is empty"),
    ],
)
def test_faults_of_papers_at_a_level(write, row, message):
    task = tasks.with_fields(tasks.get("papers"), "small", write("fields.csv", FIELDS))
    with pytest.raises(DataError, match=message):
        task.read(write("a.csv", LEVELED + f"제목,초록,EE,,,,,\n제목,초록,{row}\n"), None, None, True)


def test_tasks_without_levels_have_none():
    assert tasks.with_fields(tasks.get("papers"), None, None) is tasks.get("papers")
    with pytest.raises(ConfigError, match="the labels of classify have no levels"):
        tasks.with_fields(tasks.get("classify"), "small", None)
    with pytest.raises(ConfigError, match="--level midle: did you mean 'middle'"):
        tasks.with_fields(tasks.get("papers"), "midle", None)


STREAMED = {
    "classify": (Columns(text=("제목",), label="분야", id="번호"), ["번호,제목", "7,가", "8,나", "9,다"]),
    "papers": (None, ["id,title,abstract", "1,제목,초록", "2,,초록", "3,제목,"]),
    "ynat": (None, ["guid,title,topic", "a,하나,경제", "b,둘,", "c,셋,사회"]),
    "mnli": (None, ["premise,hypothesis", "가,나", "다,라"]),
    "klue-sts": (Columns(text=("sentence1",), text_pair="sentence2"), ["sentence1,sentence2", "가,나", "다,라"]),
}


@pytest.mark.parametrize("name", STREAMED)
def test_rows_to_be_labelled_are_streamed_as_they_are_read(write, name):
    columns, lines = STREAMED[name]
    path = write("a.csv", "\n".join(lines) + "\n")
    read = tasks.get(name).read
    assert isinstance(read, TableReader)
    stream = read.stream(path, columns)
    assert stream.check() == len(lines) - 1
    examples = read(path, columns, None, False)
    assert [replace(one, part=None) for one in examples] == list(stream) == list(stream)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("번호,제목\n1,가\n2,나\n1,다\n", r"a\.csv:4: id '1' was already used at .*a\.csv:2"),
        ("번호,제목\n1,가\n2,\n", r"a\.csv:3: no text"),
        ("번호,제목\n1,가\n2\n", r"a\.csv:3: 1 cells"),
    ],
)
def test_faults_of_a_stream_are_found_before_anything_is_done(write, content, message):
    read = tasks.get("classify").read
    assert isinstance(read, TableReader)
    stream = read.stream(write("a.csv", content), Columns(text=("제목",), id="번호"))
    with pytest.raises(DataError, match=message):
        stream.check()
