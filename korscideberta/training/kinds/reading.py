"""Questions whose answer is a part of a text: the likeliest one, or none where the text may hold none.

Shapes: N questions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.answers import Answers, answer_question
from korscideberta.data.batching import BatchSize
from korscideberta.data.features import Features, Limits
from korscideberta.data.questions import Question
from korscideberta.data.splits import hold_out_groups
from korscideberta.data.windows import WindowFeatures, encode_questions
from korscideberta.errors import ConfigError, DataError, ModelError
from korscideberta.inference import Progress, predict_token_logits
from korscideberta.metrics.reading import best_threshold, means, means_by_answerable, question_scores
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.heads import DebertaV2ForQuestionAnswering
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.answer_losses import SpanLoss
from korscideberta.training.kinds.kind import Kind, Stored
from korscideberta.training.settings import TrainSettings

N_BEST = 20
"""How many answers to a question are kept."""

_Scores = Mapping[str, NDArray[np.float64]]


class ReadingKind(Kind[Question, list[Answers]]):
    """Every question has an answer in its text, which is judged by the task's `score`.

    Args:
        task: the task.
        frequent: the answer that is most frequent in the training data, the baseline.
    """

    model = DebertaV2ForQuestionAnswering
    without_effect = ("loss", "label_smoothing", "class_weights", "targets", "sift_lambda")
    windows = True
    extracts = True
    pipeline = "question-answering"
    answer = "logits[0].argmax(0).tolist()"
    """The places of the first and the last token of the likeliest answer."""

    def __init__(self, task: Task, frequent: str) -> None:
        super().__init__(task)
        self.frequent = frequent

    @classmethod
    def learn(cls, task: Task, train: Sequence[Question], origin: str) -> ReadingKind:
        """Take the most frequent answer; of equally frequent ones the first."""
        return cls(task, Counter(_first(question) for question in train).most_common(1)[0][0])

    def record(self) -> dict[str, Any]:
        """The most frequent answer."""
        return {**super().record(), "frequent_answer": self.frequent}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> ReadingKind:
        """The kind of a finished run."""
        return cls(task, record["frequent_answer"])

    @property
    def model_labels(self) -> tuple[str, ...]:
        """Start and end."""
        return ("LABEL_0", "LABEL_1")

    @classmethod
    def hold_out(cls, examples: Sequence[Question], share: float, seed: int) -> tuple[list[Question], list[Question]]:
        """Hold back whole articles or, where there is only one, whole contexts."""
        titled = len({question.title for question in examples}) > 1
        return hold_out_groups(examples, share, seed, lambda one: one.title if titled else one.context)

    def check(self, examples: Sequence[Question]) -> None:
        """Refuse a question without an answer that is not marked so."""
        for question in examples:
            if not question.answers and not question.impossible:
                raise DataError(f"{question.origin}: there is no answer")

    def texts(self, example: Question) -> Iterable[str]:
        """Give question and context."""
        return example.question, example.context

    def all_texts(self, examples: Sequence[Question]) -> list[str]:
        """Return questions and contexts, each once, however many questions there are about it."""
        return list(dict.fromkeys(super().all_texts(examples)))

    def gold(self, example: Question) -> list[str] | None:
        """The gold answers, none where there is none to be found."""
        return list(example.gold) if example.answers or example.impossible else None

    def from_texts(self, texts: Sequence[str], pairs: Sequence[str | None]) -> list[Question]:
        """Take the texts as questions and the second ones as their contexts."""
        for number, pair in enumerate(pairs, start=1):
            if pair is None or not pair.strip():
                raise ConfigError(f"--text-pair {number} is empty; it is the text in which TEXT {number} is answered")
        return [
            Question(id=str(number), question=text, context=pair or "")
            for number, (text, pair) in enumerate(zip(texts, pairs, strict=True), start=1)
        ]

    def encode(
        self,
        examples: Sequence[Question],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
        cache: Path | None = None,
    ) -> WindowFeatures:
        """A feature a window."""
        return encode_questions(examples, tokenizer, limits, labelled=labelled, cache=cache)

    def objective(self, settings: TrainSettings) -> SpanLoss:
        """Cross-entropy of the first and the last place."""
        return SpanLoss()

    def outputs(
        self,
        model: PretrainedModel,
        features: Features,
        *,
        batch_size: BatchSize,
        precision: str,
        progress: Progress | None,
    ) -> list[Answers]:
        """Return the answers to each question."""
        assert isinstance(features, WindowFeatures), features
        logits = predict_token_logits(model, features, batch_size=batch_size, precision=precision, progress=progress)
        of_windows = zip(features.windows, logits, strict=True)
        return [
            answer_question(
                features.questions[number],
                features.contexts[number],
                windows,
                count=N_BEST,
                most_pieces=features.limits.max_answer_length,
            )
            for number, windows in groupby(of_windows, key=lambda one: one[0].question)
        ]

    def check_top_k(self, k: int | None) -> int:
        """Refuse to name more answers than are kept."""
        if k is None:
            return super().check_top_k(None)
        if not 1 <= k <= N_BEST:
            raise ConfigError(f"--top-k {k}: must lie between 1 and {N_BEST}")
        return k

    def figures(self, examples: Sequence[Question], outputs: Sequence[Answers], k: int) -> dict[str, float]:
        """The task's figures, those of always giving the most frequent answer, and the number of questions."""
        self.check(examples)
        gold = [question.gold for question in examples]
        scores = question_scores(self.task.score, [_best(answers) for answers in outputs], gold)
        baseline = means(question_scores(self.task.score, [self.frequent] * len(gold), gold))
        return {
            **self.means(scores, np.array([answers.no_answer for answers in outputs]), _answerable(gold)),
            **{f"majority_{name}": figure for name, figure in baseline.items()},
            "questions": len(gold),
        }

    def means(self, scores: _Scores, no_answer: NDArray[np.float64], answerable: NDArray[np.bool_]) -> dict[str, float]:
        """Return the figures of questions.

        Args:
            scores: those of each question's best answer, (N,) by name.
            no_answer: how much more likely no answer is than it, (N,).
            answerable: whether there is a gold answer, (N,).
        """
        return means(scores)

    def predictions(self, examples: Sequence[Question], outputs: Sequence[Answers], k: int) -> list[dict[str, Any]]:
        """The best answer with its characters in the context and its probability, and the k best."""
        return [self.prediction(answers, k) for answers in outputs]

    def prediction(self, answers: Answers, k: int) -> dict[str, Any]:
        """Return the prediction for a question."""
        best, _ = _ranked(answers, with_none=False)
        return {**(best[0] if best else _NO_ANSWER), "best": best[:k]}

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """A line an answer."""
        return [f"{one['probability']:6.1%}  {one['answer']}" for one in prediction["best"]]

    def stored(self, path: Path) -> Stored:
        """Read a run's JSON Lines file."""
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            gold = [row["gold"] for row in rows]
            answers = [row["best"][0]["answer"] if row["best"] else "" for row in rows]
            no_answer = np.array([row.get("no_answer", 0.0) for row in rows])
            scores = question_scores(self.task.score, answers, gold)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelError(f"{path}: not the predictions of this run ({error}); train again") from None
        answerable = _answerable(gold)

        def score(indices: NDArray[np.int64]) -> dict[str, float]:
            sample = {name: values[indices] for name, values in scores.items()}
            return self.means(sample, no_answer[indices], answerable[indices])

        return Stored(len(rows), score)


