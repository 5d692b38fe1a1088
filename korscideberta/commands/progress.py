"""How far a long command is: a moving line on a terminal, a line now and then elsewhere, nothing with --quiet."""

from __future__ import annotations

import logging
import sys
import time

import click

_TERMINAL_SECONDS, _LOG_SECONDS = 0.2, 15.0


class Progress:
    """Shows `label` with the share done and the time left, or with a note, on standard error."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._terminal = sys.stderr.isatty()
        self._quiet = not logging.getLogger("korscideberta").isEnabledFor(logging.INFO)
        self._started = self._shown = time.monotonic()
        self._first: int | None = None
        self._moving = False

    def share(self, done: int, total: int) -> None:
        """Say that `done` of `total` bytes are dealt with."""
        left, speed = self._left(done, total)
        self._show(f"{done / max(total, 1):.0%} of {total / 1e6:,.1f} MB, {speed / 1e6:.1f} MB/s{left}", done >= total)

    def rows(self, done: int, total: int) -> None:
        """Say that `done` of `total` rows are dealt with."""
        left, speed = self._left(done, total)
        self._show(f"{done / max(total, 1):.0%} of {total:,} rows, {speed:,.0f} rows/s{left}", done >= total)

    def note(self, text: str) -> None:
        """Say what is going on."""
        self._show(f"{_clock(time.monotonic() - self._started)} {text}".rstrip())

    def end(self) -> None:
        """Leave the line."""
        if self._moving:
            click.echo(err=True)
            self._moving = False

    def _left(self, done: int, total: int) -> tuple[str, float]:
        """Return what is to be said of the time left, and what is done in a second."""
        if self._first is None:
            # What an earlier run had done says nothing about speed.
            self._first, self._started = done, time.monotonic()
        seconds = time.monotonic() - self._started
        speed = (done - self._first) / seconds if seconds else 0.0
        return f", {_clock((total - done) / speed)} left" if speed else "", speed

    def _show(self, text: str, last: bool = False) -> None:
        now = time.monotonic()
        if self._quiet or (now - self._shown < (_TERMINAL_SECONDS if self._terminal else _LOG_SECONDS) and not last):
            return
        self._shown = now
        if self._terminal:
            click.echo(f"\r{self._label}: {text}\033[K", err=True, nl=False)
            self._moving = True
        else:
            click.echo(f"{self._label}: {text}", err=True)


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
