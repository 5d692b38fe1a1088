"""Multiple choice: which of several texts is the right one."""

# Shapes: B questions, A answers each, N places of a text, T packed tokens

from __future__ import annotations

from torch import Tensor, nn

from korscideberta.errors import DataError
from korscideberta.model.config import DebertaV2Config
from korscideberta.model.encoder import DebertaV2Model, PretrainedModel
from korscideberta.model.heads.head import ContextPooler, shown
from korscideberta.model.heads.losses import classification_loss
from korscideberta.model.inputs import Tokens
from korscideberta.model.outputs import ClassifierOutput


class DebertaV2ForMultipleChoice(PretrainedModel):
    """One logit for each text of a question; labels are (B,), the index of the right one, negative to leave it out."""

    def __init__(self, config: DebertaV2Config, attention: str = "auto") -> None:
        super().__init__(config)
        self.deberta = DebertaV2Model(config, attention)
        self.pooler = ContextPooler(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, 1)
        for part in (self.pooler, self.classifier):
            part.apply(self.initialise)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        starts: Tensor | None = None,
        answers: int | None = None,
        output_hidden_states: bool = False,
    ) -> ClassifierOutput:
        """Run a batch of (B, A, N) ids, mask and types; with `starts` and `answers` a packed one, see `forward_packed`.

        Returns:
            Logits (B, A); hidden states (B * A, N, D), or packed (T, D).

        Raises:
            DataError: shapes disagree, or the labels do not fit.
        """
        if starts is not None:
            if attention_mask is not None or answers is None:
                raise DataError("a packed batch has starts, a number of answers and no attention_mask")
            return self.forward_packed(
                input_ids, starts, token_type_ids, labels, answers=answers, output_hidden_states=output_hidden_states
            )
        if input_ids.dim() != 3:
            raise DataError(f"input_ids must be (batch, answers, length), found shape {tuple(input_ids.shape)}")
        for name, other in (("attention_mask", attention_mask), ("token_type_ids", token_type_ids)):
            if other is not None and other.shape != input_ids.shape:
                raise DataError(f"{name} has shape {tuple(other.shape)}, input_ids has {tuple(input_ids.shape)}")
        tokens = Tokens.padded(
            input_ids.flatten(0, 1),
            None if attention_mask is None else attention_mask.flatten(0, 1),
            None if token_type_ids is None else token_type_ids.flatten(0, 1),
        )
        return self.answer(tokens, input_ids.shape[1], labels, output_hidden_states)

    def forward_packed(
        self,
        input_ids: Tensor,
        starts: Tensor,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        answers: int,
        output_hidden_states: bool = False,
    ) -> ClassifierOutput:
        """Run packed sequences, the `answers` texts of a question one after another; logits (B, answers)."""
        if answers < 1 or starts.shape[0] % answers:
            raise DataError(f"{starts.shape[0]} sequences do not make questions of {answers} answers each")
        tokens = Tokens.packed(input_ids, starts, token_type_ids)
        return self.answer(tokens, answers, labels, output_hidden_states)

    def answer(
        self, tokens: Tokens, answers: int, labels: Tensor | None, output_hidden_states: bool
    ) -> ClassifierOutput:
        """Encode the tokens, make the logits and, with labels, the loss."""
        states = self.deberta.encode(tokens, output_hidden_states=output_hidden_states)
        pooled = self.dropout(self.pooler(tokens.packing.first(states[-1])))
        logits_BA = self.classifier(pooled).view(-1, answers)
        return ClassifierOutput(
            logits=logits_BA,
            loss=None if labels is None else classification_loss(logits_BA, labels, "single_label_classification"),
            hidden_states=shown(states, tokens, output_hidden_states),
        )
