"""`korsci eval`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from korscideberta.commands.options import ALLOW_MISMATCH, PATH, PRECISION, GroupedCommand, option_group, parse_columns

_data = option_group("Data")
_model = option_group("A model without a run")
_options = option_group("Options")


@click.command("eval", cls=GroupedCommand)
@click.argument("run", type=PATH, required=False)
@_model("--model", help="Folder or hub repository of a fine-tuned model, in place of RUN; with --task and --data.")
@_model("--task", help="What that model was trained for.")
@_model("--task-file", type=PATH, help="Python file that registers the task.")
@_model("--max-length", type=int, help="Limit in tokens; default: the task's.")
@_model("--long", help="Texts beyond that: truncate, windows or head-tail; default: truncate.")
@_model("--doc-stride", type=int, help="Tokens from one window to the next; default: 128.")
@_model("--text", help="Text columns, separated by commas; default: the task's own columns.")
@_model("--label", help="Label column.")
@_model("--text-pair", help="Column of the second text of a pair.")
@_model("--level", help="Level of the fields it was trained for: large, middle, small or all.")
@_model("--taxonomy", type=PATH, help="Table of these fields.")
@_model("--id", "identity", help="Column that identifies a row; default: the row number.")
@_data("--data", type=PATH, multiple=True, help="File with gold answers; default: the run's own file of --split.")
@_data("--split", type=click.Choice(["train", "dev", "test"]), help="Default: test where the run has it, else dev.")
@_options("--top-k", type=int, help="How many labels a prediction may name; default: 3, or all.")
@_options("--baseline", is_flag=True, help="Also fit TF-IDF + logistic regression on the run's training rows.")
@_options(
    "--coverage", type=float, metavar="SHARE", help="Also tell of calibration, abstention and sets for this share."
)
@_options("--by-label", is_flag=True, help="Also tell of every label how it fared and how many rows it has.")
@_options("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@_options(
    "--output", type=PATH, help="Write predictions with gold answers: CSV, XLSX or JSONL of a classifier, else JSONL."
)
@_options("--user-dictionary", type=PATH, help="Where this machine has the user dictionary of the run.")
@_options("--allow-tokenizer-mismatch", is_flag=True, help=ALLOW_MISMATCH)
@_options("--batch-size", type=int, default=64, show_default=True, help="Examples a forward pass.")
@_options("--precision", default="auto", show_default=True, help=PRECISION)
@_options("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
def command(
    run: Path | None,
    model: str | None,
    task: str | None,
    task_file: Path | None,
    max_length: int | None,
    long: str | None,
    doc_stride: int | None,
    text: str | None,
    label: str | None,
    text_pair: str | None,
    level: str | None,
    taxonomy: Path | None,
    identity: str | None,
    data: tuple[Path, ...],
    split: str | None,
    top_k: int | None,
    baseline: bool,
    coverage: float | None,
    by_label: bool,
    as_json: bool,
    output: Path | None,
    user_dictionary: Path | None,
    allow_tokenizer_mismatch: bool,
    batch_size: int,
    precision: str,
    device: str,
) -> None:
    """Score the finished run RUN on a file, beside the majority class where there is one.

    With --precision int8, bf16 or fp16 the figures stand beside those of float32, and what the format changes is told.

    \b
    A model without a run, such as one from the hub, has no majority class:
      korsci eval --model OWNER/NAME --task nsmc --data ratings_test.txt
    """
    import numpy as np

    from korscideberta import tasks
    from korscideberta.errors import ConfigError
    from korscideberta.evaluation.baseline import fit_baseline
    from korscideberta.evaluation.confidence import confidence_text
    from korscideberta.evaluation.finished import FinishedRun
    from korscideberta.evaluation.label_table import label_table
    from korscideberta.evaluation.precision_change import change, change_text
    from korscideberta.evaluation.tables import comparison_table
    from korscideberta.precision import pick_device
    from korscideberta.training.finetune import Source, read_split, read_splits

    chosen_device = pick_device(device)
    place: Any = {
        "device": chosen_device,
        "user_dictionary": user_dictionary,
        "allow_tokenizer_mismatch": allow_tokenizer_mismatch,
    }
    columns = parse_columns(text, label, text_pair, identity)
    if (run is None) == (model is None):
        raise ConfigError("give either RUN or --model with --task and --data")
    if run is not None:
        if task or task_file or max_length or long or doc_stride or columns or level or taxonomy:
            raise ConfigError(
                "--task, --task-file, --max-length, --long, --doc-stride, columns and fields go with --model; "
                "RUN knows its own"
            )
        load = partial(FinishedRun.load, run, **place)
    else:
        if not task or not data or baseline:
            raise ConfigError("--model needs --task and --data, and has no --baseline")
        if task_file is not None:
            tasks.load_task_file(task_file)
        chosen = tasks.with_fields(tasks.get(task), level, taxonomy)
        reading = {"columns": columns, "max_length": max_length, "long": long, "doc_stride": doc_stride}
        load = partial(FinishedRun.of_model, str(model), chosen, **reading, **place)
    finished = load(precision=precision)
    k = finished.kind.check_top_k(top_k)
    if output is not None:
        finished.kind.check_suffix(output)
    if baseline and not finished.task.sorts:
        raise ConfigError(f"--baseline: there is none for {finished.task.name}, only for classification")
    own = Source(
        files={name: finished.files(name) for name in finished.record["data"]},
        columns=finished.columns,
        dev_share=finished.record.get("dev_share", Source.dev_share),
    )
    if data:
        # A file of the user's own need not have a split column; where it has one, --split chooses, test unless told.
        source = Source(files={split or "test": data}, columns=finished.columns)
        examples = read_split(finished.task, source, split or "test")
    else:
        splits = read_splits(finished.task, own)
        split = split or ("test" if "test" in splits else "dev")
        if split not in splits:
            finished.files(split)
        examples = splits[split]
    outputs = finished.outputs(examples, batch_size, "evaluate")
    figures: dict[str, Any] = {"model": finished.kind.figures(examples, outputs, k)}
    changed = None
    if precision not in ("auto", "float32") and not finished.stored_in_8_bits:
        exact = load(precision="float32").outputs(examples, batch_size, "evaluate in float32")
        figures["float32"] = finished.kind.figures(examples, exact, k)
        changed = change(finished.kind, examples, outputs, exact)
    if baseline:
        train = read_splits(finished.task, own)["train"]
        scores = fit_baseline("tfidf-char", train, finished.kind.labels)(examples)
        figures["TF-IDF + LR"] = finished.kind.figures(
            examples, np.log(np.maximum(scores, np.finfo(np.float64).tiny)), k
        )
    if output is not None:
        predictions = finished.kind.predictions(examples, outputs, k)
        finished.kind.write(output, examples, predictions, labelled=True)
    if as_json:
        shown = figures if changed is None else {**figures, "change": changed}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        click.echo(comparison_table(figures))
        if changed is not None:
            click.echo(f"\n{change_text(precision, changed)}")
    if by_label:
        click.echo(f"\n{label_table(finished, examples, outputs)}", err=as_json)
    if coverage is not None:
        click.echo(f"\n{confidence_text(finished, examples, outputs, coverage)}", err=as_json)
