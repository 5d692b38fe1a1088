from __future__ import annotations

import ctypes
import importlib.util
import multiprocessing
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from korscideberta.errors import ConfigError, DataError, DependencyError, KorsciError, ModelError
from korscideberta.tokenization import userdict
from korscideberta.tokenization.context_ids import ContextIds
from korscideberta.tokenization.dictionary import check_user_dictionary, find_dictionary
from korscideberta.tokenization.mecab import SharedAnalyser
from korscideberta.tokenization.userdict import compile_user_dictionary

TEXTS = [
    "이산화티타늄 광촉매를 이용한 미세플라스틱 제거 연구",
    "합성곱신경망으로 나노입자를 분류하고 면역원성분석을 하였다",
    "유기발광다이오드의 수명은 나노입자에 달려 있다",
]


def compile_text(folder: Path, content: str | bytes, name: str = "nouns.txt", **options: object):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return compile_user_dictionary([folder / name], folder / "user.dic", **options)


def tokens(path: Path) -> list[tuple[int, int, int, str]]:
    """Left id, right id, cost and features of every word, read from the compiled file."""
    content = path.read_bytes()
    trie, size = struct.unpack_from("<II", content, 24)
    texts = content[72 + trie + size :]
    found = []
    for place in range(72 + trie, 72 + trie + size, 16):
        left, right, _, cost, feature, _ = struct.unpack_from("<HHHhII", content, place)
        found.append((left, right, cost, texts[feature : texts.index(b"\0", feature)].decode()))
    return found


@pytest.mark.parametrize("engine", ["mecab", "mecab-ko"])
def test_compound_nouns_stay_whole(engine: str, compounds: list[str], compiled: Path) -> None:
    for text in TEXTS:
        inside = [word for word in compounds if word in text]
        before = SharedAnalyser(engine).morphs(text)
        after = SharedAnalyser(engine, user_dictionary=str(compiled)).morphs(text)
        assert not set(inside) & set(before)
        assert set(inside) <= set(after)
        assert "".join(before) == "".join(after)


def test_ids_and_cost_are_those_of_the_fork(compiled: Path) -> None:
    for _, right, cost, features in tokens(compiled):
        word = features.split(",")[3]
        coda = (ord(word[-1]) - 0xAC00) % 28 != 0
        assert features == f"NNP,*,{'T' if coda else 'F'},{word},*,*,*,*"
        assert (right, cost) == (3546 if coda else 3545, 2953)
    assert {left for left, *_ in tokens(compiled)} == {1786}


BLANK_ROWS = """미세플라스틱,,,,NNP,*,T,미세플라스틱,*,*,*,*
광촉매개,,,,NNG,*,F,광촉매개,*,*,*,*
ABC,,,,SL,*,*,*,*,*,*,*
김철수,,,,NNP,인명,F,김철수,*,*,*,*
가량,,,,NNB,*,T,가량,*,*,*,*
좋았,,,,VA+EP,*,T,좋았,Inflect,VA,EP,좋/VA/*+았/EP/*
매우,,,,MAG,*,F,매우,*,*,*,*
"1,000",,,,SN,*,*,*,*,*,*,*
"""


def _index(arguments: list[bytes], library: str) -> None:
    ctypes.CDLL(library).mecab_dict_index(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments))


def test_blank_rows_compile_to_what_the_fork_makes_of_them(tmp_path: Path) -> None:
    (tmp_path / "blank.csv").write_text(BLANK_ROWS, encoding="utf-8")
    folder, fork = find_dictionary(), importlib.util.find_spec("mecab_ko._MeCab")
    assert fork is not None
    options = ["-d", folder, "-u", tmp_path / "fork.dic", "-f", "utf-8", "-t", "utf-8", "-m", folder / "model.bin"]
    arguments = [str(argument).encode() for argument in ("index", *options, tmp_path / "blank.csv")]
    child = multiprocessing.get_context("spawn").Process(target=_index, args=(arguments, fork.origin))
    child.start()
    child.join(60)
    report = compile_user_dictionary([tmp_path / "blank.csv"], tmp_path / "ours.dic")
    assert report.words == 8
    assert (tmp_path / "ours.dic").read_bytes() == (tmp_path / "fork.dic").read_bytes()


def test_given_numbers_stand(tmp_path: Path) -> None:
    compile_text(tmp_path, "초끈이론,1788,3550,-77,NNP,인명,T,초끈이론,*,*,*,*,*\n", "rows.csv")
    assert tokens(tmp_path / "user.dic") == [(1788, 3550, -77, "NNP,인명,T,초끈이론,*,*,*,*,*")]


