"""The textbook form: every pair of tokens gathers its row. The others are tested against it.

Source: He et al. 2020 (arXiv 2006.03654), equation 4 and algorithm 1.
"""

# Shapes: B sequences, L places, M queries of one sequence, H heads, E head size, U table rows in use

from __future__ import annotations

from functools import partial

from torch import Tensor

from korscideberta.model.attention.interface import Attend, PositionTerms, attend_padded
from korscideberta.model.positions import pair_rows


def gather_positions(
    score_HBML: Tensor, query_HBME: Tensor, key_HBLE: Tensor, terms: PositionTerms, row_BML: Tensor
) -> Tensor:
    """The scores of M queries and L keys with the position terms, of which `row_BML` names each pair's row."""
    row_HBML = row_BML.expand(score_HBML.shape)
    if terms.key_UHE is not None:
        c2p_HBMU = query_HBME @ terms.key_UHE.permute(1, 2, 0)[:, None]
        score_HBML = score_HBML + c2p_HBMU.gather(-1, row_HBML)
    if terms.query_UHE is not None:
        p2c_HBLU = key_HBLE @ terms.query_UHE.permute(1, 2, 0)[:, None]
        # Key j is the row here, so the rows are those of the pairs turned over: [j, i] read at i - j.
        score_HBML = score_HBML + p2c_HBLU.gather(-1, row_HBML.mT).mT
    return score_HBML


def _add_positions(score_HBLL: Tensor, query_HBLE: Tensor, key_HBLE: Tensor, terms: PositionTerms) -> Tensor:
    return gather_positions(score_HBLL, query_HBLE, key_HBLE, terms, pair_rows(terms.rows_O))


attend_dense: Attend = partial(attend_padded, _add_positions)
