"""A whole run of pretraining: corpus and model in, run directory out."""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from korscideberta._version import __version__
from korscideberta.collective import from_main, is_main, wait_for_all, world_size
from korscideberta.errors import ConfigError, DataError
from korscideberta.files import write_json
from korscideberta.model.heads import DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection
from korscideberta.pretraining.batches import BatchMaker, MaskedBatch
from korscideberta.pretraining.loop import Learner, pretrain, validation_batches
from korscideberta.pretraining.masking import Masker, Masking
from korscideberta.pretraining.mlm import MaskedLanguageModelling
from korscideberta.pretraining.models import CorpusChoice, OpenCorpus, check_model, load_model, open_corpus
from korscideberta.pretraining.order import OrderedLanguageModelling, OrderedMaskedLM
from korscideberta.pretraining.rows import Rows
from korscideberta.pretraining.rtd import DetectionSettings, GeneratorAndDiscriminator, ReplacedTokenDetection
from korscideberta.pretraining.settings import PretrainSettings, with_effect
from korscideberta.pretraining.shards import PreparedCorpus
from korscideberta.pretraining.vocabulary import extend_vocabulary
from korscideberta.run import RunDirectory
from korscideberta.tokenization.tokenizer import DebertaV2Tokenizer
from korscideberta.training.finetune import model_size
from korscideberta.training.signals import stop_requests
from korscideberta.training.tensorboard import check_tensorboard

logger = logging.getLogger(__name__)

ORDER = "sentence_order"
"""The folder of a run that has the classifier of sentence order."""
GENERATOR = "generator"
"""The folder of a run that has the generator of replaced-token detection."""

_RESULT_DEPENDS_ON = ("task", "corpus", "tokenizer", "model", "settings", "world_size")


@dataclass(frozen=True, kw_only=True)
class PairChoice:
    """The models that replaced-token detection begins with."""

    model: str = "nano"
    """The shape of what is new: a name, or a file with the objects `generator` and `discriminator`."""
    generator: str | None = None
    """A folder or hub repository to go on with."""
    discriminator: str | None = None


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a run begins."""

    device: torch.device
    overwrite: bool = False
    resume: bool = False
    max_hours: float | None = None
    """Stop, to be resumed, after that long."""
    progress: Callable[[int, int], None] = lambda done, total: None
    """Told how far the preparation of the corpus is."""


def train_masked_lm(
    choice: CorpusChoice,
    model: str,
    settings: PretrainSettings,
    run: RunDirectory,
    start: Start,
    *,
    attention: str = "auto",
) -> dict[str, float]:
    """Pretrain a masked language model and return its figures on the validation rows, which `metrics.json` now holds.

    With `settings.sentence_order` a classifier of the order of segments learns with it, and is written to
    `sentence_order/` of the run.

    Raises:
        KorsciError: anything the user can mend.
        Interrupted: a signal, or the end of the time, asked to stop; the run can be resumed.
    """
    check_model(model)

    def learner(ready: Ready) -> Learner:
        masked_lm = load_model(
            DebertaV2ForMaskedLM, model, ready.base, settings,
            attention=attention, allow_mismatch=choice.allow_tokenizer_mismatch,
        )  # fmt: skip
        if ready.parts:
            extend_vocabulary(masked_lm, ready.parts)
            logger.info("%s new pieces, each with the mean embedding of its parts", f"{len(ready.parts):,}")
        masked_lm.to(start.device)
        ready.describe(masked_lm)
        if settings.sentence_order:
            return _with_orders(masked_lm, ready, run)

        def save() -> None:
            if is_main():
                masked_lm.save_pretrained(run.model)

        return MaskedLanguageModelling(masked_lm, settings, ready.validation, save)

    described = {"model": model, "attention": attention}
    return run_pretraining("mlm", model, described, settings.masking, learner, choice, settings, run, start)


def _with_orders(masked_lm: DebertaV2ForMaskedLM, ready: Ready, run: RunDirectory) -> Learner:
    model = OrderedMaskedLM(masked_lm).to(ready.device)

    def save() -> None:
        if is_main():
            ready.tokenizer.save_pretrained(run.path / ORDER)
            model.order.save_pretrained(run.path / ORDER)
            masked_lm.save_pretrained(run.model)

    return OrderedLanguageModelling(model, ready.settings, ready.validation, save)


def train_detection(
    choice: CorpusChoice,
    models: PairChoice,
    settings: PretrainSettings,
    detection: DetectionSettings,
    run: RunDirectory,
    start: Start,
    *,
    attention: str = "auto",
) -> dict[str, float]:
    """Pretrain a generator and a discriminator; see `train_masked_lm`.

    The discriminator, which is the model to fine-tune, is written to `model/` of the run, the generator to
    `generator/`. Masked places always hold [MASK], as in the original.
    """
    for model in (models.model, models.generator, models.discriminator):
        if model is not None:
            check_model(model)

    def learner(ready: Ready) -> Learner:
        shared: dict[str, Any] = {"attention": attention, "allow_mismatch": choice.allow_tokenizer_mismatch}
        generator = load_model(
            DebertaV2ForMaskedLM, models.generator or models.model, ready.tokenizer, settings,
            part=None if models.generator else "generator", **shared,
        )  # fmt: skip
        discriminator = load_model(
            DebertaV2ForReplacedTokenDetection, models.discriminator or models.model, ready.tokenizer, settings,
            part=None if models.discriminator else "discriminator", **shared,
        )  # fmt: skip
        fresh = models.discriminator is None
        pair = GeneratorAndDiscriminator(generator, discriminator, detection.sharing, fresh=fresh).to(start.device)
        ready.describe(pair)

        def save() -> None:
            if not is_main():
                return
            ready.tokenizer.save_pretrained(run.path / GENERATOR)
            generator.save_pretrained(run.path / GENERATOR)
            discriminator.save_pretrained(run.model)

        return ReplacedTokenDetection(pair, settings, detection, ready.validation, save)

    described = {**asdict(models), **asdict(detection), "attention": attention}
    masking = replace(settings.masking, masked=1.0, kept=0.0)
    named = models.discriminator or models.generator or models.model
    return run_pretraining("rtd", named, described, masking, learner, choice, settings, run, start)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What a learner is built from."""

    corpus: PreparedCorpus
    tokenizer: DebertaV2Tokenizer
    base: DebertaV2Tokenizer
    """What the tokenizer was before its vocabulary was extended; else the same."""
    parts: dict[int, list[int]]
    """The new pieces and the old ones they consist of."""
    maker: BatchMaker
    validation: list[MaskedBatch]
    settings: PretrainSettings
    device: torch.device

    def describe(self, model: torch.nn.Module) -> None:
        """Say what is going to be trained."""
        if not is_main():
            return
        logger.info(
            "%s tokens in %s rows, %s, %s on %s",
            f"{self.corpus.tokens('train'):,}",
            f"{len(self.maker.rows):,}",
            model_size(model),
            self.settings.precision,
            self.device,
        )


