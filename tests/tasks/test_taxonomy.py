from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.errors import DataError
from korscideberta.tasks.taxonomy import ENGLISH_NAMES, LARGE, LARGE_FIELDS, STANDARD, Field, Taxonomy, fold
from korscideberta.tasks.taxonomy_files import read_taxonomy

PARTIAL = Path(os.environ.get("KORSCI_SHARED", "/nowhere")) / "data" / "nstc" / "partial.json"
BELOW_LIFE = (
    "code,name,parent\nLA01,분자세포생물학,LA\nLA0101,신호전달,LA01\nLA0102,세포구조/운동,\nNA01,대수학,NA\n"
    "LA0199,대수학,LA01\n"
)


@pytest.fixture(scope="module")
def fields(tmp_path_factory) -> Taxonomy:
    path = tmp_path_factory.mktemp("fields") / "fields.csv"
    path.write_text(BELOW_LIFE, encoding="utf-8")
    return read_taxonomy(path)


def test_every_large_field_has_names_of_its_own():
    assert list(ENGLISH_NAMES) == list(LARGE_FIELDS)
    written = [fold(name) for names in (LARGE_FIELDS, LARGE_FIELDS.values(), ENGLISH_NAMES.values()) for name in names]
    assert len(set(written)) == len(written) == 99


@given(st.sampled_from(sorted(LARGE_FIELDS)), st.sampled_from([" ", "·", "ㆍ", " / ", ""]), st.booleans())
def test_codes_and_names_are_understood_however_they_are_separated(code, separator, lower):
    name = LARGE_FIELDS[code].replace("/", separator)
    for written in (
        code.lower() if lower else f" {code} ",
        name,
        f"{code} {name}",
        f"{name}({code})",
        ENGLISH_NAMES[code],
    ):
        assert STANDARD.find(written) == code


def test_a_file_gives_the_levels_below_the_large_fields(fields):
    assert fields.level(0) == tuple(LARGE_FIELDS)
    assert fields.level(1)[:2] == ("LA01", "NA01")
    assert set(fields.level(1)[2:]) == set(LARGE_FIELDS) - {
        "LA",
        "NA",
    }  # those that have none below stand for themselves
    assert set(fields.level(2)) == {"LA0101", "LA0102", "LA0199", "NA01", *set(LARGE_FIELDS) - {"LA", "NA"}}
    assert set(fields.leaves()) == set(fields.level(2))
    assert fields.path("LA0102") == ("LA", "LA01", "LA0102")  # its parent by its code
    assert Taxonomy.of_record(json.loads(json.dumps(fields.record()))).fields == fields.fields


@pytest.mark.parametrize(
    ("written", "number", "code"),
    [
        ("신호 전달", 2, "LA0101"),
        ("la0101", 0, "LA0101"),
        ("생명과학 > 분자세포생물학 > 세포구조·운동", 2, "LA0102"),
        ("대수학", 1, "NA01"),  # of two fields of that name the one of the level
        ("대수학", 2, "LA0199"),
        ("LA > 대수학", 1, "LA0199"),  # or the one below
        ("LA > LA0101", 2, "LA0101"),
    ],
)
def test_fields_of_a_file_are_found(fields, written, number, code):
    assert fields.find(written, number=number) == code


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("신호전딜", "unknown field '신호전딜'; did you mean '신호전달'"),
        ("대수학", "'대수학' is the name of LA0199 and NA01; give the code|NA01 and LA0199; give the code"),
        ("NA > 신호전달", "LA0101 신호전달 does not lie under NA 수학"),
        ("NA > LA01", "LA01 분자세포생물학 does not lie under NA 수학"),
    ],
)
def test_what_a_label_cannot_mean_is_told(fields, written, message):
    with pytest.raises(LookupError, match=message):
        fields.find(written)


def test_without_a_file_codes_and_paths_tell_what_lies_above():
    assert STANDARD.find("EE0102 자연어처리", number=2) == "EE0102"
    assert STANDARD.path("EE0102") == ("EE", "EE01", "EE0102")
    code = STANDARD.find("정보·통신 > 언어 · 지능 >  기계  번역", number=2)
    assert STANDARD.path(code) == ("EE", "EE>언어/지능", "EE>언어/지능>기계 번역")
    assert STANDARD.find("EE>언어/지능>기계 번역", number=2) == code
    assert STANDARD.display(code) == "EE 정보/통신 > 언어/지능 > 기계 번역"
    assert STANDARD.find("EE > 환경", number=1) == "EE>환경"  # not the large field of that name
    with pytest.raises(LookupError, match="unknown field '자연어처리'; give a code"):
        STANDARD.find("자연어처리", number=1)
    with pytest.raises(LookupError, match="unknown field 'EX01'"):
        STANDARD.find("EX01")


def test_a_field_above_the_level_asked_for_is_not_enough(fields):
    assert [fields.at_level("LA0101", number) for number in range(3)] == ["LA", "LA01", "LA0101"]
    assert fields.at_level("EE", 2) == "EE"
    with pytest.raises(LookupError, match="LA 생명과학 is a large field; a field below it is needed"):
        fields.at_level("LA", 1)
    with pytest.raises(LookupError, match="EE01 is a middle field"):
        STANDARD.at_level("EE01", 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("code,name,parent\nLA01,가,LX\n", r"f\.csv: LA01 lies under 'LX', which is no field; known"),
        ("code,name,parent\nLA01,가,LA\nLA01,나,LA\n", "the code 'LA01' occurs twice"),
        ("code,name,parent\nLA01,,LA\n", r"f\.csv:2: the name is empty"),
        ("code,name,parent\nA|B,가,\n", r"f\.csv:2: the code 'A\|B' holds"),
        ("code,parent\nLA01,LA\n", "needs the columns 'code', 'name'"),
        ("code,name,parent\na,가,b\nb,나,a\n", "lies under itself"),
        ("code,name,parent\na,가,\nb,나,a\nc,다,b\nd,라,c\n", "more than 2 fields above it"),
    ],
)
def test_faults_of_a_file(tmp_path, content, message):
    (tmp_path / "f.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_taxonomy(tmp_path / "f.csv")


def test_a_file_with_large_fields_of_its_own_stands_alone(tmp_path):
    (tmp_path / "f.csv").write_text(
        "코드,이름,상위코드\n법무,법무부,\n법무-1,검찰국,법무\n환경,환경부,\n", encoding="utf-8"
    )
    own = read_taxonomy(tmp_path / "f.csv")
    assert own.level(0) == ("법무", "환경")
    assert own.level(1) == ("법무-1", "환경")


def test_fields_below_must_have_a_parent():
    with pytest.raises(DataError, match="'LA01', which is no field"):
        Taxonomy([*LARGE, Field("LA0101", "신호전달", "LA01")])


@pytest.mark.skipif(not PARTIAL.is_file(), reason="needs KORSCI_SHARED")
def test_part_of_the_national_classification():
    objects = json.loads(PARTIAL.read_text(encoding="utf-8"))
    fields = read_taxonomy(PARTIAL)
    listed = {entry["no"]: entry for entry in objects}
    assert len(fields.fields) == 33 + 74 + 220
    assert [sum(len(fields.path(code)) == depth for code in fields.fields) for depth in (1, 2, 3)] == [33, 74, 220]
    for entry in objects:
        above = listed[entry["parent"]]["code"] if entry["parent"] else None
        assert fields.fields[entry["code"]].parent == above
        assert fields.find(f"{entry['name']} {entry['code']}") == entry["code"]
        if above:
            assert fields.find(f"{listed[entry['parent']]['name']} {above} > {entry['name']}") == entry["code"]
