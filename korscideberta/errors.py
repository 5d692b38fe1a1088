"""Errors a user can cause and mend. The command line shows each as one line and exits with code 2."""

from __future__ import annotations


class KorsciError(Exception):
    """Base of every error whose message tells what was found, where, and what to do about it."""


class ConfigError(KorsciError):
    """A setting, an option or a configuration file holds an impossible or unknown value."""


class DataError(KorsciError):
    """A data file cannot be used as it is; the message names the file and, where there is one, the row."""


class ModelError(KorsciError):
    """A model or tokenizer folder is incomplete, damaged or does not fit what is asked of it."""


class DependencyError(KorsciError):
    """An optional package or a dictionary is missing; the message gives the command that installs it."""
