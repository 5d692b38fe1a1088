"""The scripts of benchmarks/ can be started, and what they share makes right tables, files, pages and plots."""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SVG = "{http://www.w3.org/2000/svg}"

HELP = """
import contextlib, io, json, pathlib, runpy, sys
folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder))
said = {}
for path in sorted(folder.glob("[!_]*.py")):
    sys.argv = [str(path), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            runpy.run_path(str(path), run_name="__main__")
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
    said[path.name] = [code, output.getvalue()]
print(json.dumps(said))
"""


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _measure
    import _plots
    import _table
    import report

    return argparse.Namespace(table=_table, measure=_measure, plots=_plots, report=report)


def options(**values: object) -> argparse.Namespace:
    return argparse.Namespace(**{"quick": False, "json": None, **values})


def test_every_script_says_how_it_is_used():
    done = subprocess.run(
        [sys.executable, "-c", HELP, str(BENCHMARKS)], capture_output=True, text=True, check=True, timeout=120
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert set(said) == {path.name for path in BENCHMARKS.glob("[!_]*.py")}
    for name, (code, text) in said.items():
        assert code == 0, name
        assert name in text


def test_make_runs_scripts_that_write_tables():
    names = re.search(r"^BENCHMARKS := (.*)$", (BENCHMARKS.parent / "Makefile").read_text(encoding="utf-8"), re.M)
    assert names is not None
    for name in names[1].split():
        assert "add_options(parser" in (BENCHMARKS / f"{name}.py").read_text(encoding="utf-8"), name


def test_peers_are_pinned_to_the_versions_that_are_installed():
    root = BENCHMARKS.parent
    extra = re.search(r"^bench = \[(.*?)^\]", (root / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S)
    pinned = {line.split(";")[0].strip() for line in (root / "requirements.txt").read_text("utf-8").splitlines()}
    assert extra is not None
    peers = re.findall(r'^ +"([^";]+)', extra[1], re.M)
    assert "transformers" in {peer.partition("==")[0] for peer in peers}
    assert set(peers) <= pinned


def test_medians_are_of_each_side_and_of_the_ratios_of_a_round(parts):
    rounds = [{"peer": 2.0, "ours": 1.0}, {"peer": 9.0, "ours": 3.0}, {"peer": 4.0, "ours": 4.0}]
    found = parts.measure.compared(rounds, less_is_better=True)
    assert (found["peer"], found["ours"], found["ratio"]) == (4.0, 3.0, 2.0)
    assert parts.measure.compared(rounds)["ratio"] == 0.5
    assert found["details"] == {"rounds": rounds}


def test_calls_take_turns(parts):
    order = []

    def call(name: str) -> float:
        order.append(name)
        return float(len(order))

    rounds = parts.measure.in_turn({name: lambda name=name: call(name) for name in "ab"}, 2)
    assert order == list("abab")
    assert rounds == [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]


def test_peak_memory_sees_what_a_call_held_and_gave_back(parts):
    if not parts.measure.memory_is_told():
        pytest.skip("the system does not tell")
    assert 60 < parts.measure.peak_mib(lambda: len(bytearray(b"x") * (64 << 20)), above=True) < 90
    assert parts.measure.peak_mib(lambda: None, above=True) < 30


def test_a_table_is_printed_and_written_row_by_row(parts, tmp_path, capsys):
    path = tmp_path / "made" / "model.json"
    table = parts.table.Table("model", "2 layers", options(quick=True, json=path))
    row = parts.table.Row(
        name="forward", unit="s", peer=3.0, ours=1.5, ratio=2.0, asked=4.0, peer_mib=1000, ours_mib=250, note="a note"
    )
    table.add(row)
    first = json.loads(path.read_text(encoding="utf-8"))
    table.add(parts.table.Row(name="left out", unit="", note="no unit"))
    printed = capsys.readouterr().out
    assert "2 layers (quick mode: smaller than the full benchmark)" in printed
    header, line, note, *_ = printed.split("\n\n")[1].splitlines()
    assert header.split("  ")[-1].strip() == "share"
    assert line.split("[transformers]")[1].split() == ["3", "1.5", "2.00", "4.00", "1,000", "250", "0.25"]
    assert line.startswith("forward, s ")
    assert note.strip() == "a note"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert len(first["rows"]) == 1
    assert [parts.table.row_of(one) for one in content["rows"]] == table.rows
    assert content["rows"][0]["memory_share"] == 0.25
    assert content["quick"] is True
    machine = content["machine"]
    assert machine["cores"] >= 1
    assert machine["cpu"]
    assert {"cpu", "cores", "flags", "packages", "date", "command"} <= set(machine)
    assert set(machine["flags"]) <= set(parts.table.FLAGS)


def test_texts_come_from_a_file_or_the_sample_papers(parts, tmp_path, monkeypatch):
    path = tmp_path / "lines.txt"
    lines = [f"문장 번호 {number}는 스무 글자보다 짧지 않은 글이다" for number in range(50)]
    path.write_text("\n".join(["짧다", *lines]) + "\n", encoding="utf-8")
    name, found = parts.measure.read_lines(path)
    assert name == "lines.txt"
    assert sorted(found) == sorted(lines)
    assert found != lines
    assert parts.measure.read_lines(path)[1] == found
    monkeypatch.setattr(parts.measure, "SHARED", None)
    name, papers = parts.measure.read_lines(None)
    assert "sample papers" in name
    assert min(map(len, papers)) >= 20
    with pytest.raises(SystemExit, match=r"no\.txt: no such file"):
        parts.measure.read_lines(tmp_path / "no.txt")


def written(parts, folder: Path) -> None:
    plain = parts.table.Table("predict", "64 texts", options(json=folder / "predict.json"))
    plain.add(parts.table.Row(name="auto | int8", unit="texts/s", peer=1.0, ours=5.0, ratio=5.0, asked=4.0))
    plain.add(parts.table.Row(name="bf16", unit="texts/s", note="no unit"))
    scaling = parts.table.Table("scaling", "nano", options(json=folder / "scaling.json"))
    for x in (16, 64, 256):
        scaling.add(
            parts.table.Row(name="forward", unit="ms", chart="tokens of a text", x=x, peer=x / 4, ours=x / 8, ratio=2)
        )


def test_the_page_has_every_row_and_plot(parts, tmp_path, monkeypatch, capsys):
    written(parts, tmp_path / "results")
    monkeypatch.setattr(sys, "argv", ["report.py", str(tmp_path / "results"), "--out", str(tmp_path / "RESULTS.md")])
    parts.report.main()
    capsys.readouterr()
    page = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "| auto / int8, texts/s [transformers] | 1 | 5 | 5.00 | 4.00 |  |  |  |" in page
    assert "* bf16: no unit" in page
    assert page.index("## predict") < page.index("## scaling")
    assert len([line for line in page.splitlines() if line.startswith("| forward (tokens of a text: ")]) == 3
    shown = re.findall(r"!\[.*\]\((.*)\)", page)
    assert shown == ["results/predict.svg", "results/scaling-tokens-of-a-text.svg"]
    for file in shown:
        assert ElementTree.parse(tmp_path / file).getroot().tag == f"{SVG}svg"


def test_bars_end_at_their_ratio(parts):
    rows = [parts.table.Row(name=str(ratio), unit="s", ratio=ratio, asked=2.0) for ratio in (0.5, 1.0, 2.0, 4.0)]
    root = ElementTree.fromstring(parts.plots.ratios("speed", [*rows, parts.table.Row(name="none", unit="s")]))
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("class") in ("better", "worse")]
    assert [bar.get("class") for bar in bars] == ["worse", "better", "better", "better"]
    widths = [float(bar.get("width", "")) for bar in bars]
    assert widths[1] == 0
    assert widths[0] == pytest.approx(widths[2], abs=0.02)
    assert widths[3] == pytest.approx(2 * widths[2], abs=0.03)
    one = float(bars[1].get("x", ""))
    asked = [float(line.get("x1", "")) for line in root.iter(f"{SVG}line") if line.get("class") == "asked"]
    assert asked == pytest.approx([one + widths[2]] * 4, abs=0.03)


def test_lines_go_through_the_points(parts):
    rows = [
        parts.table.Row(name="forward", unit="ms", chart="tokens", x=x, ours=x * 2, peer=x**2 if x < 1000 else None)
        for x in (10.0, 100.0, 1000.0)
    ]
    root = ElementTree.fromstring(parts.plots.curves("time", rows))
    ours, peer = (
        [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
        for line in root.iter(f"{SVG}polyline")
    )
    assert (len(ours), len(peer)) == (3, 2)
    # On logarithmic axes time that grows with the size is straight, and the square of it twice as steep.
    slope = (ours[1][1] - ours[0][1]) / (ours[1][0] - ours[0][0])
    assert (ours[2][1] - ours[1][1]) / (ours[2][0] - ours[1][0]) == pytest.approx(slope, rel=0.01)
    assert (peer[1][1] - peer[0][1]) / (peer[1][0] - peer[0][0]) == pytest.approx(2 * slope, rel=0.01)
    assert all(math.isclose(one[0], other[0]) for one, other in zip(ours, peer, strict=False))


def test_a_file_that_is_no_table_is_named(parts, tmp_path):
    with pytest.raises(SystemExit, match=r"no \.json files"):
        parts.report.read(tmp_path)
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"other\.json: not written by a benchmark"):
        parts.report.read(tmp_path)


def test_finished_runs_of_tasks_are_read_and_put_together(parts, tmp_path, monkeypatch, capsys):
    import _runs
    import tasks

    monkeypatch.setattr(_runs, "finished", lambda command: pytest.fail(f"was run again: {command}"))
    out = tmp_path / "out"
    words = ["tasks.py", "--only", "korquad", "--seeds", "1", "2", "--out", str(out), "--data-dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*words, "--", "--epochs", "1"])
    chosen = tasks.parse()
    for seed, figure in ((1, 0.4), (2, 0.6)):
        folder = out / f"korquad-korsci-nano-{seed}"
        folder.mkdir(parents=True)
        figures = {"em": figure / 2, "f1": figure, "majority_em": 0.01, "majority_f1": 0.02}
        (folder / "metrics.json").write_text(json.dumps({"dev": figures}))
        command = tasks.launch(tasks.CASES["korquad"], folder, seed, chosen)
        assert command[-4:] == ["--epochs", "1", "--out", str(folder)]
        folder.with_suffix(".json").write_text(json.dumps({"command": command, "seconds": 60.0 * seed}))
    tasks.main()
    content = json.loads((out / "tasks.json").read_text(encoding="utf-8"))
    assert [(row["unit"], row["peer"], round(row["ours"], 6)) for row in content["rows"]] == [
        ("exact match", 0.01, 0.25), ("character F1", 0.02, 0.5),
    ]  # fmt: skip
    assert "± 0.1414 over 2 seeds; 1.5 minutes a run; korsci run reading/korquad nano" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit, match="begun by another command"):
        tasks.main()
