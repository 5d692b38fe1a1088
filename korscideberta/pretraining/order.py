"""Sentence-order prediction beside masked language modelling: have the two segments of a row changed places?

Source: Lan et al. 2020 (arXiv 1909.11942), section 3.1.
"""

# Shapes: B rows, T tokens of a batch, D hidden

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from korscideberta.collective import total
from korscideberta.model.heads import DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification
from korscideberta.model.heads.losses import cross_entropy
from korscideberta.model.inputs import Tokens
from korscideberta.precision import autocast
from korscideberta.pretraining.batches import MaskedBatch
from korscideberta.pretraining.mlm import evaluate_masked_lm
from korscideberta.pretraining.settings import PretrainSettings
from korscideberta.pretraining.update import Optimization
from korscideberta.training.checkpointing import Stateful

ORDERS = ("in order", "changed places")


class OrderedMaskedLM(nn.Module):
    """A masked language model and a classifier of the order of segments over the same encoder."""

    def __init__(self, masked_lm: DebertaV2ForMaskedLM) -> None:
        super().__init__()
        self.masked_lm = masked_lm
        self.order = DebertaV2ForSequenceClassification(masked_lm.config.with_labels(ORDERS))
        self.order.deberta = masked_lm.deberta

    def forward(self, batch: MaskedBatch) -> tuple[Tensor, Tensor]:
        """The mean loss over the tokens to predict, and the logits (B, 2) of the orders; the layers run once."""
        tokens = Tokens.packed(batch.input_ids, batch.starts)
        states = self.masked_lm.deberta.encode(tokens, output_hidden_states=True)
        loss = self.masked_lm.loss_from(states[self.masked_lm.depth], tokens, batch.labels)
        return loss, self._logits(states[-1], tokens)

    def orders(self, batch: MaskedBatch) -> Tensor:
        """The logits (B, 2) of the orders."""
        tokens = Tokens.packed(batch.input_ids, batch.starts)
        return self._logits(self.masked_lm.deberta.encode(tokens)[-1], tokens)

    def _logits(self, x_TD: Tensor, tokens: Tokens) -> Tensor:
        head = self.order
        logits_BC: Tensor = head.classifier(head.dropout(head.pooler(tokens.packing.first(x_TD))))
        return logits_BC


class OrderedLanguageModelling:
    """Learns to predict masked tokens and the order of segments.

    Args:
        model: both heads, on the device to train on.
        settings: hyper-parameters; `sentence_order` is the factor on the loss of the orders.
        validation: batches to validate on.
        save: writes the models as they are now.
    """

    metric = "perplexity"

    def __init__(
        self,
        model: OrderedMaskedLM,
        settings: PretrainSettings,
        validation: Sequence[MaskedBatch],
        save: Callable[[], None],
    ) -> None:
        self.model = model.train()
        self.save = save
        self._weight = settings.sentence_order
        self._precision = settings.precision
        self._validation = validation
        self._optimization = Optimization(model, settings)

    def parts(self) -> dict[str, Stateful]:
        """All that must be in a checkpoint."""
        return {"ordered_masked_lm": self._optimization}

    def update(self, batches: Sequence[MaskedBatch], factor: float) -> float:
        """Learn from the parts of a batch."""
        predictions, rows = total(sum(batch.predictions for batch in batches), sum(batch.ordered for batch in batches))

        def losses() -> Iterable[Tensor]:
            for batch in batches:
                with autocast(self._precision, batch.input_ids.device):
                    loss, logits_BC = self.model(batch)
                assert batch.orders is not None
                order = cross_entropy(logits_BC, batch.orders) * (batch.ordered / max(1, rows))
                yield loss * (batch.predictions / max(1, predictions)) + self._weight * order

        return self._optimization.step(losses, factor)

    @torch.inference_mode()
    def evaluate(self) -> dict[str, float]:
        """The figures of masked language modelling, and the accuracy of the orders."""
        figures = evaluate_masked_lm(self.model.masked_lm, self._validation, self._precision)
        device = next(self.model.parameters()).device
        self.model.eval()
        right = count = 0
        for batch in (batch.to(device) for batch in self._validation):
            with autocast(self._precision, device):
                answer_B = self.model.orders(batch).argmax(dim=-1)
            assert batch.orders is not None
            right += int((answer_B == batch.orders).sum())
            count += batch.ordered
        self.model.train()
        hits, rows = total(right, count)
        return {**figures, "order_accuracy": hits / rows} if rows else figures
