"""Work done in the background shortly before its result is needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prepared(
    prepare: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = 2
) -> Generator[tuple[Item, Result]]:
    """Yield each item with what `prepare` makes of it, in order, up to `ahead` of them made in a thread beforehand.

    An error of `prepare` is raised where the result would have come. When the generator is closed, what is not begun is
    given up and what is begun is waited for; `contextlib.closing` closes it at once after an error elsewhere.

    Args:
        prepare: must give the same whenever it is called, so not draw from torch's common random generator.
        items: what to prepare, iterated over in the caller's thread.
        ahead: results kept ready; 0 prepares in the caller's thread.
    """
    if not ahead:
        yield from ((item, prepare(item)) for item in items)
        return
    pending: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(1, thread_name_prefix="prepare")
    try:
        for item in items:
            pending.append((item, pool.submit(prepare, item)))
            if len(pending) > ahead:
                first, result = pending.popleft()
                yield first, result.result()
        while pending:
            first, result = pending.popleft()
            yield first, result.result()
    finally:
        pool.shutdown(cancel_futures=True)
