"""Time and concurrency for everything in the local AWS: real for people, virtual for tests.

Services take a `Clock` and never touch `time` or `threading` themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Task(Protocol):
    """Something that runs in parallel with its starter."""

    @property
    def done(self) -> bool:
        """Whether it has ended."""


class Clock(Protocol):
    """The time, and the only ways to wait for it."""

    def now(self) -> float:
        """Seconds since 1970, as time.time()."""

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""

    def spawn(self, name: str, target: Callable[[], None]) -> Task:
        """Run `target` in parallel with the caller; `name` is for diagnostics."""

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until `condition` holds and return True, or False after `timeout` seconds.

        The condition is checked again after each `changed`.
        """

    def changed(self) -> None:
        """Announce a change that a `wait_until` may wait for."""


class RealClock:
    """The time of this machine, and its threads."""

    def __init__(self) -> None:
        self._change = threading.Condition()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        time.sleep(seconds)

    def spawn(self, name: str, target: Callable[[], None]) -> Task:
        """Run `target` in a daemon thread."""
        task = _ThreadTask(name, target)
        task.start()
        return task

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until `condition` holds, or for `timeout` seconds."""
        with self._change:
            return self._change.wait_for(condition, timeout)

    def changed(self) -> None:
        """Wake every `wait_until`."""
        with self._change:
            self._change.notify_all()


class _ThreadTask(threading.Thread):
    def __init__(self, name: str, target: Callable[[], None]) -> None:
        super().__init__(name=name, target=target, daemon=True)

    @property
    def done(self) -> bool:
        return not self.is_alive()
