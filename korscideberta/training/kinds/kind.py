"""What a kind of head is."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from korscideberta.data.batching import BatchSize
from korscideberta.data.examples import BaseExample
from korscideberta.data.features import Features, Limits
from korscideberta.data.splits import hold_out
from korscideberta.errors import ConfigError
from korscideberta.files import replacing
from korscideberta.inference import Progress
from korscideberta.metrics.parts import Part
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import PretrainedModel
from korscideberta.tasks import Task
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.losses import Objective
from korscideberta.training.settings import TrainSettings

AnyExample = TypeVar("AnyExample", bound=BaseExample)
Outputs = TypeVar("Outputs")

SampleScore = Callable[[NDArray[np.int64]], dict[str, float]]
"""Gives the figures of a sample of examples by their numbers, which can repeat."""


@dataclass(frozen=True)
class Stored:
    """The predictions a run has written, ready to be scored again."""

    examples: int
    score: SampleScore
    undecided: frozenset[str] = frozenset()
    """Figures that the file does not decide."""
    parts: Mapping[str, Part] | None = None
    """The decided figures as functions of the examples' weights, where they are that."""

    @classmethod
    def of_parts(cls, examples: int, parts: Mapping[str, Part]) -> Stored:
        """Predictions whose figures are all functions of weights: in a sample, how often each example is in it."""

        def of_sample(indices: NDArray[np.int64]) -> dict[str, float]:
            weights = np.bincount(indices, minlength=examples).astype(np.float64)
            return {name: part.value(weights) for name, part in parts.items()}

        return cls(examples, of_sample, parts=parts)


