"""The tasks of GLUE (Wang et al. 2018, arXiv 1804.07461), in the layout of its files; MNLI is in `mnli`.

Predictions carry the labels that the files write, so that they can be handed in as they are.
"""

from __future__ import annotations

from pathlib import Path

from korscideberta.data.readers import TableStream, open_table, read_columns
from korscideberta.metrics import benchmarks
from korscideberta.metrics.regression import correlations
from korscideberta.tasks.custom import number
from korscideberta.tasks.layouts import layout, one_of, reader
from korscideberta.tasks.official import glue, glue_degree, superglue
from korscideberta.tasks.task import Task, register

COLA_COLUMNS = ("source", "label", "star", "sentence")
NO_YES = ("0", "1")
ENTAILED = ("not_entailment", "entailment")


def open_cola(path: Path) -> TableStream:
    """Open a CoLA file: train and dev have no header, the test file has one."""
    bare = path.suffix.lower() in (".tsv", ".txt") and "sentence" not in read_columns(path)
    return open_table(path, columns=COLA_COLUMNS if bare else None)


def open_qqp(path: Path) -> TableStream:
    """Open a QQP file; a few of its rows are broken and left out."""
    return open_table(path, skip_broken=True)


COLA = register(
    Task(
        name="cola",
        summary="GLUE CoLA: is an English sentence acceptable",
        layout="four columns without a header (source, label, star, sentence), or index, sentence",
        labels=NO_YES,
        metric="matthews",
        score=benchmarks.matthews,
        read=reader([layout("sentence", id="index")], one_of(NO_YES), table=open_cola),
        official={".tsv": glue},
        max_length=64,
    )
)

SST2 = register(
    Task(
        name="sst2",
        summary="GLUE SST-2: is an English film review favourable",
        layout="sentence, label (0 or 1)",
        labels=NO_YES,
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=reader([layout("sentence", id="index")], one_of(NO_YES)),
        official={".tsv": glue},
        max_length=128,
    )
)

MRPC = register(
    Task(
        name="mrpc",
        summary="GLUE MRPC: do two English sentences say the same",
        layout="Quality (0 or 1), #1 ID, #2 ID, #1 String, #2 String",
        labels=NO_YES,
        metric="accuracy",
        score=benchmarks.accuracy_and_f1,
        read=reader([layout("#1 String", pair="#2 String", label="Quality", id="index")], one_of(NO_YES)),
        pair=True,
        official={".tsv": glue},
        max_length=128,
    )
)

STSB = register(
    Task(
        name="stsb",
        summary="GLUE STS-B: how alike two English sentences are, 0 to 5",
        layout="sentence1, sentence2, score",
        labels=None,
        head="regression",
        metric="pearson",
        score=correlations,
        read=reader([layout("sentence1", pair="sentence2", label="score", id="index")], number),
        pair=True,
        official={".tsv": glue_degree},
        max_length=128,
    )
)

QQP = register(
    Task(
        name="qqp",
        summary="GLUE QQP: do two English questions ask the same",
        layout="id, qid1, qid2, question1, question2, is_duplicate (0 or 1)",
        labels=NO_YES,
        metric="accuracy",
        score=benchmarks.accuracy_and_f1,
        read=reader(
            [layout("question1", pair="question2", label="is_duplicate", id="id")], one_of(NO_YES), table=open_qqp
        ),
        pair=True,
        official={".tsv": glue},
        max_length=320,
    )
)

QNLI = register(
    Task(
        name="qnli",
        summary="GLUE QNLI: does an English sentence hold the answer to a question",
        layout="index, question, sentence, label (entailment or not_entailment)",
        labels=ENTAILED,
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=reader([layout("question", pair="sentence", id="index")], one_of(ENTAILED)),
        pair=True,
        official={".tsv": glue},
        max_length=512,
    )
)

RTE = register(
    Task(
        name="rte",
        summary="GLUE and SuperGLUE RTE: does an English text entail a hypothesis",
        layout="index, sentence1, sentence2, label (GLUE) or premise, hypothesis, label, idx (SuperGLUE)",
        labels=ENTAILED,
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=reader(
            [layout("sentence1", pair="sentence2", id="index"), layout("premise", pair="hypothesis", id="idx")],
            one_of(ENTAILED),
        ),
        pair=True,
        official={".tsv": glue, ".jsonl": superglue},
        max_length=320,
    )
)

WNLI = register(
    Task(
        name="wnli",
        summary="GLUE WNLI: does an English sentence with its pronoun resolved follow",
        layout="index, sentence1, sentence2, label (0 or 1)",
        labels=NO_YES,
        metric="accuracy",
        score=benchmarks.accuracy_alone,
        read=reader([layout("sentence1", pair="sentence2", id="index")], one_of(NO_YES)),
        pair=True,
        official={".tsv": glue},
        max_length=128,
    )
)
