"""Work that Ctrl-C ends between two calls, and not in the middle of one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from connect_hierarchy_lambda.ports.time import Clock, SystemClock

T = TypeVar("T")

_LOOK_SECONDS = 0.2
"""How often the main thread wakes up: on some systems a wait without an end hears no signal."""


class StoppedError(Exception):
    """The user ended the work."""


class StoppableClock:
    """A clock whose waits end with StoppedError once it is stopped.

    Args:
        clock: Another one to wait by; None for the machine's.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._other = clock
        self._clock = clock or SystemClock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End all waits, those to come included."""
        self._stopped.set()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed.

        Raises:
            StoppedError: If the clock is stopped, or is meanwhile.
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
        # daemons, and no pool, which Python would wait for at its end
        threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def run_stoppable(work: Callable[[], T], clock: StoppableClock, stopping: Callable[[], None]) -> T:
    """Do the work in a thread of its own, until it is done or Ctrl-C stops the clock.

    Args:
        work: Waits by the clock.
        clock: Is stopped by Ctrl-C.
        stopping: Tells the user that calls under way are awaited; a second Ctrl-C awaits nothing.

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

    # a daemon: a second Ctrl-C ends the process though a call has no answer yet
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
    # not Thread.join, which takes a thread for dead when Ctrl-C interrupts it
    while not event.wait(_LOOK_SECONDS):
        pass
