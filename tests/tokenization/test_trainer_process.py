from __future__ import annotations

import multiprocessing
import os
from typing import Any

import pytest

from korscideberta.errors import ConfigError, DataError, KorsciError
from korscideberta.tokenization.trainer import VocabularySettings, run_trainer, train_model
from korscideberta.tokenization.trainer_process import train_apart

BPE = VocabularySettings(vocab_size=110)


class Killed:
    def __iter__(self) -> Any:
        os._exit(9)


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_same_model_as_in_this_process(corpus: list[str], model_type: str, capfd: pytest.CaptureFixture[str]) -> None:
    settings = VocabularySettings(vocab_size=90, model_type=model_type)
    stages: list[str] = []
    ours = train_model(lambda options: train_apart(corpus, options, stages.append), settings)
    assert ours == train_model(lambda options: run_trainer(corpus, options), settings)
    assert any("characters to cover" in stage for stage in stages)
    assert capfd.readouterr() == ("", "")
    assert not multiprocessing.active_children()


def test_errors_are_those_of_this_process(corpus: list[str]) -> None:
    with pytest.raises(ConfigError, match="vocab_size=20 is below"):
        train_model(lambda options: train_apart(corpus, options), VocabularySettings(vocab_size=20))
    with pytest.raises(DataError, match="SentencePiece cannot train"):
        train_model(lambda options: train_apart([], options), BPE)


def test_a_trainer_that_dies() -> None:
    with pytest.raises(KorsciError, match=r"died \(exit code 9\), perhaps for lack of memory"):
        train_model(lambda options: train_apart(Killed(), options), BPE)


def test_it_stops_at_once(corpus: list[str]) -> None:
    def interrupt(stage: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(lambda options: train_apart(corpus, options, interrupt), BPE)
    assert not multiprocessing.active_children()