def run_pretraining(
    task: str,
    named: str,
    model: Mapping[str, Any],
    masking: Masking,
    build: Callable[[Ready], Learner],
    choice: CorpusChoice,
    settings: PretrainSettings,
    run: RunDirectory,
    start: Start,
) -> dict[str, float]:
    """Read the corpus, build the learner, train it and write the run directory; see `train_masked_lm`.

    `named` is the model whose tokenizer is taken where files of text are given and no tokenizer. `task` and `model` go
    into `run.json`; a run is resumed only with the same ones, corpus and settings.
    """
    if settings.tensorboard:
        check_tensorboard()
    if start.max_hours is not None and start.max_hours <= 0:
        raise ConfigError(f"--max-hours {start.max_hours}: must be above 0")
    run.check(overwrite=start.overwrite, resume=start.resume)
    deadline = None if start.max_hours is None else time.monotonic() + start.max_hours * 3600
    if settings.batch_size // world_size() < settings.accumulate:
        raise ConfigError(
            f"--batch-size {settings.batch_size}: too few rows for {world_size()} processes with --accumulate "
            f"{settings.accumulate}"
        )
    # Before signals are taken: the processes that prepare a corpus would take them too.
    data = run.path.with_name(f"{run.path.name}.data")
    if is_main():
        opened = open_corpus(choice, named, data, start.progress)
    wait_for_all()
    if not is_main():
        opened = open_corpus(choice, named, data, start.progress)
    corpus, tokenizer = opened.corpus, opened.tokenizer
    with stop_requests() as stop:
        ready = _ready(opened, settings, masking, start.device)
        torch.manual_seed(settings.seed)
        record = {
            "task": f"pretrain {task}",
            "corpus": {"folder": str(corpus.folder.resolve()), "digest": corpus.digest()},
            "tokenizer": tokenizer.fingerprint(),
            "model": dict(model),
            "settings": asdict(settings),
            "world_size": world_size(),
            "device": str(start.device),
            "versions": {"korscideberta": __version__, "torch": torch.__version__, "python": platform.python_version()},
        }
        if start.resume:
            _refuse_changes(run, record)
            if from_main(run.metrics.is_file()):
                logger.info("%s: finished already", run.path)
                return run.read_metrics()["dev"]
        learner = build(ready)
        with run.held() if is_main() else nullcontext():
            if is_main():
                run.begin(overwrite=start.overwrite)
                write_json(run.settings_file, record)
                tokenizer.save_pretrained(run.model)
            figures = pretrain(
                learner, ready.maker, settings, run, start.device, resume=start.resume, stop=stop, deadline=deadline
            )
            if is_main():
                run.write_metrics({"dev": figures})
            return figures


def _ready(opened: OpenCorpus, settings: PretrainSettings, masking: Masking, device: torch.device) -> Ready:
    corpus, tokenizer = opened.corpus, opened.tokenizer
    masker, segments = Masker(masking, tokenizer), settings.sentence_order > 0
    train, valid = (Rows(corpus, split, settings.row_width, settings.rows) for split in ("train", "valid"))
    if not len(train):
        raise DataError(f"{corpus.folder}: holds no text to train on")
    if not len(valid):
        logger.warning("%s: holds no text to validate on; there will be no figures", corpus.folder)
    return Ready(
        corpus=corpus,
        tokenizer=tokenizer,
        base=opened.base,
        parts=opened.parts,
        maker=BatchMaker(train, tokenizer, masker, segments=segments),
        validation=validation_batches(BatchMaker(valid, tokenizer, masker, segments=segments), settings),
        settings=settings,
        device=device,
    )


def _refuse_changes(run: RunDirectory, record: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that was begun otherwise, naming all that differs."""
    before, now = run.read_settings(), json.loads(json.dumps(record))
    different = []
    for part in _RESULT_DEPENDS_ON:
        old, new = before.get(part), now[part]
        if part == "settings":
            old, new = with_effect(old or {}), with_effect(new)
        if part == "corpus":
            old, new = ({"digest": (corpus or {}).get("digest")} for corpus in (old, new))
        if isinstance(old, dict) and isinstance(new, dict):
            different += [
                f"{key} was {old.get(key)!r}, now {new.get(key)!r}"
                for key in {**old, **new}
                if old.get(key) != new.get(key)
            ]
        elif old != new:
            different.append(f"{part} was {old!r}, now {new!r}")
    if different:
        raise ConfigError(f"--resume: not the run begun in {run.path}: {'; '.join(different)}")