class Kind(ABC, Generic[AnyExample, Outputs]):
    """A head of some kind for one task, with what it has learnt from the training data.

    The path of an example leads through `check`, `encode`, the model with the `objective` or `outputs`, then `figures`
    and `predictions`. A subclass that is not about texts with labels need not override more than the abstract methods.

    Args:
        task: the task.
        labels: names of the labels in the order of the logits; empty where a head has none.
    """

    model: ClassVar[type[PretrainedModel]]
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl",)
    """Endings of the files predictions can be written to, the run directory's first."""
    appended: ClassVar[tuple[str, ...]] = (".jsonl",)
    """Endings of those files that can be written part by part."""
    without_effect: ClassVar[tuple[str, ...]] = ("loss", "label_smoothing", "class_weights", "targets", "top_k")
    """Settings that mean nothing to this kind and are refused unless they have their defaults."""

    windows: ClassVar[bool] = False
    """Whether long texts are always cut into windows, so that `doc_stride` counts."""
    reads_whole: ClassVar[bool] = False
    """Whether texts are judged as a whole, so that `long` says what becomes of long ones."""
    extracts: ClassVar[bool] = False
    """Whether an answer is a part of the text, so that `max_answer_length` counts."""
    pipeline: ClassVar[str] = "text-classification"
    """What the hub calls such a task."""
    inputs: ClassVar[str] = 'tokenizer({texts}, return_tensors="pt")'
    """The Python expression of a model's inputs, for the model card; `{texts}` stands for a text, or two of a pair."""
    answer: ClassVar[str] = "model.config.id2label[int(logits.argmax())]"
    """The Python expression that makes an answer of `model` and its `logits`, for the model card."""

    def __init__(self, task: Task, labels: tuple[str, ...] = ()) -> None:
        self.task = task
        self.labels = labels

    # What is learnt from the training data, and kept in run.json

    @classmethod
    def learn(cls, task: Task, train: Sequence[AnyExample], origin: str) -> Kind[AnyExample, Outputs]:
        """Return the kind for the examples of a training file.

        Raises:
            DataError: they do not do, such as for having a single label; `origin` names the file.
        """
        return cls(task, task.labels or ())

    def record(self) -> dict[str, Any]:
        """Return what `restore` needs, for `run.json`."""
        return {"labels": list(self.labels)}

    @classmethod
    def restore(cls, task: Task, record: Mapping[str, Any]) -> Kind[AnyExample, Outputs]:
        """Return the kind of a finished run. A missing entry raises KeyError."""
        return cls(task, tuple(record["labels"]))

    @classmethod
    def of_model(cls, task: Task, config: DebertaV2Config) -> Kind[AnyExample, Outputs]:
        """Return the kind for a fine-tuned model of which no run is known, so that there is no baseline beside it.

        Raises:
            ConfigError: this kind needs what it has learnt from the training data.
        """
        raise ConfigError(f"--task {task.name}: a model for it is scored from its run directory alone")

    @property
    def model_labels(self) -> tuple[str, ...]:
        """Names of the model's logits, as `config.json` has them."""
        return self.labels

    @property
    def config_changes(self) -> dict[str, Any]:
        """Settings of the model's configuration that this kind fixes."""
        return {}

    # Examples

    @staticmethod
    def stratum(example: AnyExample) -> str:
        """Name the group whose share is kept when dev rows are held back."""
        return ""

    @classmethod
    def hold_out(
        cls, examples: Sequence[AnyExample], share: float, seed: int
    ) -> tuple[list[AnyExample], list[AnyExample]]:
        """Divide training examples into (kept, held back) where there are no dev files."""
        return hold_out(examples, share, seed, cls.stratum)

    @abstractmethod
    def check(self, examples: Sequence[AnyExample]) -> None:
        """Raise DataError, naming file and line, at the first example without a gold answer or with an unknown one."""

    @abstractmethod
    def texts(self, example: AnyExample) -> Iterable[str]:
        """Give the texts of an example, from which a tokenizer can be trained."""

    def all_texts(self, examples: Sequence[AnyExample]) -> list[str]:
        """Return the texts of training examples, from which a tokenizer can be trained."""
        return [text for example in examples for text in self.texts(example)]

    @abstractmethod
    def gold(self, example: AnyExample) -> Any:
        """Return the gold answer as a JSON value, None where it is not known."""

    def from_texts(self, texts: Sequence[str], pairs: Sequence[str | None]) -> list[AnyExample]:
        """Make examples of texts given on the command line.

        Raises:
            ConfigError: this kind needs more than texts.
        """
        raise ConfigError(f"a model for {self.task.name} reads no single texts; give --input FILE")

    def input_of(self, example: AnyExample) -> Hashable | None:
        """Return all of an example that a prediction depends on; None where examples are not compared."""
        return None

    # Training

    @abstractmethod
    def encode(
        self,
        examples: Sequence[AnyExample],
        tokenizer: DebertaV2Tokenizer,
        limits: Limits,
        *,
        labelled: bool,
        cache: Path | None = None,
    ) -> Features:
        """Encode examples, with targets if they are `labelled`; `cache` is the folder of encoded data sets."""

    @abstractmethod
    def objective(self, settings: TrainSettings) -> Objective:
        """Return the loss that the settings describe."""

    def adopt(self, settings: TrainSettings, train: Sequence[AnyExample]) -> None:
        """Take what settings say of the gold answers of training examples.

        Raises:
            ConfigError: a setting was chosen that means nothing to this kind.
        """
        refuse_chosen(
            settings, self.without_effect, f"the task {self.task.name}, whose head is of the kind {self.task.head}"
        )

    # Evaluation and prediction

    def settle(self, examples: Sequence[AnyExample], outputs: Outputs) -> None:
        """Learn from what the best model makes of the dev set; `record` then has what was learnt."""

    @abstractmethod
    def outputs(
        self,
        model: PretrainedModel,
        features: Features,
        *,
        batch_size: BatchSize,
        precision: str,
        progress: Progress | None,
    ) -> Outputs:
        """Run the model on features and keep what figures and predictions need."""

    def check_top_k(self, k: int | None) -> int:
        """Return how many answers a prediction names at most when `k` are asked for; None is 3, or all there are.

        Raises:
            ConfigError: there are not as many.
        """
        return k or 3

    @abstractmethod
    def figures(self, examples: Sequence[AnyExample], outputs: Outputs, k: int) -> dict[str, float]:
        """Score outputs against gold answers; a whole number is a count, `majority_NAME` the baseline of NAME.

        Raises:
            DataError: an example has no gold answer or one the model does not know.
        """

    @abstractmethod
    def predictions(self, examples: Sequence[AnyExample], outputs: Outputs, k: int) -> list[dict[str, Any]]:
        """Return the prediction for each example as a JSON object."""

    @abstractmethod
    def shown(self, prediction: Mapping[str, Any]) -> list[str]:
        """Return a prediction as lines for the terminal."""

    def lines(
        self, examples: Sequence[AnyExample], predictions: Sequence[Mapping[str, Any]], *, labelled: bool
    ) -> Iterator[str]:
        """Give a JSON object an example: its id, its gold answer if they are `labelled`, its prediction."""
        for example, prediction in zip(examples, predictions, strict=True):
            known = {"gold": self.gold(example)} if labelled else {}
            yield json.dumps({"id": example.id, **known, **prediction}, ensure_ascii=False)

    def write(
        self,
        path: Path,
        examples: Sequence[AnyExample],
        predictions: Sequence[Mapping[str, Any]],
        *,
        labelled: bool,
    ) -> None:
        """Write predictions to a file in the format of its ending, one of `suffixes`.

        Raises:
            DataError: the file cannot be written.
        """
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            stream.write(self.part(path.suffix.lower(), examples, predictions, labelled=labelled, first=True))

    def part(
        self,
        suffix: str,
        examples: Sequence[AnyExample],
        predictions: Sequence[Mapping[str, Any]],
        *,
        labelled: bool,
        first: bool,
    ) -> str:
        """Return predictions as a part of a file with such an ending, one of `appended`; by default the `lines`.

        The `first` part begins with the header where there is one.
        """
        return "".join(f"{line}\n" for line in self.lines(examples, predictions, labelled=labelled))

    def check_suffix(self, path: Path) -> None:
        """Raise ConfigError unless predictions can be written to a file of that name."""
        if path.suffix.lower() not in self.suffixes:
            raise ConfigError(f"--output {path}: the ending must be {' or '.join(self.suffixes)}")

    def stored(self, path: Path) -> Stored | None:
        """Read what `write` wrote for a run; None where the file does not hold enough to score it again.

        Raises:
            ModelError: it is not the predictions of this run.
        """
        return None


def refuse_chosen(settings: TrainSettings, names: Sequence[str], where: str) -> None:
    """Raise ConfigError if one of the settings, which have no effect on `where`, is not as it is by default."""
    default = TrainSettings()
    for name in names:
        if getattr(settings, name) != getattr(default, name):
            option = f"--{name.replace('_', '-')} {getattr(settings, name)}"
            raise ConfigError(f"{option}: has no effect on {where}")
