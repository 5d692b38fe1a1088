from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import pickle
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korscideberta.errors import ConfigError, DependencyError
from korscideberta.tokenization import mecab
from korscideberta.tokenization.dictionary import dictionary_identity, find_dictionary
from korscideberta.tokenization.mecab import SharedAnalyser

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "fixtures/mecab/segments.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("engine", ["mecab", "mecab-ko"])
def test_recorded_cuts(engine: str) -> None:
    analyser = SharedAnalyser(engine)
    assert [analyser.morphs(row["text"]) for row in ROWS] == [row[engine] for row in ROWS]


def test_the_fork_in_the_other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("_mecab") is None:
        pytest.skip("python-mecab-ko is not installed")
    monkeypatch.setitem(mecab._MODULES, "mecab-ko", ("_mecab",))
    analyser = mecab.MecabAnalyser("mecab-ko", find_dictionary())
    assert [analyser.morphs(row["text"]) for row in ROWS] == [row["mecab-ko"] for row in ROWS]


def test_missing_engine_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mecab._MODULES, "mecab-ko", ("no_such_module",))
    with pytest.raises(DependencyError, match=r"pip install korscideberta\[mecab-ko\]"):
        mecab.MecabAnalyser("mecab-ko", find_dictionary())


def test_unknown_engine_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown analyser engine 'komoran'"):
        SharedAnalyser("komoran")


@pytest.mark.parametrize("text", ["", " ", "\0", "\n\t"])
def test_nothing_in_nothing_out(text: str) -> None:
    assert SharedAnalyser().morphs(text) == []


def test_text_after_a_nul_is_kept() -> None:
    assert SharedAnalyser().morphs("나노\0입자") == ["나노", "입자"]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"])))
def test_no_character_is_lost(text: str) -> None:
    assert "".join(SharedAnalyser().morphs(text)) == text


@pytest.mark.parametrize("unit", ["이산화티타늄 광촉매를 이용한 ", "가"])
def test_a_line_of_a_megabyte(unit: str) -> None:
    text = unit * (350_000 // len(unit))
    assert "".join(SharedAnalyser().morphs(text)) == text.replace(" ", "")


def test_windows_cut_at_spaces() -> None:
    text = "미세 " * 3000
    windows = list(mecab._windows(text))
    assert "".join(windows) == text
    assert all(len(window) <= mecab.WINDOW for window in windows)
    assert all(window.startswith(" ") for window in windows[1:])


def test_none_passes_the_text_on() -> None:
    analyser = SharedAnalyser("none")
    assert analyser.morphs("나는  간다") == ["나는  간다"]
    assert analyser.morphs("") == []


def test_pickles_as_names() -> None:
    analyser = SharedAnalyser()
    analyser.morphs("나노입자")
    assert pickle.loads(pickle.dumps(analyser)).morphs("나노입자") == ["나노", "입자"]


def _morphs_in_child(analyser: SharedAnalyser) -> tuple[int, list[str]]:
    return os.getpid(), analyser.morphs("나노입자")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_works_in_child_processes(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    analyser = SharedAnalyser()
    analyser.morphs("먼저 여기서")
    with multiprocessing.get_context(method).Pool(1) as pool:
        pid, morphs = pool.apply(_morphs_in_child, (analyser,))
    assert pid != os.getpid()
    assert morphs == ["나노", "입자"]


def test_threads_share_one_analyser() -> None:
    analyser = SharedAnalyser()
    rows = ROWS * 5
    results: dict[int, list[list[str]]] = {}

    def work(number: int) -> None:
        results[number] = [analyser.morphs(row["text"]) for row in rows]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == [row["mecab"] for row in rows] for result in results.values())
    assert len(results) == 4


def test_dictionary_in_a_folder_with_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "a folder 'with' spaces"
    folder.symlink_to(find_dictionary())
    assert SharedAnalyser("mecab", str(folder)).morphs("나노입자") == ["나노", "입자"]
    assert dictionary_identity(str(folder)) == dictionary_identity()


def test_folder_without_a_dictionary(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"no sys\.dic"):
        SharedAnalyser("mecab", str(tmp_path)).open()


@pytest.mark.parametrize(
    "text", ["", "나노입자를 합성하였다.", "나노\0입자", " \n", "미세 " * 3000, " " * 5000, "가" * 5000]
)
def test_spaced_morphs(text: str) -> None:
    assert SharedAnalyser().open().spaced(text) == " ".join(SharedAnalyser().morphs(text))
