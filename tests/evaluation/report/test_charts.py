from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from korscideberta.evaluation.report.charts.bars import Column, columns, interval_bar
from korscideberta.evaluation.report.charts.frame import Box, place_labels, spread
from korscideberta.evaluation.report.charts.lines import Series, lines
from korscideberta.evaluation.report.charts.matrix import matrix
from korscideberta.evaluation.report.charts.reliability import reliability
from korscideberta.evaluation.report.charts.scale import Scale, around, tick_text
from korscideberta.evaluation.report.charts.scatter import Point, scatter
from korscideberta.evaluation.report.html import text_width
from korscideberta.metrics.calibration import Bin

FINITE = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))


@given(st.lists(FINITE, min_size=1, max_size=8))
def test_limits_hold_the_values_and_ticks_are_inside(values):
    low, high = around(values)
    near = 1e-8 * max(1, *map(abs, values))  # a limit that misses by the width of a hair is no other limit
    assert low <= min(values) + near
    assert high >= max(values) - near
    scale = Scale(low, high, 300, 10)
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 12
    places = [scale(tick) for tick in ticks]
    assert places == sorted(places, reverse=True)
    assert len({tick_text(tick) for tick in ticks}) == len(ticks) or max(map(abs, ticks)) >= 1000


@given(st.floats(0.5, 1e4), st.floats(1.5, 1e5))
def test_logarithmic_ticks_lie_evenly_by_decade(low, factor):
    scale = Scale(low, low * factor, 0, 100, log=True)
    assert all(low <= tick <= low * factor for tick in scale.ticks())
    assert scale(low * math.sqrt(factor)) == pytest.approx(50)


@pytest.mark.parametrize("limits", [(1, 1, False), (2, 1, False), (0, 1, True)])
def test_an_impossible_scale_is_refused(limits):
    low, high, log = limits
    with pytest.raises(ValueError, match="no scale"):
        Scale(low, high, 0, 1, log)


@given(st.lists(st.floats(0, 300), max_size=10))
def test_spread_places_keep_their_order_and_distance(places):
    moved = spread(places, 14, 0, 300)
    order = sorted(range(len(places)), key=lambda index: places[index])
    assert all(moved[b] - moved[a] >= 14 - 1e-6 for a, b in pairwise(order))
    assert not moved or max(moved) <= 300 + 1e-6


@given(
    st.lists(st.tuples(st.floats(20, 400), st.floats(20, 300), st.text("ab가", min_size=1, max_size=9)), max_size=25)
)
def test_labels_cover_neither_points_nor_each_other(points):
    assume(len({(x, y) for x, y, _ in points}) == len(points))
    taken = [Box(x - 4, y - 4, x + 4, y + 4) for x, y, _ in points]
    boxes = list(taken)
    for x, y, anchor, text in place_labels(points, taken, Box(0, 0, 420, 320)):
        left = x - {"start": 0, "middle": 0.5, "end": 1}[anchor] * text_width(text, 13)
        box = Box(left, y - 11, left + text_width(text, 13), y + 3)
        assert not any(box.meets(other) for other in boxes)
        assert box.left >= 0
        assert box.right <= 420
        boxes.append(box)


def drawn() -> dict[str, str]:
    series = [Series(f"실행 {n} <&>", tuple((s, n + s / 9) for s in range(1, 200, 3)), best=5) for n in range(3)]
    points = [Point(10**n, n / 4, f"라벨{n}", f"about {n}") for n in range(5)]
    bins = [Bin(10, 0.1 * n, 0.09 * n) for n in range(1, 10)]
    bars = [Column(f"{n}–{n + 9}", n / 5, (n / 6, n / 5 + 0.1), "9 docs", "about") for n in range(5)]
    words = {"x_label": "x", "y_label": "y"}
    return {
        "lines": lines("k", "title", "described", series, **words),
        "one line": lines("k", "title", "described", series[:1], **words),
        "one point": lines("k", "title", "described", [Series("a", ((1.0, 0.0),), 0)], **words),
        "scatter": scatter("k", "title", "described", points, **words),
        "one place": scatter("k", "title", "described", [Point(0, 1, "a", "b")], **words),
        "columns": columns("k", "title", "described", bars, **words),
        "reliability": reliability(
            "k", "title", "described", bins, **words, ideal="ideal", about="{confidence:.1f} {accuracy:.1f} {documents}"
        ),
        "matrix": matrix(
            "k",
            "title",
            "described",
            np.array([[3, 1], [0, 1500]]),
            ["가", "나<"],
            ["가", "나<"],
            gold="g",
            predicted="p",
        )[0],
    }


@pytest.mark.parametrize("name", drawn())
def test_charts_are_well_formed_and_tell_what_they_are(name):
    root = ElementTree.fromstring(drawn()[name])
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    ids = {element.attrib["id"]: element.text for element in root if "id" in element.attrib}
    assert [ids[key] for key in root.attrib["aria-labelledby"].split()] == ["title", "described"]
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for element in root.iter():
        for key in ("x", "cx", "x1", "x2"):
            assert -1 <= float(element.attrib.get(key, 0)) <= width + 1
        for key in ("y", "cy", "y1", "y2"):
            assert -1 <= float(element.attrib.get(key, 0)) <= height + 1


def test_lines_differ_without_colour():
    found = re.findall(r"<polyline[^>]*>", drawn()["lines"])
    assert len({re.search('stroke-dasharray="([^"]*)"', line) and line.split("dasharray=")[1] for line in found}) == 3
    for number in range(3):
        assert f">실행 {number} &lt;&amp;&gt;</text>" in drawn()["lines"]


def test_a_matrix_bears_its_counts_and_leaves_empty_cells_out():
    root = ElementTree.fromstring(drawn()["matrix"])
    assert [text.text for text in root.iter("text") if "count" in text.attrib["class"]] == ["3", "1", "2k"]
    told = [title.text for title in root.iter("title")][1:]
    assert told == ["g 가 → p 가: 3 (75%)", "g 가 → p 나<: 1 (25%)", "g 나< → p 나<: 1,500 (100%)"]


def test_names_too_long_for_upright_columns_are_turned():
    names = [f"아주 긴 이름의 연구 분야 {n}" for n in range(30)]
    short, width = matrix("k", "t", "d", np.eye(30, dtype=int), names, ["AB"] * 30, gold="g", predicted="p")
    turned, wider = matrix("k", "t", "d", np.eye(30, dtype=int), names, names, gold="g", predicted="p")
    assert "rotate(" not in short
    assert turned.count("rotate(") == 30
    assert wider > width


def test_an_interval_bar_is_told_in_words():
    root = ElementTree.fromstring(interval_bar(0.5, (0.4, 0.6), 0.3, "F1 0.500"))
    assert root.attrib["aria-label"] == "F1 0.500"
    assert [line.attrib["class"] for line in root.iter("line")] == ["grid", "mark", "interval"]
    bare = ElementTree.fromstring(interval_bar(0.5, None, None, "F1"))
    assert [line.attrib["class"] for line in bare.iter("line")] == ["grid"]
