"""Korean benchmarks besides KLUE: KorSTS (Ham et al. 2020, arXiv 2004.03289) and NSMC; KorNLI is in `mnli`."""

from __future__ import annotations

from korscideberta.metrics import benchmarks
from korscideberta.metrics.regression import correlations
from korscideberta.tasks.custom import number
from korscideberta.tasks.layouts import layout, one_of, reader
from korscideberta.tasks.task import Task, register

KORSTS = register(
    Task(
        name="korsts",
        summary="KorSTS: how alike two Korean sentences are, 0 to 5",
        layout="genre, filename, year, id, score, sentence1, sentence2",
        labels=None,
        head="regression",
        metric="spearman",
        score=correlations,
        read=reader([layout("sentence1", pair="sentence2", label="score")], number),
        pair=True,
        max_length=128,
    )
)

NSMC = register(
    Task(
        name="nsmc",
        summary="NSMC: is a Korean film review favourable",
        layout="id, document, label (0 or 1)",
        labels=("0", "1"),
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=reader([layout("document", id="id")], one_of(("0", "1"))),
        max_length=128,
    )
)