class ReadingOrNoneKind(ReadingKind):
    """A text may hold no answer to a question; none is given where it is likelier by more than a threshold.

    The threshold is the one that is best on the dev set. Figures named `best_…` are those of the threshold that would
    be best for the very questions they are about, as SQuAD 2.0's script gives them.

    Args:
        task: the task, whose metric is one of those figures.
        frequent: the answer that is most frequent in the training data, the baseline.
        threshold: the threshold, in logits.
    """

    def __init__(self, task: Task, frequent: str, threshold: float = 0.0) -> None:
        super().__init__(task, frequent)
        self.threshold = threshold

    def record(self) -> dict[str, Any]:
        """The most frequent answer and the threshold."""
        return {**super().record(), "no_answer_threshold": self.threshold}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> ReadingOrNoneKind:
        """The kind of a finished run."""
        return cls(task, record["frequent_answer"], record["no_answer_threshold"])

    def settle(self, examples: Sequence[Question], outputs: Sequence[Answers]) -> None:
        """Take the threshold that is best on the dev set; where all questions there have an answer, give one always."""
        gold = [question.gold for question in examples]
        if _answerable(gold).all():
            self.threshold = float(np.finfo(np.float32).max)
            return
        scores = question_scores(self.task.score, [_best(answers) for answers in outputs], gold)
        self.threshold, _ = best_threshold(
            scores[self.task.metric.removeprefix("best_")],
            [answers.no_answer for answers in outputs],
            _answerable(gold),
        )

    def means(self, scores: _Scores, no_answer: NDArray[np.float64], answerable: NDArray[np.bool_]) -> dict[str, float]:
        """All figures as they are, with and without a gold answer, and with the best threshold."""
        left = no_answer > self.threshold
        given = {name: np.where(left, ~answerable, values) for name, values in scores.items()}
        best = {f"best_{name}": best_threshold(values, no_answer, answerable)[1] for name, values in scores.items()}
        return {**means_by_answerable(given, answerable), **best}

    def prediction(self, answers: Answers, k: int) -> dict[str, Any]:
        """Return the prediction for a question; `no_answer` is compared with the threshold."""
        best, none = _ranked(answers, with_none=True)
        given = {**_NO_ANSWER, "probability": none}
        if best and answers.no_answer <= self.threshold:
            given = best[0]
        return {**given, "no_answer": answers.no_answer, "no_answer_probability": none, "best": best[:k]}

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """A line an answer, first of all whether there is one."""
        none = [] if prediction["answer"] else [f"{prediction['no_answer_probability']:6.1%}  no answer"]
        return [*none, *super().shown(prediction)]


_NO_ANSWER: dict[str, Any] = {"answer": "", "start": None, "end": None, "probability": 0.0}


def _first(question: Question) -> str:
    """The first gold answer, '' where there is none."""
    return question.gold[0] if question.answers else ""


def _best(answers: Answers) -> str:
    return answers.best[0].text if answers.best else ""


def _answerable(gold: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    return np.array([bool(texts) for texts in gold])


def _ranked(answers: Answers, *, with_none: bool) -> tuple[list[dict[str, Any]], float]:
    """The answers as JSON objects, best first, and the probability of none."""
    shares, none = answers.probabilities(with_none=with_none)
    ranked = [
        {"answer": one.text, "start": one.start, "end": one.end, "probability": round(share, 6)}
        for one, share in zip(answers.best, shares, strict=True)
    ]
    return ranked, round(none, 6)
