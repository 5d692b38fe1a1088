"""Processes that are killed, as `kill -9` would, on the nth call of some function."""

from __future__ import annotations

import os
import signal


def die_at_call(owner, name, number, *, after=False):
    """Make the nth call of owner.name kill the process, before or after the function has done its work."""
    original = getattr(owner, name)
    calls = [0]

    def call(*arguments, **options):
        calls[0] += 1
        if calls[0] == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, call)


def in_a_fork(work):
    """Run `work` in a forked process; return the signal that ended it, or minus its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            code = work() or 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
