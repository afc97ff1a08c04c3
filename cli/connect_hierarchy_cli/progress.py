"""The progress of long work, and the remaining time: a bar, or lines without a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from connect_hierarchy_cli import output

_SECONDS_BETWEEN_LINES = 10.0
_MINUTE = 60
_HOUR = 60 * _MINUTE

Advance = Callable[[int, int], None]
"""Called with the number that is done, and the number of all."""


@contextlib.contextmanager
def progress(what: str, now: Callable[[], float] = time.monotonic) -> Iterator[Advance]:
    """Show the progress of work on standard error.

    Args:
        what: The work, as it begins a line: "moving agents".
        now: Returns seconds.
    """
    if not sys.stderr.isatty():
        yield _Lines(what, now)
        return
    with output.progress_bars() as bars:
        # no work, no bar
        task = bars.add_task(what, total=None, visible=False)
        yield lambda done, total: bars.update(task, completed=done, total=total, visible=True)


class _Lines:
    """A line every ten seconds."""

    def __init__(self, what: str, now: Callable[[], float]) -> None:
        self._what = what
        self._now = now
        self._began = self._told = now()

    def __call__(self, done: int, total: int) -> None:
        now = self._now()
        if now - self._told < _SECONDS_BETWEEN_LINES or done == 0:
            return
        self._told = now
        rest = (now - self._began) / done * (total - done)
        output.tell(f"{self._what}: {done:,} of {total:,}, {duration(rest)} left")


def duration(seconds: float) -> str:
    """An approximate duration, in words."""
    if seconds < 2 * _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < 2 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{seconds / _HOUR:.1f} h"
