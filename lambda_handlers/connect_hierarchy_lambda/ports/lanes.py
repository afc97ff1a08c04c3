"""Calls side by side, as many as the service's rate allows.

A call takes a fraction of a second. At the default rate, two a second, calls one after another are
fast enough: while one is on its way, the next token of its API has not come yet. An account with a
raised quota would wait for the network instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from connect_hierarchy_lambda.ports.pace import Rate
from connect_hierarchy_lambda.ports.time import Clock

T = TypeVar("T")

_SECONDS_A_CALL = 0.5
"""The assumed longest time in seconds of a call and the work around it."""

_MOST = 10
"""Connections that a boto3 client keeps by default."""


class Lanes:
    """How many calls may be on their way at the same time: one at the default rate, at most ten."""

    def __init__(self, clock: Clock, rate: Rate, most: int = _MOST) -> None:
        self._clock = clock
        self.number = min(most, math.ceil(rate.per_second * _SECONDS_A_CALL))

    def each(self, things: Sequence[T], work: Callable[[T], None]) -> None:
        """Do the work, which never raises, on each of the things, all of them independent."""
        if self.number == 1 or len(things) == 1:
            for thing in things:
                work(thing)
        else:
            self._clock.side_by_side([partial(work, thing) for thing in things])
