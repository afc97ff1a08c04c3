"""Time in a plan: nobody waits, the clock jumps."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class JumpingClock:
    """A clock that code which sleeps moves on; see `ports.time.Clock`."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        """Seconds since 1970 in the plan."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move the clock on by this many seconds."""
        self._now += max(0.0, seconds)

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of these one by one; the time that they take is computed elsewhere."""
        for work in works:
            work()
