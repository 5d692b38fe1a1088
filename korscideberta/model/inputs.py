"""What enters a model: padded rows or packed sequences, made alike, and the way back out."""

# Shapes: B sequences, N places of the caller's batch, T packed tokens

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from korscideberta.errors import DataError
from korscideberta.model.packing import Packing


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The real tokens of a batch."""

    id_T: Tensor
    type_T: Tensor | None
    """Token types; None is all 0."""
    packing: Packing
    width: int | None
    """N, the places of each row of a padded batch; None for one that came packed."""

    @classmethod
    def of(
        cls, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None, starts: Tensor | None
    ) -> Tokens:
        """Take a packed batch where there are `starts`, else a padded one; a mask beside starts raises DataError."""
        if starts is None:
            return cls.padded(input_ids, attention_mask, token_type_ids)
        if attention_mask is not None:
            raise DataError("a packed batch has starts and no attention_mask")
        return cls.packed(input_ids, starts, token_type_ids)

    @classmethod
    def padded(
        cls, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tokens:
        """Take the tokens of (B, N) rows where the mask is not 0. Shapes that disagree raise DataError."""
        if input_ids.dim() != 2 or 0 in input_ids.shape:
            raise DataError(f"input_ids must be (batch, length) and not empty, found shape {tuple(input_ids.shape)}")
        for name, other in (("attention_mask", attention_mask), ("token_type_ids", token_type_ids)):
            if other is not None and other.shape != input_ids.shape:
                raise DataError(f"{name} has shape {tuple(other.shape)}, input_ids has {tuple(input_ids.shape)}")
        packing = Packing.of_batch(input_ids, attention_mask)
        columns = slice(None, packing.length)
        return cls(
            id_T=packing.pack(input_ids[:, columns]),
            type_T=None if token_type_ids is None else packing.pack(token_type_ids[:, columns]),
            packing=packing,
            width=input_ids.shape[1],
        )

    @classmethod
    def packed(cls, input_ids: Tensor, starts: Tensor, token_type_ids: Tensor | None = None) -> Tokens:
        """Take (T,) tokens of sequences that begin at `starts`, (B,), and follow one another.

        Starts on the CPU spare a GPU's queue: nothing has to be read back from it. Other shapes raise DataError.
        """
        if input_ids.dim() != 1:
            raise DataError(f"packed input_ids must be (tokens,), found shape {tuple(input_ids.shape)}")
        if token_type_ids is not None and token_type_ids.shape != input_ids.shape:
            raise DataError(
                f"token_type_ids has shape {tuple(token_type_ids.shape)}, input_ids has {tuple(input_ids.shape)}"
            )
        packing = Packing.from_starts(starts, input_ids.shape[0], input_ids.device)
        return cls(id_T=input_ids, type_T=token_type_ids, packing=packing, width=None)

    def labels(self, labels: Tensor) -> Tensor:
        """Bring the labels of all tokens, (B, N) or (T,), to (T,). Other shapes raise DataError."""
        expected = self.id_T.shape if self.width is None else (self.packing.batch, self.width)
        if labels.shape != expected:
            raise DataError(f"labels have shape {tuple(labels.shape)}, the batch has {tuple(expected)}")
        if self.width is None:
            return labels
        return self.packing.pack(labels[:, : self.packing.length], empty=-100)

    def unpack(self, x_T: Tensor, empty: float = 0.0) -> Tensor:
        """(T, …) to the caller's form: (B, N, …), `empty` where no token stands, or (T, …) as it is."""
        if self.width is None:
            return x_T
        x_BL = self.packing.pad(x_T, empty)
        missing = self.width - self.packing.length
        return F.pad(x_BL, (0, 0) * (x_BL.dim() - 2) + (0, missing), value=empty) if missing else x_BL
