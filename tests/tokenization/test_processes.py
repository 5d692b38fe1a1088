from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from korscideberta.errors import ConfigError, DataError, KorsciError
from korscideberta.tokenization.processes import map_ordered


def slow_square():
    def square(number: int) -> tuple[int, int]:
        time.sleep(random.random() / 200)
        if number == 13:
            raise DataError("13 is bad luck")
        if number == 66:
            os._exit(1)
        return number * number, os.getpid()

    return square


@pytest.mark.parametrize(("workers", "apart"), [(1, False), (1, True), (2, False), (3, True)])
def test_results_keep_their_order(workers, apart):
    results = list(map_ordered(slow_square, itertools.chain(range(13), range(14, 40)), workers, apart=apart))
    assert [square for square, _ in results] == [n * n for n in range(40) if n != 13]
    processes = {process for _, process in results}
    assert (processes == {os.getpid()}) == (workers == 1 and not apart)
    assert len(processes) <= workers


def test_items_are_read_a_little_ahead_only():
    read = itertools.count()
    results = map_ordered(slow_square, (0 for _ in read), 2)
    for _ in range(5):
        next(results)
    results.close()
    assert next(read) <= 5 + 2 * 2
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_in_its_turn(workers):
    results = map_ordered(slow_square, range(20), workers)
    assert [next(results)[0] for _ in range(13)] == [n * n for n in range(13)]
    with pytest.raises(DataError, match="13 is bad luck"):
        next(results)
    assert not multiprocessing.active_children()


def test_a_worker_that_dies_is_told():
    with pytest.raises(KorsciError, match="a worker process died"):
        list(map_ordered(slow_square, [1, 66, 2], 2))


def test_a_process_that_takes_signals_passes_none_of_that_on():
    handlers = {number: signal.signal(number, lambda *_: print("taken")) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        results = map_ordered(lambda: lambda _: [signal.getsignal(number) for number in handlers], [1], 1, apart=True)
        assert next(results) == [signal.SIG_DFL, signal.SIG_IGN]
        results.close()  # ends the process with SIGTERM
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert not multiprocessing.active_children()


def test_no_worker():
    with pytest.raises(ConfigError, match="workers=0"):
        next(map_ordered(slow_square, [1], 0))


def test_workers_end_with_a_parent_that_is_killed():
    code = (
        "import itertools, os, signal, time\n"
        "from korscideberta.tokenization.processes import map_ordered\n"
        "def start():\n    return lambda number: (time.sleep(0.01), os.getpid())[1]\n"
        "if __name__ == '__main__':\n"
        "    results = map_ordered(start, itertools.count(), 2)\n"
        "    print(*{next(results) for _ in range(20)}, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    children = [int(word) for word in done.stdout.split()]
    assert len(children) == 2, done.stderr
    deadline = time.monotonic() + 20
    while any(is_running(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(is_running(child) for child in children)


def is_running(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