def test_cost_and_part_of_speech_are_options(tmp_path: Path) -> None:
    compile_text(tmp_path, "초끈이론\n", pos="NNG", cost=-500)
    assert tokens(tmp_path / "user.dic") == [(1780, 3534, -500, "NNG,*,T,초끈이론,*,*,*,*")]


def test_words_are_read_as_texts_are_normalised(tmp_path: Path) -> None:
    report = compile_text(tmp_path, "\ufeff나노입자\r\n\n  \n나노입자\r\n“나노”\r\n나노입자 \n".encode())
    assert (report.words, report.duplicates, report.normalized, report.skipped) == (2, 2, 1, 0)
    assert report.first_duplicates == (f"{tmp_path / 'nouns.txt'}:4: 나노입자", f"{tmp_path / 'nouns.txt'}:6: 나노입자")
    assert report.first_normalized == (f'{tmp_path / "nouns.txt"}:5: “나노” → "나노"',)
    assert SharedAnalyser(user_dictionary=str(report.path)).morphs('그 "나노"') == ["그", '"나노"']


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("a.txt", "나노,입자", r"a\.txt:2: a comma in the word '나노,입자'; MeCab rows belong into .*\.csv"),
        ("a.txt", "나노 입자", "white space inside the word '나노 입자'"),
        ("a.txt", "나노입자\t12", "white space inside"),
        ("a.txt", "\u200b", "the word is empty"),
        ("a.txt", "가" * 1400, "MeCab reads rows of 8191 bytes at most"),
        ("a.txt", b"\xed\xa0\x80", "is not UTF-8"),
        ("a.txt", "나노".encode("cp949"), "is not UTF-8"),
        ("a.csv", "나노입자", "1 columns where 12 or 13 are expected"),
        ("a.csv", ",1,2,3,NNP,*,T,나,*,*,*,*", "the word is empty"),
        ("a.csv", "나노,2693,1,3,NNP,*,F,나노,*,*,*,*", "left id 2693 is not between 0 and 2692"),
        ("a.csv", "나노,1,3822,3,NNP,*,F,나노,*,*,*,*", "right id 3822 is not between 0 and 3821"),
        ("a.csv", "나노,1,2,dear,NNP,*,F,나노,*,*,*,*", "cost 'dear' is not a whole number"),
        ("a.csv", "나노,1,2,32768,NNP,*,F,나노,*,*,*,*", "cost 32768 is not between"),
        ("a.csv", "나노,,,3,NOUN,*,F,나노,*,*,*,*", r"left-id\.def has no id for NOUN,\*.*give the row its ids"),
        ("a.csv", '"나노,1,2,3,NNP,*,F,나노,*,*,*,*', "unexpected end of data"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path: Path, name: str, line: str | bytes, message: str) -> None:
    good = "초끈이론" if name.endswith(".txt") else "초끈이론,,,,NNP,*,T,초끈이론,*,*,*,*"
    content = b"\n".join([good.encode(), line if isinstance(line, bytes) else line.encode(), b""])
    with pytest.raises(DataError, match=message) as error:
        compile_text(tmp_path, content, name)
    assert ":2: " in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    report = compile_text(tmp_path, content, name, skip_bad=True)
    assert (report.words, report.skipped) == (1, 1)


