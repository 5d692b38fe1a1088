"""Which ids of a text, or of a pair, are kept where a row has a largest length, and the windows over the rest.

Strategies and windows are those of the fast tokenizers of transformers, so that lengths and rows agree with them.
"""

from __future__ import annotations

from korscideberta.errors import ConfigError, DataError

Window = tuple[int, int]
"""Half-open, in ids of one text."""


def truncation_strategy(truncation: bool | str | None) -> str | None:
    """The strategy's name, None for no truncation; ConfigError for an unknown one."""
    if truncation is False or truncation is None:
        return None
    strategy = "longest_first" if truncation is True else truncation
    if strategy not in ("longest_first", "only_first", "only_second"):
        raise ConfigError(f"unknown truncation {truncation!r}; known: longest_first, only_first, only_second")
    return strategy


def room_beside(marks: int, max_length: int) -> int:
    """How many ids of texts fit beside that many special tokens; ConfigError where not even these fit."""
    room = max_length - marks
    if room < 0 or max_length < 1:
        raise ConfigError(f"max_length={max_length} leaves no room for {marks} special tokens")
    return room


def kept_lengths(first: int, second: int, room: int, strategy: str) -> tuple[int, int]:
    """How many ids of each text are kept so that both fit into `room`.

    `longest_first` cuts the longer text down to the shorter one, and then both to half the room; of an odd room the
    longer text gets the larger half, of equally long texts the second one.
    Raises DataError where a strategy that spares one text cannot make room.
    """
    excess = first + second - room
    if excess <= 0:
        return first, second
    if strategy == "longest_first":
        shorter = min(first, second)
        longer = max(shorter, room - shorter)
        if shorter + longer > room:
            shorter, longer = room // 2, room - room // 2
        return (longer, shorter) if first > second else (shorter, longer)
    cut = first if strategy == "only_first" else second
    if cut <= excess:
        raise DataError(
            f"truncation={strategy!r} cannot make room: the texts have {first} and {second} tokens, {room} fit; "
            "use truncation='longest_first'"
        )
    return (first - excess, second) if strategy == "only_first" else (first, second - excess)


def windows(length: int, kept: int, stride: int) -> list[Window]:
    """Windows of at most `kept` ids over `length` ids, each but the first opening with the last `stride` ids before it.

    Raises ConfigError for a negative stride and where windows would make no headway.
    """
    if stride < 0:
        raise ConfigError(f"stride={stride} is negative")
    if kept >= length:
        return [(0, length)]
    if stride >= kept:
        raise ConfigError(
            f"stride={stride} leaves nothing new in windows of {kept} tokens; lower it or raise max_length"
        )
    last = -(-(length - kept) // (kept - stride))
    starts = range(0, last * (kept - stride) + 1, kept - stride)
    return [(start, min(start + kept, length)) for start in starts]
