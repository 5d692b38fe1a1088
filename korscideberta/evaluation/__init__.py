"""Applying a model to examples, scoring it, and the baselines it must be seen beside."""
