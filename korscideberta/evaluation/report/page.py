"""The page: all sections in one file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from korscideberta._version import __version__
from korscideberta.evaluation.report.html import Child, Markup, join, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.sections.calibration import calibration
from korscideberta.evaluation.report.sections.comparison import comparison
from korscideberta.evaluation.report.sections.confusion import confusion
from korscideberta.evaluation.report.sections.curves import curves
from korscideberta.evaluation.report.sections.figures import figures
from korscideberta.evaluation.report.sections.folds import folds
from korscideberta.evaluation.report.sections.labels import every_label
from korscideberta.evaluation.report.sections.source import source
from korscideberta.evaluation.report.sections.texts import examples, lengths
from korscideberta.evaluation.report.texts import Texts
from korscideberta.evaluation.report.words import Words


def page(runs: Sequence[ReportedRun], texts: Mapping[str, Texts | None], words: Words) -> str:
    """Return the whole HTML file.

    Args:
        runs: one run, or several to be held against each other.
        texts: what the texts of a run tell, by its name; None where they could not be read; a run that is not there was
            to be shown without them.
        words: the language.
    """
    title = words("title")
    subject = ", ".join(run.name for run in runs)
    several = len(runs) > 1
    body: list[Child] = [tag("header", tag("h1", title), tag("p", subject, class_="subject"))]
    if several:
        body.append(tag("section", tag("h2", words("comparison")), comparison(runs, words)))
    for number, run in enumerate(runs, start=1):
        key = f"run{number}"
        content = _run(run, key, texts, words)
        if several:
            heading = tag("summary", tag("h2", f"{words('run')} {run.name}"))
            body.append(tag("details", heading, content, class_="run", open=number == 1))
        else:
            body.append(content)
    body.append(tag("footer", words("made_with", version=__version__)))
    script = _asset("page.js")
    policy = (
        "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{_digest(script)}'"
    )
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{title}: {subject}"),
        tag("style", Markup(_asset("page.css").replace("FONT", _font()))),
    ]
    whole = tag(
        "html", tag("head", head), tag("body", tag("main", body), tag("script", Markup(script))), lang=words.language
    )
    return f"<!doctype html>\n{whole}\n"


def _run(run: ReportedRun, key: str, texts: Mapping[str, Texts | None], words: Words) -> Markup:
    found = texts.get(run.name)
    shown = words.split(run.shown)
    sections: list[tuple[str, str, Child]] = [
        ("figures", words("figures"), figures(run, words)),
        *([("folds", words("folds"), folds(run, words))] if run.folds else []),
        *([("curves", words("curves"), curves(run, key, words))] if "model" in run.record else []),
        ("confusion", f"{words('confusion')} · {shown}", confusion(run, key, words)),
        ("labels", f"{words('per_label')} · {shown}", every_label(run, key, words)),
        ("calibration", f"{words('calibration')} · {shown}", calibration(run, key, words)),
    ]
    if found is not None:
        sections.append(("lengths", f"{words('lengths')} · {shown}", lengths(run, found, key, words)))
        sections.append(("examples", f"{words('examples')} · {shown}", examples(run, found, words)))
    else:
        reason = "no_model" if "model" not in run.record else "no_texts" if run.name in texts else "left_out"
        note = words(reason)
        sections.append(("examples", f"{words('examples')} · {shown}", tag("p", note)))
    sections.append(("source", words("source"), source(run, words)))
    facts = [
        (words("task"), run.task.name),
        (words("split"), shown),
        (words("documents"), f"{len(run.split.predictions.ids):,}"),
        (words("labels"), f"{len(run.split.predictions.labels):,}"),
    ]
    return join(
        [
            tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts], class_="facts"),
            tag(
                "nav",
                tag("ul", [tag("li", tag("a", name, href=f"#{key}-{anchor}")) for anchor, name, _ in sections]),
                aria_label=words("contents"),
            ),
            tag("p", words("sort_hint"), class_="note hint"),
            [tag("section", tag("h3", name), content, id=f"{key}-{anchor}") for anchor, name, content in sections],
        ]
    )


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _font() -> str:
    """The font as a data URI: Korean is drawn alike on a machine that has no Korean font."""
    data = resources.files(__package__).joinpath("assets", "font", "KorsciReport.woff2").read_bytes()
    return f"data:font/woff2;base64,{base64.b64encode(data).decode()}"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
