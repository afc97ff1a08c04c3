"""Calls beside calls, as many as the service's rate has room for.

A call takes a part of a second. At the default rate, two a second, calls that come one after the
other are fast enough: while one is on its way, its API's next token has not come yet. An account
whose quota was raised would wait for the network instead.
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
"""What a call with what belongs to it is assumed to take at most as a rule."""

_MOST = 10
"""Connections that a boto3 client keeps, if it is not told otherwise."""


class Lanes:
    """How many calls may be on their way at the same time; one at the default rate, ten at most."""

    def __init__(self, clock: Clock, rate: Rate, most: int = _MOST) -> None:
        self._clock = clock
        self.number = min(most, math.ceil(rate.per_second * _SECONDS_A_CALL))

    def each(self, things: Sequence[T], work: Callable[[T], None]) -> None:
        """Do the work on each of the things, which do not depend on each other. It never raises."""
        if self.number == 1 or len(things) == 1:
            for thing in things:
                work(thing)
        else:
            self._clock.side_by_side([partial(work, thing) for thing in things])
