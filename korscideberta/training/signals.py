"""Signals that ask a run to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 75
"""Exit code of a run that was asked to stop and can be resumed (EX_TEMPFAIL of sysexits.h)."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Those that ask a run to stop."""


class Interrupted(Exception):
    """The run was asked to stop. `step` is the one whose state was saved for it; None outside the training loop."""

    def __init__(self, step: int | None) -> None:
        super().__init__("stopped" if step is None else f"stopped after step {step}")
        self.step = step


class StopRequests:
    """Whether the run has been asked to stop, and what a request does: at once, or when the loop looks next."""

    def __init__(self) -> None:
        self.requested = False
        self._deferred = False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a request wait until somebody looks at `requested`."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def take(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; the second SIGINT stops at once even where requests are deferred."""
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if not self._deferred:
            raise Interrupted(None)


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Take SIGINT, SIGTERM and SIGUSR1 as requests to stop.

    Outside the main thread, where Python allows no signal handlers, there are none.
    """
    stop = StopRequests()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.take) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
