"""Predictions of a finished run, for texts in memory and for files of any size."""

from __future__ import annotations

from korscideberta.prediction.files import OutputForm, predict_file, predicted_lines
from korscideberta.prediction.predictor import Predictor, PredictorSettings

__all__ = ["OutputForm", "Predictor", "PredictorSettings", "predict_file", "predicted_lines"]
