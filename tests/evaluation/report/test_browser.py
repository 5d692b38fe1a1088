"""The page in a real browser; skipped where there is none."""

from __future__ import annotations

import pytest
from browser import browsing, program
from report_runs import write_run

from korscideberta.evaluation.report.page import page
from korscideberta.evaluation.report.runs import read_runs
from korscideberta.evaluation.report.words import Words
from korscideberta.tasks.taxonomy import LARGE_FIELDS

SORTED = """
const table = document.querySelectorAll('table.sortable')[%d];
const header = table.tHead.rows[0].cells[%d];
header.querySelector('button').click();
const cells = Array.from(table.tBodies[0].rows, row => row.cells[%d]);
return [header.getAttribute('aria-sort'), cells.map(cell => cell.dataset.value ?? cell.textContent)];
"""


@pytest.mark.skipif(program() is None, reason="no chromedriver and chromium on this machine")
def test_the_page_works_in_a_browser(tmp_path):
    folders = [
        write_run(tmp_path / name, list(LARGE_FIELDS), task="papers", documents=300, seed=seed)
        for seed, name in enumerate(("first", "second"))
    ]
    path = tmp_path / "report.html"
    path.write_text(page(read_runs(folders, None), {}, Words("ko")), encoding="utf-8")
    with browsing(tmp_path / "profile") as browser:
        for width in (1280, 390):
            colours = set()
            for dark in (False, True):
                browser.open(path, width=width, dark=dark)
                # What is wide scrolls in a box of its own; the page does not.
                assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
                assert browser.run("return [...document.fonts].map(font => font.status)") == ["loaded"]
                colours.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
            assert len(colours) == 2
        direction, values = browser.run(SORTED % (2, 2, 2))
        numbers = [float(value) for value in values]
        assert direction == "descending"
        assert numbers == sorted(numbers, reverse=True)
        direction, values = browser.run(SORTED % (2, 2, 2))
        assert direction == "ascending"
        assert [float(value) for value in values] == sorted(numbers)
        direction, names = browser.run(SORTED % (2, 0, 0))
        assert direction == "ascending"
        assert names == sorted(names)
        browser.run("location.hash = 'run2-labels'")
        assert browser.run("return document.getElementById('run2-labels').closest('details').open")
        requests = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert [name for name in requests if not name.startswith("data:")] == []
        assert browser.log() == []
