"""One of several answers to a question.

Shapes: A answers of a question.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.batching import BatchSize
from korscideberta.data.choices import Choice, ChoiceFeatures
from korscideberta.data.encoding import EncodedExample, encode_examples
from korscideberta.data.examples import Example
from korscideberta.data.features import Features, Limits
from korscideberta.errors import DataError, ModelError
from korscideberta.inference import Progress, batch_logits, probabilities
from korscideberta.model.encoder import PretrainedModel
from korscideberta.model.heads import DebertaV2ForMultipleChoice
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.answer_losses import ChoiceLoss
from korscideberta.training.kinds.kind import Kind, Stored
from korscideberta.training.settings import TrainSettings


class ChoiceKind(Kind[Choice, list[NDArray[np.float32]]]):
    """Multiple choice; outputs are the logits (A,) of each question.

    The task's labels are the names of the answers in their order; without them an answer's name is its number.

    Args:
        task: the task.
        frequent: the number of the answer that is right most often in the training data, the baseline.
    """

    model = DebertaV2ForMultipleChoice
    pipeline = "multiple-choice"
    inputs = (
        '{{name: rows[None] for name, rows in tokenizer(["질문", "질문"], ["첫째 답", "둘째 답"], padding=True, '
        'return_tensors="pt").items()}}'
    )
    answer = "int(logits.argmax())"

    def __init__(self, task: Task, frequent: int) -> None:
        super().__init__(task, task.labels or ())
        self.frequent = frequent

    @classmethod
    def learn(cls, task: Task, train: Sequence[Choice], origin: str) -> ChoiceKind:
        """Take which answer is right most often; of several the first."""
        counts = Counter(choice.gold or 0 for choice in train)
        return cls(task, min(counts, key=lambda number: (-counts[number], number)))

    def record(self) -> dict[str, Any]:
        """Which answer is right most often."""
        return {**super().record(), "frequent_answer": self.frequent}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> ChoiceKind:
        """The kind of a finished run."""
        return cls(task, record["frequent_answer"])

    @property
    def model_labels(self) -> tuple[str, ...]:
        """One logit a text."""
        return ("LABEL_0",)

    @staticmethod
    def stratum(example: Choice) -> str:
        """Which answer is right."""
        return str(example.gold)

    def check(self, examples: Sequence[Choice]) -> None:
        """Refuse a question whose right answer is not known."""
        for choice in examples:
            if choice.gold is None:
                raise DataError(f"{choice.origin}: the right answer is not given")

    def texts(self, example: Choice) -> Iterable[str]:
        """Give what is read, each text once."""
        return dict.fromkeys(text for pair in example.pairs for text in pair)

    def gold(self, example: Choice) -> str | None:
        """The name of the right answer."""
        return None if example.gold is None else self.name(example.gold)

    def name(self, number: int) -> str:
        """Return the name of the answer with that number, from 0."""
        return self.labels[number] if self.labels else str(number)

    def encode(
        self,
        examples: Sequence[Choice],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
        cache: Path | None = None,
    ) -> ChoiceFeatures:
        """One feature a question."""
        pairs = [
            Example(id=choice.id, text=first, text_pair=second) for choice in examples for first, second in choice.pairs
        ]
        return ChoiceFeatures(
            encode_examples(pairs, tokenizer, None, limits.max_length, cache=cache),
            [len(choice.pairs) for choice in examples],
            [choice.gold or 0 for choice in examples] if labelled else None,
            EncodedExample((tokenizer.cls_token_id, tokenizer.sep_token_id), (0, 0), ()),
        )

    def objective(self, settings: TrainSettings) -> ChoiceLoss:
        """Cross-entropy over the answers of a question."""
        return ChoiceLoss()

    def outputs(
        self,
        model: PretrainedModel,
        features: Features,
        *,
        batch_size: BatchSize,
        precision: str,
        progress: Progress | None,
    ) -> list[NDArray[np.float32]]:
        """Return the logits of each question's answers."""
        assert isinstance(features, ChoiceFeatures), features
        logits: dict[int, NDArray[np.float32]] = {}
        for numbers, logits_BA in batch_logits(
            model, features, batch_size=batch_size, precision=precision, progress=progress
        ):
            for number, logits_A in zip(numbers, logits_BA, strict=True):
                logits[number] = logits_A[: features.counts[number]].copy()
        return [logits[number] for number in range(len(features))]

    def figures(self, examples: Sequence[Choice], outputs: Sequence[NDArray[np.float32]], k: int) -> dict[str, float]:
        """The task's figures, those of always giving the most frequent number, and the number of questions."""
        self.check(examples)
        ids = [choice.id for choice in examples]
        gold = [self.gold(choice) for choice in examples]
        predicted = [self.name(int(logits_A.argmax())) for logits_A in outputs]
        baseline = self.task.score(ids, [self.name(self.frequent)] * len(gold), gold)
        return {
            **self.task.score(ids, predicted, gold),
            **{f"majority_{name}": figure for name, figure in baseline.items()},
            "questions": len(gold),
        }

    def predictions(
        self, examples: Sequence[Choice], outputs: Sequence[NDArray[np.float32]], k: int
    ) -> list[dict[str, Any]]:
        """The likeliest answer by name and text, and the probability of each."""
        predictions = []
        for choice, logits_A in zip(examples, outputs, strict=True):
            number = int(logits_A.argmax())
            shares = [round(float(share), 6) for share in probabilities(logits_A[None])[0]]
            predictions.append({"answer": self.name(number), "text": choice.answers[number], "probabilities": shares})
        return predictions

    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """The answer."""
        return [f"{max(prediction['probabilities']):6.1%}  {prediction['answer']}  {prediction['text']}"]

    def stored(self, path: Path) -> Stored:
        """Read a run's JSON Lines file."""
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            ids, predicted, gold = ([row[name] for row in rows] for name in ("id", "answer", "gold"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: not the predictions of this run ({error}); train again") from None

        def score(indices: NDArray[np.int64]) -> dict[str, float]:
            chosen = indices.tolist()
            figures: dict[str, float] = self.task.score(
                *([column[i] for i in chosen] for column in (ids, predicted, gold))
            )
            return figures

        return Stored(len(rows), score)
