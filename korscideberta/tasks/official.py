"""The forms in which leaderboards and official scripts take predictions.

A form gives the lines of a file from examples and predictions, which are the JSON objects that `korsci predict` writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from korscideberta.data.examples import BaseExample

Form = Callable[[Sequence[Any], Sequence[Mapping[str, Any]]], Iterator[str]]


def glue(examples: Sequence[BaseExample], predictions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give `index, prediction`, separated by a tab, the index counting the rows of the test file from 0."""
    yield "index\tprediction"
    for index, prediction in enumerate(predictions):
        yield f"{index}\t{_label(prediction)}"


def glue_degree(examples: Sequence[BaseExample], predictions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give `index, prediction` for STS-B, whose degrees lie between 0 and 5."""
    yield "index\tprediction"
    for index, prediction in enumerate(predictions):
        yield f"{index}\t{min(max(prediction['value'], 0.0), 5.0):.3f}"


def superglue(examples: Sequence[BaseExample], predictions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give `{"idx": …, "label": …}` for BoolQ, CB, RTE and WiC."""
    for example, prediction in zip(examples, predictions, strict=True):
        yield json.dumps({"idx": _number(example.id), "label": _label(prediction)})


def superglue_answers(examples: Sequence[BaseExample], predictions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give a line a passage of MultiRC, with the label of every answer to each of its questions."""
    passages: dict[str, dict[str, list[dict[str, int]]]] = {}
    for example, prediction in zip(examples, predictions, strict=True):
        passage, question, answer = example.id.split("-")
        answers = passages.setdefault(passage, {}).setdefault(question, [])
        answers.append({"idx": int(answer), "label": int(_label(prediction))})
    for passage, questions in passages.items():
        listed = [{"idx": int(question), "answers": answers} for question, answers in questions.items()]
        yield json.dumps({"idx": int(passage), "passage": {"questions": listed}})


def superglue_answer(examples: Sequence[BaseExample], predictions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give `{"idx": …, "label": …}` for ReCoRD and COPA, whose labels are a text and the number of an answer."""
    for example, prediction in zip(examples, predictions, strict=True):
        answer = prediction["answer"]
        yield json.dumps({"idx": _number(example.id), "label": _number(answer) if "text" in prediction else answer})


def answers_by_id(examples: Sequence[BaseExample], predictions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give one JSON object of ids and answers, '' for none: what the scripts of SQuAD, KorQuAD and KLUE-MRC read."""
    pairs = zip(examples, predictions, strict=True)
    yield json.dumps({example.id: prediction["answer"] for example, prediction in pairs}, ensure_ascii=False)


def bare_answers(examples: Sequence[BaseExample], predictions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give an answer a line, as AlphaNLI's leaderboard takes them."""
    yield from (prediction["answer"] for prediction in predictions)


def _label(prediction: Mapping[str, Any]) -> str:
    label: str = prediction["labels"][0]["label"]
    return label


def _number(identity: str) -> int | str:
    return int(identity) if identity.isdecimal() else identity
