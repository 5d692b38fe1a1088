"""From run directories to the file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from korscideberta.errors import KorsciError
from korscideberta.evaluation.report.page import page
from korscideberta.evaluation.report.runs import read_runs
from korscideberta.evaluation.report.texts import Texts, read_texts
from korscideberta.evaluation.report.words import Words
from korscideberta.files import replacing

logger = logging.getLogger(__name__)


def build(
    paths: Sequence[Path],
    target: Path,
    words: Words,
    *,
    split: str | None,
    examples: int,
    attribution: bool,
    device: torch.device,
) -> int:
    """Write the report of run directories to a file and return its size in bytes.

    Args:
        paths: run directories; one with several seeds stands for its runs.
        target: the file.
        words: the language.
        split: the split that is looked into; None is test, or dev where there is no test.
        examples: errors shown of each run; 0 leaves texts out.
        attribution: mark the words that mattered.
        device: where the models run.

    Raises:
        ConfigError: a run has no such split, or is named twice.
        ModelError: a folder holds no finished classification run.
        DataError: the file cannot be written.
    """
    runs = read_runs(paths, split)
    texts: dict[str, Texts | None] = {}
    for run in runs if examples else ():
        if "model" not in run.record:
            continue  # a baseline keeps nothing that could be asked
        try:
            texts[run.name] = read_texts(run, examples=examples, attribution=attribution, device=device)
        except KorsciError as error:
            logger.warning("%s: no errors shown and no accuracy by length: %s", run.name, error)
            texts[run.name] = None
    content = page(runs, texts, words).encode()
    with replacing(target) as temporary:
        temporary.write_bytes(content)
    return len(content)
