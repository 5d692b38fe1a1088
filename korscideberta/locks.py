"""A lock that one process at a time holds, and that ends with the process however it ends."""

from __future__ import annotations

import errno
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from korscideberta.errors import ConfigError

logger = logging.getLogger(__name__)

_TAKEN = (errno.EAGAIN, errno.EACCES)


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of the file `path`, which is there as long; on systems and file systems without locks do without.

    These are record locks (`lockf`), not `flock`, which forked workers inherit: one that outlives a killed process must
    keep nothing locked. They do not part the threads of a process.

    Raises:
        ConfigError: another process holds it; `what` names what that one writes to.
        OSError: the file cannot be written.
    """
    descriptor = _lock(path, what)
    try:
        yield
    finally:
        if descriptor is not None:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _lock(path: Path, what: str) -> int | None:
    """Return the descriptor that holds the lock; None where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 200).decode(errors="replace").strip() or "just started"
            os.close(descriptor)
            if error.errno in _TAKEN:
                raise ConfigError(
                    f"{what}: another process writes to it ({holder}); wait for its end or choose another folder"
                ) from None
            logger.warning("%s: no lock keeps other processes from writing to it (%s)", what, error.strerror)
            path.unlink()
            return None
        if _is_file_of(descriptor, path):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode())
            return descriptor
        os.close(descriptor)  # its holder has let it go and deleted it meanwhile


def _is_file_of(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
