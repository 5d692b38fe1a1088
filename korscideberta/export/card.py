"""The model card: README.md of a repository on the hub, with the metadata the hub reads.

Nothing in it tells of the machine or the folders of whoever trained the model: of a file its last name is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from korscideberta.evaluation.results import Figure
from korscideberta.export.figures import RESAMPLES, SEED
from korscideberta.hub import SHIPPED_MODELS
from korscideberta.model.presets import PRESET_NAMES
from korscideberta.tasks import Task
from korscideberta.training.kinds import Kind

_MOST_LABELS = 60

_USE = """```python
from korscideberta import {model} as Model, DebertaV2Tokenizer as Tokenizer
model, tokenizer = Model.from_pretrained("{repository}"), Tokenizer.from_pretrained("{repository}")
logits = model(**{inputs}).logits
print({answer})
```"""

_TOKENIZER_WARNING = (
    "> **Load the tokenizer with korscideberta.** Plain transformers reads any `spm.model` of this kind as a unigram "
    "model, drops its normalisation and knows nothing of the morphological analyser: it returns other ids than the "
    "model was trained on, without an error. With a BPE model 1,363 of 3,000 Korean lines came out differently."
)


def model_card(
    repository: str,
    record: Mapping[str, Any],
    kind: Kind[Any, Any],
    recipe: Mapping[str, Any],
    figures: Mapping[str, Mapping[str, Figure]],
    *,
    license_name: str | None,
) -> str:
    """Return the text of a card for a finished run.

    Args:
        repository: OWNER/NAME on the hub.
        record: the content of `run.json`.
        kind: the run's kind of head, with its task.
        recipe: what the tokenizer does before SentencePiece.
        figures: figures by split and name, as `read_figures` gives them.
        license_name: its identifier on the hub; None leaves it unspecified.
    """
    base, task = _base(record), kind.task
    texts = '"첫째 글", "둘째 글"' if task.pair else '"하천 퇴적물의 미세플라스틱 분포를 조사하였다."'
    use = {
        "repository": repository,
        "model": kind.model.__name__,
        "answer": kind.answer,
        "inputs": kind.inputs.format(texts=texts),
    }
    sections = [
        f"---\n{_metadata(repository, record, kind, figures, base, license_name)}\n---",
        f"# {repository.rpartition('/')[2]}",
        f"A DeBERTa-v2 for the task `{task.name}` ({task.summary}), fine-tuned with korscideberta "
        f"{record['versions']['korscideberta']}. {_start(record, base)}",
        "## Use\n\nWith korscideberta installed:\n\n" + _USE.format(**use),
        "## Task\n\n" + _labels(record["labels"], task),
        "## Data\n\n" + _data(record),
        "## Results\n\n" + _results(figures, task),
        "## Tokenizer\n\n" + _tokenizer(record["tokenizer"], recipe),
        "## Training\n\n" + _training(record),
    ]
    return "\n\n".join(sections) + "\n"


def public(value: Any) -> Any:
    """A setting as the card may show it: of a path its last name alone."""
    if isinstance(value, PurePath) or (isinstance(value, str) and re.search(r"[/\\]", value)):
        return PureWindowsPath(PurePosixPath(str(value)).name).name
    return value


def _base(record: Mapping[str, Any]) -> str | None:
    return str(record["model"]["model"]).partition("@")[0] if record.get("model_commit") else None


def _start(record: Mapping[str, Any], base: str | None) -> str:
    if base is not None:
        return f"It started from [{base}](https://huggingface.co/{base}) at commit `{record['model_commit']}`."
    if record["model"]["model"] in PRESET_NAMES:
        return f"It was trained from scratch, in the shape `{record['model']['model']}`, on the data below alone."
    if record["model"]["model"] in SHIPPED_MODELS:
        return f"It started from {record['model']['model']}, the pretrained model in this package."
    return "It started from a model that is not on the hub."


def _metadata(
    repository: str,
    record: Mapping[str, Any],
    kind: Kind[Any, Any],
    figures: Mapping[str, Mapping[str, Figure]],
    base: str | None,
    license_name: str | None,
) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=kind.pipeline,
            dataset_type=kind.task.name,
            dataset_name=", ".join(_file_names(record, split)),
            dataset_split=split,
            metric_type=name,
            metric_name=name,
            metric_value=round(figure.value, 6),
        )
        for split, named in figures.items()
        for name, figure in named.items()
    ]
    data = ModelCardData(
        language="ko",
        license=license_name,
        library_name="korscideberta",
        pipeline_tag=kind.pipeline,
        tags=["deberta-v2", "korean", "science", kind.task.name],
        base_model=base,
        model_name=repository.rpartition("/")[2],
        eval_results=results,
    )
    return data.to_yaml().strip()


def _labels(labels: Sequence[str], task: Task) -> str:
    shown = ", ".join(f"`{task.display(label)}`" for label in labels[:_MOST_LABELS])
    rest = f" and {len(labels) - _MOST_LABELS} more, in `config.json`" if len(labels) > _MOST_LABELS else ""
    return f"{task.summary}. {len(labels)} labels: {shown}{rest}." if labels else f"{task.summary}."


def _data(record: Mapping[str, Any]) -> str:
    rows = [
        (split, f"`{public(entry['file'])}`", f"`{entry['sha256']}`")
        for split, files in record["data"].items()
        for entry in files
    ]
    return (
        f"{_table(('split', 'file', 'SHA-256'), rows)}\n\n"
        "A file that stands at several splits serves each with the rows that its `split` column gives it or, without "
        "such a column, with all of them. Without dev data a tenth of the training rows selected the checkpoint."
    )


def _results(figures: Mapping[str, Mapping[str, Figure]], task: Task) -> str:
    rows = [
        (
            split,
            name,
            f"{figure.value:.4f}",
            f"{figure.interval[0]:.4f} – {figure.interval[1]:.4f}" if figure.interval else "",
            "" if figure.majority is None else f"{figure.majority:.4f}",
        )
        for split, named in figures.items()
        for name, figure in named.items()
    ]
    return (
        f"{_table(('split', 'figure', 'value', '95 % interval', 'majority class'), rows)}\n\n"
        f"Intervals are percentiles of {RESAMPLES:,} bootstrap samples of the documents (seed {SEED}): they tell of "
        "chance in the choice of documents, not in training. The dev split selected the checkpoint, by "
        f"`{task.metric}`, so its figures flatter the model."
    )


def _tokenizer(fingerprint: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    rows = [(f"`{name}`", f"`{public(value)}`") for name, value in recipe.items() if value is not None]
    rows += [
        (f"`{name}`", f"`{value}`")
        for name, value in fingerprint.items()
        if name not in recipe and isinstance(value, str | int) and public(value) == value
    ]
    return (
        f"Text → normalised text → morphs → SentencePiece pieces.\n\n{_table(('', ''), rows)}\n\n{_TOKENIZER_WARNING}"
    )


def _training(record: Mapping[str, Any]) -> str:
    rows = [(name, public(value)) for name, value in record["settings"].items() if value is not None]
    rows.append(("max_length", record["max_length"]))
    if (long := record["model"].get("long", "truncate")) != "truncate":
        rows.append(("long", long))
    rows += [(f"version of {name}", value) for name, value in record["versions"].items()]
    return _table(("setting", "value"), [(f"`{name}`", f"`{value}`") for name, value in rows])


def _file_names(record: Mapping[str, Any], split: str) -> list[str]:
    files = record["data"].get(split) or record["data"]["train"]
    return [str(public(entry["file"])) for entry in files]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
