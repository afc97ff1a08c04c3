"""Time in a plan: nobody waits, the clock jumps."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class JumpingClock:
    """A clock that is moved on by the code that sleeps; see `ports.time.Clock`."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        """Seconds since 1970, as far as the plan has come."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self._now += max(0.0, seconds)

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of these one after the other: what they wait for is counted elsewhere."""
        for work in works:
            work()
