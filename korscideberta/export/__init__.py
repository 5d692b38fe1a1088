"""Giving a finished run to others."""
