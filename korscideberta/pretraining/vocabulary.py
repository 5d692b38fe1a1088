"""Room for new pieces in a masked language model."""

# Shapes: V pieces, W width of the word embeddings

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from korscideberta.model.heads import DebertaV2ForMaskedLM


@torch.no_grad()
def extend_vocabulary(model: DebertaV2ForMaskedLM, parts: Mapping[int, Sequence[int]]) -> None:
    """Give new pieces the mean embedding, and the mean bias of the head, of the pieces they consist of.

    Args:
        model: changed in place; its tables grow where they are too short.
        parts: the ids of every new piece's parts.
    """
    size = max(model.config.vocab_size, max(parts) + 1)
    embeddings, head = model.deberta.embeddings, model.lm_head
    embeddings.word.weight = nn.Parameter(_extended(embeddings.word.weight, size, parts))
    embeddings.word.num_embeddings = size
    head.bias = nn.Parameter(_extended(head.bias, size, parts))
    if head.decoder is not None:
        head.decoder.weight = nn.Parameter(_extended(head.decoder.weight, size, parts))
        head.decoder.out_features = size
    model.config = model.config.with_changes(vocab_size=size)
    model.deberta.config = model.config


def _extended(table: Tensor, size: int, parts: Mapping[int, Sequence[int]]) -> Tensor:
    """(V, …) to (size, …) with the mean of its parts in the row of every new piece."""
    longer = torch.cat([table, table.new_zeros(size - table.shape[0], *table.shape[1:])])
    for index, ids in parts.items():
        longer[index] = table[list(ids)].mean(dim=0)
    return longer
