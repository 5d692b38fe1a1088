"""An ordered map over processes, for streams of any length."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

from korscideberta.errors import ConfigError, KorsciError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2
"""Items read ahead for each process, so that none waits; what is in memory at a time is this many."""


def cpu_count() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_ordered(
    start: Callable[[], Callable[[Item], Result]], items: Iterable[Item], workers: int, *, apart: bool = False
) -> Generator[Result, None, None]:
    """The result for each of `items`, in their order, from `workers` processes; 1 is this process itself, or one beside
    it with `apart`.

    `start` is called once in each process and gives the function that is applied to the items; it, the items and the
    results are pickled. `items` is read `_AHEAD` items a process ahead of the results taken. The processes end with the
    iterator, when it is closed, and when this process dies.

    Raises what `start`, the function or `items` raise, KorsciError where a process dies, ConfigError for no worker.
    """
    if workers < 1:
        raise ConfigError(f"workers={workers}: at least one process must work")
    if workers == 1 and not apart:
        function = start()
        for item in items:
            yield function(item)
        return
    processes, idle = [], SimpleQueue[Connection]()
    for _ in range(workers):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=_serve, args=(start, theirs, ours), daemon=True)
        process.start()
        # With only the child holding its end, its death is seen as the end of the stream.
        theirs.close()
        processes.append(process)
        idle.put(ours)
    # A thread for each process does the waiting.
    threads = ThreadPoolExecutor(workers)
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(threads.submit(_ask, idle, item))
            if len(pending) >= workers * _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # First the processes: a thread that waits for one then wakes.
        for process in processes:
            process.terminate()
        threads.shutdown(cancel_futures=True)
        for process in processes:
            process.join()


def _ask(idle: SimpleQueue[Connection], item: Any) -> Any:
    connection = idle.get()
    try:
        connection.send(item)
        result, error = connection.recv()
    except (EOFError, OSError):
        raise KorsciError(
            "a worker process died; the system may have ended it for lack of memory, so try fewer workers"
        ) from None
    finally:
        idle.put(connection)
    if error is not None:
        raise error
    return result


def _serve(start: Callable[[], Callable[[Any], Any]], connection: Connection, parents: Connection) -> None:
    # A request to stop may reach every process of the terminal or job; the parent decides what it means. The parent may
    # have told the system to come to it with SIGTERM, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parents.close()
    function: Callable[[Any], Any] | None = None
    # The end of the stream, or of the parent, ends the loop.
    with suppress(EOFError, OSError):
        while True:
            item = connection.recv()
            try:
                function = function or start()
                connection.send((function(item), None))
            except Exception as error:
                connection.send((None, error))
