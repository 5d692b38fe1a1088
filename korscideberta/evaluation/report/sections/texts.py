"""What the texts tell: errors with the words that mattered, and accuracy by length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from korscideberta.evaluation.report.attribution import Word
from korscideberta.evaluation.report.charts.bars import Column, columns
from korscideberta.evaluation.report.counts import share_interval
from korscideberta.evaluation.report.html import Child, Markup, cut, join, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.texts import ErrorExample, Texts
from korscideberta.evaluation.report.words import Words

_LENGTH_BINS = 6
_LONGEST = 700
"""Characters of a text that are shown."""
_LONGEST_WORD = 40
_MARKED = 12
"""Words marked in a text, those that mattered most."""
_LISTED = 6


def lengths(run: ReportedRun, texts: Texts, key: str, words: Words) -> Markup:
    """Return accuracy by number of tokens."""
    correct = run.split.predictions.correct
    bars = []
    for part in length_bins(texts.lengths, _LENGTH_BINS):
        right, documents = int(correct[part].sum()), len(part)
        low, high = int(texts.lengths[part].min()), int(texts.lengths[part].max())
        name = f"{low}–{high}" if low < high else f"{low}"
        interval = share_interval(right, documents)
        share = right / documents
        counted = words("count_documents", count=documents)
        about = f"{name} {words('tokens')}: {share:.3f} ({interval[0]:.3f} – {interval[1]:.3f}), {counted}"
        bars.append(Column(name, share, interval, counted, about))
    title = words("length_chart")
    told = words("length_about", first=bars[0].value, last=bars[-1].value)
    drawn = columns(f"{key}-lengths", title, told, bars, x_label=words("tokens"), y_label=words("share_right"))
    cut_off = int((texts.lengths > texts.limit).sum())
    note = words("lengths_note", limit=texts.limit, cut=cut_off, share=cut_off / len(texts.lengths))
    return join([tag("figure", tag("figcaption", title), drawn), tag("p", note, class_="note")])


def length_bins(lengths_N: np.ndarray, count: int) -> list[np.ndarray]:
    """Divide documents by length into at most `count` bins of like numbers; equal lengths stay together."""
    edges = np.unique(np.quantile(lengths_N, np.linspace(0, 1, count + 1)[1:-1], method="higher"))
    places = np.searchsorted(edges, lengths_N, side="left")
    return [found for place in range(len(edges) + 1) if len(found := np.flatnonzero(places == place))]


def examples(run: ReportedRun, texts: Texts, words: Words) -> Markup:
    """Return the surest errors, with the words that mattered where they were computed."""
    total = int((~run.split.predictions.correct).sum())
    if not texts.errors:
        return tag("p", words("no_errors"))
    notes: list[Child] = [tag("p", words("examples_note", count=len(texts.errors), errors=total))]
    if any(error.words for error in texts.errors):
        notes.append(tag("p", words.markup("attribution_note"), class_="note"))
    return join([*notes, tag("ol", [_example(run, error, words) for error in texts.errors], class_="examples")])


def _example(run: ReportedRun, error: ErrorExample, words: Words) -> Markup:
    predictions = run.split.predictions
    gold = ", ".join(run.display(label) for label in predictions.gold[error.row])
    ranked, shares = predictions.ranked[error.row].tolist(), predictions.shares[error.row]
    named = [
        tag("li", f"{run.display(label)} {share:.1%}", class_="hit" if label in predictions.gold[error.row] else None)
        for label, share in zip(ranked, shares, strict=True)
    ]
    shown: list[Child] = []
    for place, text in enumerate(error.texts):
        shown.append(tag("p", marked(text, error.words[place] if error.words else ()), class_="text", dir="auto"))
    return tag(
        "li",
        tag(
            "p",
            tag("code", cut(predictions.ids[error.row], 80)),
            " ",
            words("gold"),
            " ",
            tag("b", gold),
            class_="head",
        ),
        tag("ol", named, class_="named", aria_label=words("predicted")),
        shown,
        _listed(run, error, words),
    )


def marked(text: str, scored: Sequence[Word]) -> Markup:
    """Return the beginning of a text, the words that mattered most marked by side and by how much."""
    strongest = sorted(scored, key=lambda word: -abs(word.score))[:_MARKED]
    most = max((abs(word.score) for word in strongest), default=0.0)
    total = sum(abs(word.score) for word in scored)
    parts: list[Child] = []
    at = 0
    for word in sorted(strongest, key=lambda word: word.start):
        if word.score == 0 or word.end > _LONGEST:
            continue
        level = 1 + min(2, int(3 * abs(word.score) / most))
        side = "for" if word.score > 0 else "against"
        parts += [
            text[at : word.start],
            tag(
                "mark",
                cut(text[word.start : word.end], 200),
                class_=f"{side} w{level}",
                title=f"{word.score / total:+.1%}",
            ),
        ]
        at = word.end
    rest = text[at:]
    parts.append(rest if len(text) <= _LONGEST else f"{rest[: max(0, _LONGEST - at)]}…")
    return join(parts)


def _listed(run: ReportedRun, error: ErrorExample, words: Words) -> Child:
    predictions = run.split.predictions
    scored = [(word, text) for text, found in zip(error.texts, error.words, strict=False) for word in found]
    total = sum(abs(word.score) for word, _ in scored)
    lines = []
    for sign, label in ((1, predictions.first[error.row]), (-1, predictions.true[error.row])):
        best = sorted((pair for pair in scored if sign * pair[0].score > 0), key=lambda pair: -sign * pair[0].score)
        if best:
            told = ", ".join(
                f"{cut(text[w.start : w.end], _LONGEST_WORD)} {abs(w.score) / total:.0%}" for w, text in best[:_LISTED]
            )
            lines.append(tag("li", tag("b", words("words_for", label=run.display(int(label)))), ": ", told))
    return tag("ul", lines, class_="words") if lines else None