def test_the_longest_row_is_compiled(tmp_path: Path) -> None:
    word = "가" * ((userdict.MAX_ROW_BYTES - len("1786,3545,,NNP,*,F,*,*,*,*,,")) // 6)
    assert compile_text(tmp_path, f"{word}\n초끈이론\n").words == 2


@given(words=st.lists(st.text(max_size=12), max_size=20))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_list_compiles_or_is_refused(words: list[str], tmp_path: Path) -> None:
    content = "\n".join(words).encode("utf-8", "surrogatepass")
    content += "\n초끈이론".encode()
    lines = content.split(b"\n")
    report = compile_text(tmp_path, content, skip_bad=True)
    blank = sum(not line or line.isspace() for line in lines)
    assert report.words + report.duplicates + report.skipped + blank == len(lines)
    analyser = SharedAnalyser(user_dictionary=str(report.path))
    assert "".join(analyser.morphs("나노입자")) == "나노입자"


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        ("\n", {}, DataError, "no word"),
        ("나노\n", {"pos": "NPP"}, ConfigError, "--pos NPP: .*did you mean 'NP'"),
        ("나노\n", {"cost": 40000}, ConfigError, "--cost 40000"),
        ("나노\n", {"dictionary": "/no/such"}, KorsciError, "/no/such"),
    ],
)
def test_refusals(tmp_path: Path, content: str, options: dict, error: type[KorsciError], message: str) -> None:
    with pytest.raises(error, match=message):
        compile_text(tmp_path, content, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["nouns.txt"]


@pytest.mark.parametrize("missing", ["model.bin", "feature.def"])
def test_a_dictionary_without_its_model_gives_the_usual_cost(
    dictionary_copy: Path, tmp_path: Path, missing: str
) -> None:
    (dictionary_copy / missing).unlink()
    compile_text(tmp_path, "초끈이론\n", dictionary=str(dictionary_copy))
    assert tokens(tmp_path / "user.dic") == [(1786, 3546, 2953, "NNP,*,T,초끈이론,*,*,*,*")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rewrite.def", None, "No such file"),
        ("left-id.def", "junk", "invalid literal"),
        ("rewrite.def", "*,*\t$1,$2\n", "unknown line"),
        ("rewrite.def", "[left rewrite]\n*,*,*,가,*,*,*,*\t$1\n", "tests the reading"),
    ],
)
def test_a_dictionary_without_usable_rules_is_refused(
    dictionary_copy: Path, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    (dictionary_copy / name).unlink()
    if content is not None:
        (dictionary_copy / name).write_text(content, encoding="utf-8")
    with pytest.raises(DependencyError, match=f"cannot look up context ids .*{message}"):
        compile_text(tmp_path, "초끈이론\n", dictionary=str(dictionary_copy))


def test_other_endings_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"name it \.txt"):
        compile_text(tmp_path, "나노\n", "nouns.xlsx")
    with pytest.raises(DataError, match=r"no\.txt: cannot be read"):
        compile_user_dictionary([tmp_path / "no.txt"], tmp_path / "user.dic")


def test_a_failing_child_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Vanilla MeCab ends the process on rows without ids.
    monkeypatch.setattr(ContextIds, "left", lambda *_: "")
    with pytest.raises(DataError, match=r"MeCab could not compile rows\.csv \(exit \d+\): .*left-id\.def"):
        compile_text(tmp_path, "나노\n")
    assert [path.name for path in tmp_path.iterdir()] == ["nouns.txt"]


def test_a_list_cut_short_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(userdict, "MAX_ROW_BYTES", 100_000)
    with pytest.raises(DataError, match="MeCab compiled 1 of 3 rows"):
        compile_text(tmp_path, f"나노\n{'가' * 2000}\n초끈이론\n")


def _junk(content: bytearray) -> bytes:
    return b"junk" * 100


def _short(content: bytearray) -> bytes:
    return bytes(content[:-50])


def _other_system(content: bytearray) -> bytes:
    struct.pack_into("<I", content, 16, 1316)
    return bytes(content)


def _other_version(content: bytearray) -> bytes:
    struct.pack_into("<I", content, 4, 100)
    return bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_junk, "is no compiled MeCab dictionary, or truncated"),
        (_short, "is no compiled MeCab dictionary, or truncated"),
        (_other_version, "has the format version 100"),
        (_other_system, r"was compiled for a dictionary with \(1316, 2693\) context ids"),
        (lambda content: b"", "0 bytes are too few"),
    ],
)
def test_a_damaged_user_dictionary_is_refused(compiled: Path, tmp_path: Path, damage, message: str) -> None:
    path = tmp_path / "user.dic"
    path.write_bytes(damage(bytearray(compiled.read_bytes())))
    with pytest.raises(ModelError, match=f"{message}.*compile it again"):
        SharedAnalyser(user_dictionary=str(path)).open()


def test_a_system_dictionary_is_no_user_dictionary(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a system dictionary"):
        check_user_dictionary(find_dictionary() / "sys.dic", find_dictionary())
    with pytest.raises(ModelError, match="cannot be read"):
        SharedAnalyser(user_dictionary=str(tmp_path / "no.dic")).open()


@pytest.mark.parametrize("name", ["a, b.dic", 'a "quoted" name.dic', "사용자.dic"])
def test_any_path_opens(compiled: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(compiled.read_bytes())
    assert SharedAnalyser(user_dictionary=str(tmp_path / name)).morphs("나노입자") == ["나노입자"]


def test_a_replaced_file_is_opened_anew(tmp_path: Path) -> None:
    analyser = SharedAnalyser(user_dictionary=str(tmp_path / "user.dic"))
    compile_text(tmp_path, "나노입자\n")
    assert analyser.morphs("나노입자 초끈이론이다")[0] == "나노입자"
    compile_text(tmp_path, "초끈이론이다\n")
    assert analyser.morphs("나노입자 초끈이론이다") == ["나노", "입자", "초끈이론이다"]
