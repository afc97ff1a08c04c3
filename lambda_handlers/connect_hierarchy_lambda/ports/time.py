"""Time as the handlers see it: a clock that tests replace, and a deadline that ends every wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """The clock that the handlers use."""

    def now(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of these at the same time, and return when they are done. None may raise."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        time.sleep(seconds)

    def side_by_side(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of these at the same time, and return when they are done. None may raise."""
        with ThreadPoolExecutor(len(works)) as threads:
            for work in works:
                threads.submit(work)


@dataclass(frozen=True)
class Schedule:
    """How long one run may take, and the randomness of its pauses.

    `deadline` is in seconds since 1970; `jitter` gives numbers from 0 to 1.
    """

    clock: Clock
    deadline: float
    jitter: Callable[[], float] = field(default=random.random)

    @property
    def left(self) -> float:
        """Seconds until the deadline, negative after it."""
        return self.deadline - self.clock.now()
