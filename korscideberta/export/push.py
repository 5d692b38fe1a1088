"""Publishing a finished run on the Hugging Face hub."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError, ModelError
from korscideberta.evaluation.finished import FinishedRun
from korscideberta.export.card import model_card
from korscideberta.export.figures import read_figures
from korscideberta.files import replacing
from korscideberta.hub import TOKENIZER_FILES, client_errors, is_repository, refusal
from korscideberta.tokenization.dictionary import DEFAULT_DICTIONARY

CARD = "README.md"
_PATH = re.compile(r"/|~|\.{1,2}[/\\]|[A-Za-z]:[/\\]")

Files = dict[str, bytes | Path]
"""Contents, or where they stand, by name in the repository."""


def files_to_push(finished: FinishedRun, repository: str, *, license_name: str | None) -> Files:
    """Return what a run's repository holds: model, tokenizer and card.

    Settings that are paths of this machine are left out of the JSON files.

    Raises:
        ConfigError: the name is none of a repository.
        ModelError: the run is not finished, or its tokenizer needs a dictionary that only this machine has.
    """
    if not is_repository(repository) or "@" in repository:
        raise ConfigError(f"{repository}: not the name of a hub repository; give OWNER/NAME")
    recipe = finished.tokenizer.recipe.to_dict()
    if recipe["dictionary"] != DEFAULT_DICTIONARY:
        raise ModelError(
            f"{finished.directory.path}: its tokenizer uses the dictionary {recipe['dictionary']}, which nobody else "
            "has; train with the installed one"
        )
    figures = read_figures(finished.directory, finished.kind)
    folder = finished.directory.model
    files: Files = {}
    for name in ("config.json", *TOKENIZER_FILES):
        path = folder / name
        if path.is_file():
            files[name] = _without_paths(path) if name.endswith(".json") else path
    files["model.safetensors"] = folder / "model.safetensors"
    card = model_card(repository, finished.record, finished.kind, recipe, figures, license_name=license_name)
    files[CARD] = card.encode()
    return files


def write_files(files: Files, folder: Path) -> None:
    """Write what would be pushed into a folder that is empty or not there.

    Raises:
        ConfigError: the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"--out {folder}: already holds something; name an empty folder or one that is not there")
    for name, content in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


def push(files: Files, repository: str, *, private: bool, revision: str | None) -> str:
    """Make the repository where it is missing, commit the files to it, and return the address of the commit.

    Args:
        files: what `files_to_push` gives.
        repository: OWNER/NAME.
        private: whether a repository made here is private.
        revision: the branch, made from the main one where it is missing; None is the main one.

    Raises:
        ModelError: there is no token, it is refused, or the hub cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, constants, errors, get_token

    if get_token() is None:
        raise ModelError("pushing needs a token that may write; log in with 'hf auth login' or set HF_TOKEN")
    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    api = HfApi()
    failures: tuple[type[Exception], ...] = (*client_errors(), RuntimeError)
    try:
        api.create_repo(repository, private=private or None, exist_ok=True)
        if revision is not None:
            api.create_branch(repository, branch=revision, exist_ok=True)
        commit = api.create_commit(
            repository, operations, commit_message="Publish a korscideberta run", revision=revision
        )
    except failures as raised:
        # The upload of one file fails with a bare error around the client's own.
        error = raised.__cause__ or raised if isinstance(raised, RuntimeError) else raised
        status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
        if status in (401, 403):
            raise ModelError(
                f"{constants.ENDPOINT} does not let you write to {repository} ({status}); "
                "give a token with write access to it in HF_TOKEN, or log in with 'hf auth login'"
            ) from None
        raise ModelError(refusal(error, repository, revision=revision)) from None
    return str(commit.commit_url)


def size(content: bytes | Path) -> int:
    """How many bytes a file has."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _without_paths(path: Path) -> bytes:
    """A JSON file's content without the settings at its top that are paths of a machine."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise ModelError(f"{path}: does not hold a JSON object; train again")
    kept = {key: value for key, value in values.items() if not (isinstance(value, str) and _PATH.match(value))}
    return (json.dumps(kept, ensure_ascii=False, indent=2) + "\n").encode()
