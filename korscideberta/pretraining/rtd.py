"""Replaced-token detection: a generator fills masked places, a discriminator says which tokens are its work.

As in the original implementation (DeBERTa/apps/tasks/rtd_task.py): every masked place gets a piece drawn from the
generator, which learns as a masked language model; with decoupled training each model has its own update.
Source: Clark et al. 2020 (arXiv 2003.10555), He et al. 2021 (arXiv 2111.09543).
"""

# Shapes: T tokens of a batch, Q of them masked, V vocabulary, W width of the word embeddings

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from korscideberta.collective import rank, total, world_size
from korscideberta.errors import ConfigError
from korscideberta.model.heads import DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection
from korscideberta.nearest import nearest
from korscideberta.precision import autocast
from korscideberta.pretraining.batches import MaskedBatch
from korscideberta.pretraining.mlm import evaluate_masked_lm
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.pretraining.update import Optimization
from korscideberta.training.checkpointing import Stateful

SHARINGS = ("gdes", "es", "none")
"""How the discriminator's embeddings hang together with the generator's: gdes, they are the generator's, which do not
learn from it, plus a difference of its own; es, they are the generator's; none, they are its own."""

_SHARED = ("deberta.embeddings.word.weight", "deberta.embeddings.position.weight")
_SAMPLE_SEED = 20211118


@dataclass(frozen=True, kw_only=True)
class DetectionSettings:
    """What replaced-token detection has beyond masked language modelling."""

    sharing: str = "gdes"
    rtd_weight: float = 10.0
    """Factor on the discriminator's loss; the original's default."""
    temperature: float = 1.0
    """The generator's logits are divided by it before a piece is drawn."""
    decoupled: bool = True
    """An update for each model; without, one update on the sum of both losses."""
    discriminator_learning_rate: float | None = None
    """Peak rate of the discriminator's own updates; None is the generator's."""

    def __post_init__(self) -> None:
        if self.sharing not in SHARINGS:
            raise ConfigError(f"--sharing {self.sharing}: {nearest(self.sharing, SHARINGS)}")
        if not self.rtd_weight > 0:
            raise ConfigError(f"--rtd-weight {self.rtd_weight}: must be above 0")
        if not self.temperature > 0:
            raise ConfigError(f"--temperature {self.temperature}: must be above 0")
        if self.sharing == "es" and self.decoupled:
            raise ConfigError("--sharing es makes one model of both embeddings; add --joint, which trains both at once")
        rate = self.discriminator_learning_rate
        if rate is not None and not (rate > 0 and self.decoupled):
            raise ConfigError(
                f"--discriminator-learning-rate {rate}: must be above 0, and goes with decoupled training"
            )


