"""Masked-language modelling: the learner and its validation."""

# Shapes: Q tokens to predict, V vocabulary

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from korscideberta.collective import total
from korscideberta.model.heads import DebertaV2ForMaskedLM
from korscideberta.precision import autocast
from korscideberta.pretraining.batches import MaskedBatch
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.pretraining.update import Optimization
from korscideberta.training.checkpointing import Stateful


class MaskedLanguageModelling:
    """Learns to predict masked tokens.

    Args:
        model: the model, on the device to train on.
        settings: hyper-parameters.
        validation: batches to validate on.
        save: writes the model as it is now.
    """

    metric = "perplexity"

    def __init__(
        self,
        model: DebertaV2ForMaskedLM,
        settings: PretrainSettings,
        validation: Sequence[MaskedBatch],
        save: Callable[[], None],
    ) -> None:
        self.model = model.train()
        self.save = save
        self._precision = settings.precision
        self._validation = validation
        self._optimization = Optimization(model, settings)

    def parts(self) -> dict[str, Stateful]:
        """All that must be in a checkpoint."""
        return {"masked_lm": self._optimization}

    def update(self, batches: Sequence[MaskedBatch], factor: float) -> float:
        """Learn from the parts of a batch; every token to predict counts the same, whichever part it is in."""
        (predictions,) = total(sum(batch.predictions for batch in batches))

        def losses() -> Iterable[Tensor]:
            for batch in batches:
                with autocast(self._precision, batch.input_ids.device):
                    loss = masked_loss(self.model, batch)
                yield loss * (batch.predictions / max(1, predictions))

        return self._optimization.step(losses, factor)

    def evaluate(self) -> dict[str, float]:
        """Loss, perplexity and accuracy over the validation rows' masked tokens."""
        return evaluate_masked_lm(self.model, self._validation, self._precision)


def masked_loss(model: DebertaV2ForMaskedLM, batch: MaskedBatch) -> Tensor:
    """The mean loss over the tokens to predict."""
    loss: Tensor | None = model(batch.input_ids, starts=batch.starts, labels=batch.labels).loss
    assert loss is not None
    return loss


@torch.inference_mode()
def evaluate_masked_lm(model: DebertaV2ForMaskedLM, batches: Sequence[MaskedBatch], precision: str) -> dict[str, float]:
    """Loss, perplexity and accuracy of a model, in evaluation mode, on its processes' batches; nothing without any."""
    device = next(model.parameters()).device
    training, loss, right, count = model.training, 0.0, 0, 0
    model.eval()
    for batch in (batch.to(device) for batch in batches):
        with autocast(precision, device):
            output = model(batch.input_ids, starts=batch.starts, labels=batch.labels, output_logits=True)
        assert output.loss is not None
        assert output.logits is not None
        loss += float(output.loss) * batch.predictions
        right += int((output.logits.argmax(dim=-1) == batch.labels[batch.labels >= 0]).sum())
        count += batch.predictions
    model.train(training)
    losses, hits, predictions = total(loss, right, count)
    if not predictions:
        return {}
    mean = losses / predictions
    return {"loss": mean, "perplexity": math.exp(min(mean, 700.0)), "accuracy": hits / predictions}
