"""Pure functions from scores and gold labels to figures."""

from korscideberta.metrics.classification import accuracy, macro_f1, majority_class
from korscideberta.metrics.topk import mean_reciprocal_rank, rank_labels, topk_f1

__all__ = ["accuracy", "macro_f1", "majority_class", "mean_reciprocal_rank", "rank_labels", "topk_f1"]
