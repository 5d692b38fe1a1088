"""Question answering: where in a text the answer begins and ends."""

# Shapes: B sequences, N places of the caller's batch, L places in use, T packed tokens

from __future__ import annotations

import torch
from torch import Tensor, nn

from korscideberta.errors import DataError
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model
from korscideberta.model.heads.head import HeadedModel, shown
from korscideberta.model.heads.losses import IGNORED, cross_entropy
from korscideberta.model.inputs import Tokens
from korscideberta.model.outputs import QuestionAnsweringOutput


class DebertaV2ForQuestionAnswering(HeadedModel[QuestionAnsweringOutput]):
    """A start and an end logit for each token.

    Labels are (B, 2), the places of the answer's first and last token in its sequence; a place outside the text, a
    negative one for example, is left out. The loss is the mean of the two cross entropies over the real tokens of each
    sequence: padding has no part in the softmax.
    """

    def __init__(self, config: DebertaV2Config, attention: str = "auto") -> None:
        # Other programs read the width of this head from the number of labels.
        super().__init__(config if config.num_labels == 2 else config.with_labels(("LABEL_0", "LABEL_1")))
        self.deberta = DebertaV2Model(self.config, attention)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.qa_outputs.apply(self.initialise)

    def answer(self, tokens: Tokens, labels: Tensor | None, output_hidden_states: bool) -> QuestionAnsweringOutput:
        """As in every head."""
        states = self.deberta.encode(tokens, output_hidden_states=output_hidden_states)
        logits_T2 = self.qa_outputs(states[-1])
        lowest = torch.finfo(logits_T2.dtype).min
        return QuestionAnsweringOutput(
            logits=tokens.unpack(logits_T2, empty=lowest),
            loss=None if labels is None else _span_loss(logits_T2, labels, tokens),
            hidden_states=shown(states, tokens, output_hidden_states),
        )


def _span_loss(logits_T2: Tensor, label_B2: Tensor, tokens: Tokens) -> Tensor:
    packing = tokens.packing
    if label_B2.shape != (packing.batch, 2) or label_B2.is_floating_point():
        raise DataError(
            f"question answering needs the places of the first and the last token, shape ({packing.batch}, 2); "
            f"found {label_B2.dtype} {tuple(label_B2.shape)}"
        )
    logits_BL2 = packing.pad(logits_T2.float())
    inside_B2 = (label_B2 >= 0) & (label_B2 < packing.length)
    if packing.mask_BL is not None:
        logits_BL2 = logits_BL2.masked_fill(~packing.mask_BL[..., None], torch.finfo(torch.float32).min)
        inside_B2 = inside_B2 & packing.mask_BL.gather(1, label_B2.clamp(0, packing.length - 1))
    label_B2 = label_B2.masked_fill(~inside_B2, IGNORED)
    start, end = (
        cross_entropy(logits_BL, label_B) for logits_BL, label_B in zip(logits_BL2.unbind(-1), label_B2.mT, strict=True)
    )
    return (start + end) / 2
