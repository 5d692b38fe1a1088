"""A finished run that answers: for texts, for streams of them, and by `predict_file` for files."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from korscideberta.data.batching import BatchSize, Tokens
from korscideberta.data.features import Features
from korscideberta.errors import ConfigError
from korscideberta.evaluation.confidence import coverage_threshold, scaled, sets_above, temperature
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.precision import pick_device
from korscideberta.prediction.known import KnownInputs
from korscideberta.prediction.memory import fitting_tokens
from korscideberta.prediction.windows import Window, encoded, windows
from korscideberta.tokenization.processes import cpu_count

Prediction = dict[str, Any]
"""A prediction as `korsci predict` writes it to JSON Lines, without the id."""
Text = str | tuple[str, str]
"""A text, or the two texts of a pair."""


@dataclass(frozen=True, kw_only=True)
class PredictorSettings:
    """What predictions hold, and how many are made at a time.

    Raises:
        ConfigError: a size is impossible, or two exclude each other.
    """

    top_k: int | None = None
    """How many labels a classifier names; None is 3, or all."""
    coverage: float | None = None
    """Share of the texts for which the named set of labels is to hold a right one; None names no sets."""
    calibrated: bool = False
    """Whether probabilities are those at the temperature fitted on the dev rows."""
    batch_size: int | None = None
    """Examples a forward pass; None counts tokens."""
    batch_tokens: int | Literal["auto"] = "auto"
    """Tokens a forward pass; `auto` takes as many as the free memory allows, up to what makes it faster."""

    def __post_init__(self) -> None:
        if self.batch_size is not None and self.batch_tokens != "auto":
            raise ConfigError("--batch-size and --batch-tokens exclude each other; give one")
        for name, size in (("--batch-size", self.batch_size), ("--batch-tokens", self.batch_tokens)):
            if isinstance(size, int) and size < 1:
                raise ConfigError(f"{name} {size}: must be 1 or more")


class Predictor:
    """Predictions of a finished run.

    Args:
        run: the run.
        settings: what predictions hold.

    Raises:
        ConfigError: the settings do not fit the run.
        ModelError: the run lacks what they need.
    """

    def __init__(self, run: FinishedRun, settings: PredictorSettings | None = None) -> None:
        self.run = run
        self.settings = settings or PredictorSettings()
        self._top_k = run.kind.check_top_k(self.settings.top_k)
        coverage = self.settings.coverage
        self._threshold = None if coverage is None else coverage_threshold(run, coverage)
        if self.settings.calibrated:
            temperature(run)  # so that its absence is told before anything is done
        self._device = next(run.model.parameters()).device

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        user_dictionary: Path | None = None,
        allow_tokenizer_mismatch: bool = False,
        settings: PredictorSettings | None = None,
    ) -> Predictor:
        """Load a run directory; arguments and errors as of `FinishedRun.load`, device and precision by their names."""
        chosen = pick_device(device)
        run = FinishedRun.load(
            Path(path),
            device=chosen,
            precision=precision,
            user_dictionary=user_dictionary,
            allow_tokenizer_mismatch=allow_tokenizer_mismatch,
        )
        return cls(run, settings)

    def predict(self, texts: Sequence[Text]) -> list[Prediction]:
        """Return the prediction for each text or pair.

        Raises:
            ConfigError: a text is empty, or the run takes pairs and a text is none or the other way round.
        """
        return list(self.stream(texts))

    def stream(self, texts: Iterable[Text]) -> Iterator[Prediction]:
        """Give the prediction for each text or pair, in order, holding no more than some thousands; see `predict`."""
        with closing(self.windows(self._examples(texts))) as found:
            for _, predictions in found:
                yield from predictions

    def windows(
        self,
        examples: Iterable[Any],
        *,
        batch_size: BatchSize | None = None,
        known: KnownInputs | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Generator[tuple[Window, list[Prediction]]]:
        """Give consecutive examples, some thousands at a time, with their predictions.

        Args:
            examples: as the task's reader gives them; gold answers are not looked at by the model.
            batch_size: what a forward pass takes; None follows the settings.
            known: predictions of inputs that came before.
            progress: called with the number of examples that are done.
        """
        kind, size = self.run.kind, batch_size or self.batch_size()
        workers = 1 if self._device.type == "cpu" else max(1, cpu_count() - 1)
        stream = windows(examples, kind, known or KnownInputs())
        done = 0
        with closing(encoded(stream, kind, self.run.tokenizer, self.run.limits, workers=workers)) as work:
            for window, features in work:
                if features is not None:
                    report = None if progress is None else _shares(progress, done, window, len(features))
                    for slot, one in zip(
                        window.fresh_slots, self._made(window.fresh, features, size, report), strict=True
                    ):
                        slot.fill(one)
                elif progress is not None:
                    progress(done + len(window.examples))
                done += len(window.examples)
                yield window, [slot.prediction for slot in window.slots]

    def batch_size(self) -> BatchSize:
        """Return what a forward pass takes by the settings, with `auto` by the memory that is free now."""
        if self.settings.batch_size is not None:
            return self.settings.batch_size
        if self.settings.batch_tokens != "auto":
            return Tokens(self.settings.batch_tokens)
        return Tokens(fitting_tokens(self.run.model, self.run.limits.max_length, self._device))

    def _made(
        self, examples: list[Any], features: Features, batch_size: BatchSize, progress: Callable[[int], object] | None
    ) -> list[Prediction]:
        run = self.run
        outputs = run.kind.outputs(
            run.model, features, batch_size=batch_size, precision=run.precision, progress=progress
        )
        sets = None if self._threshold is None else sets_above(run, outputs, self._threshold)
        chosen = scaled(run, outputs) if self.settings.calibrated else outputs
        predictions = run.kind.predictions(examples, chosen, self._top_k)
        for prediction, labels in zip(predictions, sets or (), strict=False):
            prediction["set"] = labels
        return predictions

    def _examples(self, texts: Iterable[Text]) -> Iterator[Any]:
        paired = self.run.reads_pairs
        for number, text in enumerate(texts, start=1):
            first, second = (text, None) if isinstance(text, str) else text
            if paired != (second is not None):
                raise ConfigError(
                    f"text {number} is {'a single text' if paired else 'a pair'}; "
                    f"this run reads {'pairs' if paired else 'single texts'}"
                )
            if not first.strip():
                raise ConfigError(f"text {number} is empty")
            yield from self.run.kind.from_texts([first], [second])


def _shares(progress: Callable[[int], object], done: int, window: Window, features: int) -> Callable[[int], object]:
    """Return what turns features that are done into examples, which may have several features or share one."""
    finished = 0

    def report(count: int) -> None:
        nonlocal finished
        finished += count
        progress(done + len(window.examples) * finished // features)

    return report
