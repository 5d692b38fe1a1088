"""The textbook form: every pair of tokens gathers its row. The others are tested against it.

Source: He et al. 2020 (arXiv 2006.03654), equation 4 and algorithm 1.
"""

# Shapes: B sequences, L places, H heads, E head size, U table rows in use

from __future__ import annotations

from functools import partial

from torch import Tensor

from korscideberta.model.attention.interface import Attend, PositionTerms, attend_padded
from korscideberta.model.positions import pair_rows


def _add_positions(score_HBLL: Tensor, query_HBLE: Tensor, key_HBLE: Tensor, terms: PositionTerms) -> Tensor:
    row_HBLL = pair_rows(terms.rows_O).expand(score_HBLL.shape)
    if terms.key_UHE is not None:
        c2p_HBLU = query_HBLE @ terms.key_UHE.permute(1, 2, 0)[:, None]
        score_HBLL = score_HBLL + c2p_HBLU.gather(-1, row_HBLL)
    if terms.query_UHE is not None:
        p2c_HBLU = key_HBLE @ terms.query_UHE.permute(1, 2, 0)[:, None]
        # Key j is the row here, so the rows are those of the pairs turned over: [j, i] read at i - j.
        score_HBLL = score_HBLL + p2c_HBLU.gather(-1, row_HBLL.mT).mT
    return score_HBLL


attend_dense: Attend = partial(attend_padded, _add_positions)