class GeneratorAndDiscriminator(nn.Module):
    """The two models and the embeddings they share.

    The discriminator's own table is, with gdes, the difference from the generator's; with es it is in no use.

    Args:
        generator: fills masked places.
        discriminator: tells which were filled, its tables complete.
        sharing: one of `SHARINGS`.
        fresh: the discriminator's embeddings are new and begin as the generator's.

    Raises ConfigError where tables that are to be shared differ in size.
    """

    def __init__(
        self,
        generator: DebertaV2ForMaskedLM,
        discriminator: DebertaV2ForReplacedTokenDetection,
        sharing: str,
        *,
        fresh: bool,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.sharing = sharing
        if sharing == "none":
            return
        with torch.no_grad():
            for name, theirs, mine in self._pairs():
                if theirs.shape != mine.shape:
                    raise ConfigError(
                        f"--sharing {sharing}: the generator's {name} has shape {tuple(theirs.shape)}, the "
                        f"discriminator's {tuple(mine.shape)}; make them equal, or share none"
                    )
                if sharing == "es":
                    mine.requires_grad_(False)
                elif fresh:
                    mine.zero_()
                else:
                    mine.sub_(theirs)

    def tables(self) -> dict[str, Tensor]:
        """The embeddings that the discriminator reads in place of its own."""
        if self.sharing == "none":
            return {}
        if self.sharing == "es":
            return {name: theirs for name, theirs, _ in self._pairs()}
        return {name: theirs.detach() + mine for name, theirs, mine in self._pairs()}

    def detect(self, input_ids: Tensor, starts: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Logits (T,) that tokens were replaced, and the mean loss of the labels (T,)."""
        output = functional_call(self.discriminator, self.tables(), (input_ids,), {"starts": starts, "labels": labels})
        return output.logits, output.loss

    @torch.no_grad()
    def save_discriminator(self, save: Callable[[], None]) -> None:
        """Call `save` while the discriminator's tables are complete."""
        own = {name: mine.clone() for name, _, mine in self._pairs()}
        parameters = dict(self.discriminator.named_parameters())
        for name, table in self.tables().items():
            parameters[name].copy_(table)
        try:
            save()
        finally:
            for name, table in own.items():
                parameters[name].copy_(table)

    def _pairs(self) -> Iterable[tuple[str, Tensor, Tensor]]:
        theirs, mine = dict(self.generator.named_parameters()), dict(self.discriminator.named_parameters())
        return [(name, theirs[name], mine[name]) for name in _SHARED if name in theirs and name in mine]


class ReplacedTokenDetection:
    """Trains a generator and a discriminator together.

    Args:
        pair: both models, on the device to train on.
        settings: hyper-parameters.
        detection: those of this task alone.
        validation: batches to validate on.
        save: writes the models as they are now; it finds the discriminator's tables complete.
    """

    metric = "loss"

    def __init__(
        self,
        pair: GeneratorAndDiscriminator,
        settings: PretrainSettings,
        detection: DetectionSettings,
        validation: Sequence[MaskedBatch],
        save: Callable[[], None],
    ) -> None:
        self.pair = pair.train()
        self._detection = detection
        self._precision = settings.precision
        self._validation = validation
        self._save = save
        if detection.decoupled:
            rate = detection.discriminator_learning_rate
            self._optimizations = {
                "generator": Optimization(pair.generator, settings),
                "discriminator": Optimization(pair.discriminator, settings, rate),
            }
        else:
            self._optimizations = {"both": Optimization(pair, settings)}

    def parts(self) -> dict[str, Stateful]:
        """All that must be in a checkpoint."""
        return {**self._optimizations}

    def update(self, batches: Sequence[MaskedBatch], factor: float) -> float:
        """Learn from the parts of a batch; the loss is the generator's plus the discriminator's times its weight."""
        predictions, tokens = total(sum(batch.predictions for batch in batches), sum(map(len, batches)))

        def generate() -> Iterable[tuple[Tensor, MaskedBatch]]:
            for batch in batches:
                with autocast(self._precision, batch.input_ids.device):
                    loss, filled = self._fill(batch)
                yield loss * (batch.predictions / max(1, predictions)), filled

        def detect(filled: MaskedBatch) -> Tensor:
            with autocast(self._precision, filled.input_ids.device):
                _, loss = self.pair.detect(filled.input_ids, filled.starts, filled.labels)
            assert loss is not None
            return loss * (self._detection.rtd_weight * len(filled) / tokens)

        if not self._detection.decoupled:
            return self._optimizations["both"].step(
                lambda: (loss + detect(filled) for loss, filled in generate()), factor
            )
        kept: list[MaskedBatch] = []

        def generator_losses() -> Iterable[Tensor]:
            kept.clear()
            for loss, filled in generate():
                kept.append(filled)
                yield loss

        loss = self._optimizations["generator"].step(generator_losses, factor)
        return loss + self._optimizations["discriminator"].step(lambda: map(detect, kept), factor)

    def evaluate(self) -> dict[str, float]:
        """The generator's loss and accuracy; the discriminator's loss, accuracy, and precision and recall of replaced
        tokens, on replacements that are always drawn alike."""
        figures = evaluate_masked_lm(self.pair.generator, self._validation, self._precision)
        if not figures:
            return {}
        return {
            **self._detected(),
            "generator_loss": figures["loss"],
            "generator_accuracy": figures["accuracy"],
        }

    def save(self) -> None:
        """Write both models."""
        self.pair.save_discriminator(self._save)

    def _fill(self, batch: MaskedBatch, random: torch.Generator | None = None) -> tuple[Tensor, MaskedBatch]:
        """The generator's loss, and the batch with its pieces at the masked places and, as labels, what is replaced."""
        output = self.pair.generator(batch.input_ids, starts=batch.starts, labels=batch.labels, output_logits=True)
        assert output.loss is not None
        assert output.logits is not None
        drawn_Q = draw(output.logits.detach(), self._detection.temperature, random)
        masked_T = batch.labels >= 0
        ids = batch.input_ids.masked_scatter(masked_T, drawn_Q)
        return output.loss, replace(batch, input_ids=ids, labels=replaced(ids, batch.labels))

    @torch.inference_mode()
    def _detected(self) -> dict[str, float]:
        device = next(self.pair.parameters()).device
        self.pair.eval()
        sums = np.zeros(6)
        for number, batch in enumerate(batch.to(device) for batch in self._validation):
            random = torch.Generator(device).manual_seed(_SAMPLE_SEED + number * world_size() + rank())
            with autocast(self._precision, device):
                _, filled = self._fill(batch, random)
                logits_T, mean = self.pair.detect(filled.input_ids, filled.starts, filled.labels)
            assert mean is not None
            alarm_T, label_T = logits_T > 0, filled.labels > 0
            found = (alarm_T == label_T, alarm_T & label_T, alarm_T, label_T)
            sums += [float(mean) * len(batch), *(int(tokens.sum()) for tokens in found), len(batch)]
        self.pair.train()
        loss, right, hits, alarms, positives, count = total(*sums.tolist())
        return {
            "loss": loss / count,
            "accuracy": right / count,
            "precision": hits / max(1, alarms),
            "recall": hits / max(1, positives),
        }


def draw(logits_QV: Tensor, temperature: float = 1.0, random: torch.Generator | None = None) -> Tensor:
    """One piece (Q,) for each row, drawn from the softmax of the logits divided by the temperature."""
    if not logits_QV.shape[0]:
        return logits_QV.new_empty(0, dtype=torch.long)
    chances_QV = torch.softmax(logits_QV.float() / temperature, dim=-1)
    return torch.multinomial(chances_QV, 1, generator=random).squeeze(1)


def replaced(ids: Tensor, masked_labels: Tensor) -> Tensor:
    """1 where a masked place has another piece than the right one, 0 everywhere else."""
    return ((masked_labels >= 0) & (ids != masked_labels)).long()
