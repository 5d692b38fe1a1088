"""Tables to files of predictions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from korscideberta._version import __version__
from korscideberta.data.batching import Tokens
from korscideberta.errors import ConfigError
from korscideberta.files import file_sha256, replacing
from korscideberta.prediction import windows
from korscideberta.prediction.journal import PartFile, State
from korscideberta.prediction.predictor import Prediction, Predictor
from korscideberta.tasks.tables import TableReader
from korscideberta.training.signals import Interrupted, StopRequests, stop_requests

OutputForm = str
"""`plain` or `official`."""
Report = Callable[[int, int], object]
"""Takes the rows that are done and those there are."""

_SECONDS = 5.0
"""Between two journals."""


@dataclass(frozen=True)
class Input:
    """The rows of a file that are to be labelled; they can be gone through more than once."""

    examples: Iterable[Any]
    count: int

    @classmethod
    def of(cls, predictor: Predictor, path: Path) -> Input:
        """Read a file as the run's task does, its rows where possible when they are asked for.

        Raises:
            DataError: a row cannot be used.
        """
        task, columns = predictor.run.task, predictor.run.columns
        if isinstance(task.read, TableReader):
            stream = task.read.stream(path, columns)
            return cls(stream, stream.check())
        examples = task.read(path, columns, None, False)
        return cls(examples, len(examples))


def check_output(predictor: Predictor, output: Path, form: OutputForm, resume: bool) -> None:
    """Raise ConfigError unless predictions can be written to a file of that name in that form."""
    task, kind = predictor.run.task, predictor.run.kind
    if form == "plain":
        kind.check_suffix(output)
    elif not task.official:
        raise ConfigError(f"--format official: none is known for the task {task.name}")
    elif output.suffix.lower() not in task.official:
        raise ConfigError(
            f"--format official: give --input FILE and an --output FILE ending in {' or '.join(task.official)}"
        )
    if resume and not _appends(predictor, output, form):
        raise ConfigError(
            f"--resume: {output} is written when all is done; of this run "
            f"{' and '.join(kind.appended)} files can be resumed"
        )


def predict_file(
    predictor: Predictor,
    path: Path,
    output: Path,
    *,
    form: OutputForm = "plain",
    resume: bool = False,
    progress: Report | None = None,
) -> int:
    """Write the predictions for the rows of a file, in their order, and return how many there are.

    Files whose ending is among the `appended` ones of the run's kind grow window by window, whatever the size of the
    input, as `NAME.part` with a journal; others hold all predictions and are written at the end. All rows are looked at
    before the first is predicted.

    Args:
        predictor: the run.
        path: a table with the columns the run was trained on, labels apart.
        output: where to; its ending is the format.
        form: `official` is what the task's leaderboard takes.
        resume: go on behind what an interrupted call has written; the file is then byte by byte what it would be.
        progress: is told how far it is.

    Raises:
        ConfigError: the ending does not fit, or `resume` finds what was made of something else.
        DataError: a row cannot be used, or the output cannot be written.
        Interrupted: a signal asked to stop; an output that grows can be resumed.
    """
    check_output(predictor, output, form, resume)
    if _appends(predictor, output, form):
        with stop_requests() as stop:
            return _append(predictor, path, output, resume, progress, stop)
    examples: list[Any] = []
    predictions: list[Prediction] = []
    for window, made in _predicted(predictor, Input.of(predictor, path), progress):
        examples += window
        predictions += made
    if form == "official":
        with replacing(output) as temporary:
            lines = predictor.run.task.official[output.suffix.lower()](examples, predictions)
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    else:
        predictor.run.kind.write(output, examples, predictions, labelled=False)
    return len(examples)


def predicted_lines(predictor: Predictor, path: Path, progress: Report | None = None) -> Iterator[str]:
    """Give the predictions for the rows of a file as lines of JSON, in their order; errors as of `predict_file`."""
    for examples, predictions in _predicted(predictor, Input.of(predictor, path), progress):
        yield from predictor.run.kind.lines(examples, predictions, labelled=False)


def _appends(predictor: Predictor, output: Path, form: OutputForm) -> bool:
    return form == "plain" and output.suffix.lower() in predictor.run.kind.appended


def _predicted(
    predictor: Predictor, rows: Input, progress: Report | None
) -> Iterator[tuple[Sequence[Any], list[Prediction]]]:
    report = None if progress is None else (lambda done: progress(done, rows.count))
    with closing(predictor.windows(rows.examples, progress=report)) as found:
        for window, predictions in found:
            yield window.examples, predictions


def _append(
    predictor: Predictor, path: Path, output: Path, resume: bool, progress: Report | None, stop: StopRequests
) -> int:
    kind, suffix = predictor.run.kind, output.suffix.lower()
    rows = Input.of(predictor, path)
    part = PartFile(output, _made_of(predictor, path))
    state = part.resume() if resume else part.begin()
    # With `auto` the memory may now be another.
    batch_size = Tokens(part.found["tokens"]) if "tokens" in part.found else predictor.batch_size()
    if isinstance(batch_size, Tokens):
        part.found["tokens"] = batch_size.at_most
    noted = time.monotonic()
    before = state.rows

    def report(done: int) -> None:
        if progress is not None:
            progress(before + done, rows.count)

    work = predictor.windows(
        islice(rows.examples, state.rows, None),
        batch_size=batch_size,
        known=state.known,
        progress=report,
    )
    try:
        with closing(work):
            for window, predictions in work:
                with stop.deferred():
                    text = kind.part(suffix, window.examples, predictions, labelled=False, first=not state.rows)
                    size = part.append(text)
                    state = State(state.rows + len(window.examples), size, window.known)
                    if time.monotonic() - noted >= _SECONDS:
                        part.note(state)
                        noted = time.monotonic()
                if stop.requested:
                    raise Interrupted(None)
    except Interrupted:
        part.note(state)
        raise
    with stop.deferred():
        part.finish()
    return state.rows


def _made_of(predictor: Predictor, path: Path) -> dict[str, Any]:
    """What decides the content of the output, by names that an error can tell."""
    run = predictor.run
    files = sorted(run.directory.model.iterdir())
    stats = [(file.name, file.stat()) for file in files if file.is_file()]
    settings = {f"--{name.replace('_', '-')}": value for name, value in asdict(predictor.settings).items()}
    return {
        "version of korscideberta": __version__,
        "input": file_sha256(path),
        "model": [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats],
        "device": next(run.model.parameters()).device.type,
        "precision": run.precision,
        "window": [windows.ROWS, windows.CHARACTERS],
        **settings,
    }
