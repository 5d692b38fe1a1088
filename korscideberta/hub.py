"""Where a model or tokenizer lies: a folder, this package, or a repository of the Hugging Face hub, fetched once.

Of a repository only the files that are used are fetched: configuration, weights in one layout, tokenizer. The hub's own
client does the transport: its cache, its login, and its environment variables (`HF_HOME`, `HF_ENDPOINT`, `HF_TOKEN`,
`HF_HUB_OFFLINE`). It is imported when a repository is asked for, not before.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from korscideberta.errors import ConfigError, ModelError

_log = logging.getLogger(__name__)

Want = Literal["model", "tokenizer"]

RELEASED_MODEL = "kisti/korscideberta"
SHIPPED_MODELS: Mapping[str, Path] = {"korsci-nano": Path(__file__).parent / "models" / "korsci-nano"}
"""Folders of the models that are part of this package, by name."""
CONFIG_FILES = ("config.json", "model_config.json")
"""Of the Hugging Face layout and of the original implementation."""
TOKENIZER_FILES = (
    "spm.model",
    "vocab.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "user.dic",
)

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NUMBERED = re.compile(r"pytorch\.model-.+\.bin")  # as the original names a run's checkpoints
_SINGLE_FILES = ("model.safetensors", "pytorch_model.bin", "pytorch.model.bin")


def locate(source: str | Path, want: Want, *, revision: str | None = None) -> Path:
    """The folder that holds the files of a model or of a tokenizer.

    Args:
        source: a folder, the name of a model in this package, or a hub repository as `OWNER/NAME` or
            `OWNER/NAME@REVISION`. A folder goes before anything else of the same name.
        want: which files of a repository are fetched.
        revision: a branch, tag or commit of the repository; None is the one in `source`, else the main branch.

    Raises:
        ModelError: there is no such folder or repository, it lacks what is wanted, or it cannot be fetched.
        ConfigError: a revision for a folder or a model in this package, or two revisions.
    """
    folder = Path(source)
    if not folder.exists():
        folder = SHIPPED_MODELS.get(str(source), folder)
    if folder.is_dir():
        if revision is not None:
            raise ConfigError(f"revision={revision!r} is for a hub repository, and {source} is a folder; leave it out")
        return folder
    if folder.exists():
        raise ModelError(f"{source} is a file; give the folder it stands in")
    repository, _, marked = str(source).partition("@")
    if marked and revision not in (None, marked):
        raise ConfigError(f"{source} names the revision {marked!r}, and revision={revision!r} another; give one")
    if not is_repository(repository):
        raise ModelError(
            f"no folder {source}, nor can it be a hub repository, whose name is OWNER/NAME; check the spelling"
        )
    return _fetch(repository, revision or marked or None, want)


def can_be_located(source: str | Path) -> bool:
    """Whether `source` is a folder or a model in this package, or can name a hub repository; asks nobody."""
    return Path(source).is_dir() or str(source) in SHIPPED_MODELS or is_repository(source)


def is_repository(source: str | Path) -> bool:
    """Whether `source` can name a hub repository, `OWNER/NAME` or `OWNER/NAME@REVISION`; asks nobody."""
    return _REPOSITORY.fullmatch(str(source).partition("@")[0]) is not None


def commit_of(folder: Path) -> str | None:
    """The commit that a folder of the hub's cache is a copy of; None for any other folder."""
    return folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else None


def is_cached(repository: str, revision: str | None = None) -> bool:
    """Whether the model's files of a repository are in the local cache; asks nobody."""
    return _cached(repository, revision, "model") is not None


def weight_files(names: Iterable[str]) -> tuple[str, ...]:
    """Of a folder's file names those that hold the weights, in the preferred layout alone; () where there are none.

    A table of shards comes first, its shards after it. Of several checkpoints of an original run none is preferred.
    """
    names = set(names)
    for single in _SINGLE_FILES:
        if single in names:
            return (single,)
        index = f"{single}.index.json"
        if index in names:
            stem, _, ending = single.rpartition(".")
            shard = re.compile(rf"{re.escape(stem)}-\d+-of-\d+\.{ending}")
            return (index, *sorted(filter(shard.fullmatch, names)))
    numbered = [name for name in names if _NUMBERED.fullmatch(name)]
    return (numbered[0],) if len(numbered) == 1 else ()


