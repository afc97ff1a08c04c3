"""Work that Ctrl-C ends between two calls, not during one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from connect_hierarchy_lambda.ports.time import Clock, SystemClock

T = TypeVar("T")

_LOOK_SECONDS = 0.2
"""Seconds between checks of the main thread: on some systems, signals do not end a wait."""


class StoppedError(Exception):
    """The user ended the work."""


class StoppableClock:
    """A clock whose waits end with StoppedError once it is stopped.

    Args:
        clock: The clock that waits; None for the machine's.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._other = clock
        self._clock = clock or SystemClock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End all waits, including later ones."""
        self._stopped.set()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds.

        Raises:
            StoppedError: If the clock is stopped, before or during the wait.
        """
        if self._other is not None:
            self._other.sleep(seconds)
        if self._stopped.wait(seconds if self._other is None else 0):
            raise StoppedError

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of these at the same time, and return when they are done. None may raise."""
        if self._other is not None:
            self._other.side_by_side(works)
            return
        # daemons instead of a pool, which Python would wait for when it ends
        threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def run_stoppable(work: Callable[[], T], clock: StoppableClock, stopping: Callable[[], None]) -> T:
    """Do the work in its own thread, until it is done or Ctrl-C stops the clock.

    Args:
        work: The work, which waits by the clock.
        clock: The clock that Ctrl-C stops.
        stopping: Tells the user that the calls under way are finished first; a second Ctrl-C does
            not wait.

    Raises:
        StoppedError: Ctrl-C ended the work.
        Exception: What the work raised.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    is_over = threading.Event()

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised below, in the main thread
            errors.append(error)
        finally:
            is_over.set()

    # a daemon, so that a second Ctrl-C ends the process before a call has its answer
    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
        _wait_for(is_over)
    except KeyboardInterrupt:
        clock.stop()
        stopping()
        _wait_for(is_over)
    if errors:
        raise errors[0]
    return results[0]


def _wait_for(event: threading.Event) -> None:
    # not Thread.join, which treats a thread as dead if Ctrl-C interrupts it
    while not event.wait(_LOOK_SECONDS):
        pass
