"""Reading, writing and converting model folders. Every weight name other programs use stands in here, nowhere else.

A folder holds `config.json` (the original implementation's is `model_config.json`) and the weights: `model.safetensors`
or `pytorch_model.bin`, whole or in shards, or the original's `pytorch.model.bin`.
"""

from __future__ import annotations

from korscideberta.model.checkpoints.convert import Conversion, convert
from korscideberta.model.checkpoints.loading import load, load_weights
from korscideberta.model.checkpoints.report import LoadReport, require_trained
from korscideberta.model.checkpoints.writing import save

__all__ = ["Conversion", "LoadReport", "convert", "load", "load_weights", "require_trained", "save"]