def client_errors() -> tuple[type[Exception], ...]:
    """What the hub's client raises: errors of the hub, of the connection, of its own cache and of names."""
    from huggingface_hub import errors

    # Under this name the client has the errors of the HTTP library it is built on.
    return (errors.HTTPError, OSError, ValueError)  # type: ignore[attr-defined]


def refusal(error: BaseException, repository: str, *, revision: str | None = None, instead: str = "") -> str:
    """What an error of the hub's client means for the user, in one line with the remedy.

    `instead` begins the line where `repository` could have meant something other than a repository.
    """
    from huggingface_hub import constants, errors

    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    login = "log in with 'hf auth login' or set HF_TOKEN"
    if isinstance(error, errors.GatedRepoError):
        return f"{repository} is gated: accept its terms at {constants.ENDPOINT}/{repository}, then {login}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"{instead}no repository {repository} that you may read on {constants.ENDPOINT}; "
            f"check the spelling, or for a private one {login}"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repository} has no revision {revision!r}; give one of its branches, tags or commits"
    if status in (401, 403):
        return f"{constants.ENDPOINT} refuses your token for {repository} ({status}); {login}"
    if status is not None:
        return f"{constants.ENDPOINT} answers {status} for {repository}; try again later"
    if isinstance(error, errors.HFValidationError):
        return f"{instead}{repository} cannot be a hub repository; check the spelling"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"{instead}the repository {repository} is not in the hub's cache; unset HF_HUB_OFFLINE to fetch it"
    if isinstance(error, ValueError):
        return f"{constants.ENDPOINT} does not answer as a hub does; check HF_ENDPOINT and the proxy"
    if isinstance(error, errors.LocalEntryNotFoundError) or not isinstance(error, OSError):
        return (
            f"{instead}for the repository {repository} {constants.ENDPOINT} cannot be reached; "
            "check the connection and repeat: finished files are kept"
        )
    return f"{repository} cannot be kept in {constants.HF_HUB_CACHE} ({error}); make room or set HF_HOME"


def _fetch(repository: str, revision: str | None, want: Want) -> Path:
    from huggingface_hub import HfApi, errors, snapshot_download

    failures = client_errors()
    try:
        listing = HfApi().model_info(repository, revision=revision).siblings or []
        wanted = _wanted([file.rfilename for file in listing], repository, want)
        return Path(snapshot_download(repository, revision=revision, allow_patterns=wanted))
    except failures as error:
        known = isinstance(error, errors.HfHubHTTPError) and error.response.status_code < 500
        cached = None if known else _cached(repository, revision, want)
        if cached is None:
            instead = f"no folder {repository} here, and "
            raise ModelError(refusal(error, repository, revision=revision, instead=instead)) from None
        if not isinstance(error, errors.OfflineModeIsEnabled):
            _log.warning("%s: the hub cannot be reached; the copy in the cache is used", repository)
        return cached


def _wanted(names: Iterable[str], repository: str, want: Want) -> list[str]:
    names = set(names)
    config = [name for name in CONFIG_FILES if name in names]
    if want == "tokenizer":
        files = [name for name in TOKENIZER_FILES if name in names]
        if TOKENIZER_FILES[0] not in files:
            raise ModelError(f"{repository} has no {TOKENIZER_FILES[0]}; give the folder of a SentencePiece tokenizer")
        return files + config
    weights = weight_files(names)
    if not (weights and config):
        lacking = "PyTorch weights" if config else CONFIG_FILES[0]
        raise ModelError(f"{repository} has no {lacking}; give a repository or folder that holds a model")
    return [*config, *weights]


def _cached(repository: str, revision: str | None, want: Want) -> Path | None:
    """The cached copy of a repository, None where there is none or something wanted is missing from it."""
    from huggingface_hub import errors, snapshot_download

    sure = [*CONFIG_FILES, *(TOKENIZER_FILES if want == "tokenizer" else ())]
    try:
        folder = snapshot_download(repository, revision=revision, allow_patterns=sure, local_files_only=True)
        files = _wanted(os.listdir(folder), repository, want)
    except (errors.LocalEntryNotFoundError, errors.HFValidationError, ModelError):
        return None
    shards = [name for name in files if "-of-" in name]
    complete = not shards or len(shards) == int(shards[0].partition("-of-")[2].partition(".")[0])
    return Path(folder) if complete else None
