"""Calls beside calls, as many as the service's rate has room for.

A call takes a part of a second. At the default rate, two a second, calls that come one after the
other are fast enough: while one is on its way, its API's next token has not come yet. An account
whose quota was raised would wait for the network instead.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from connect_hierarchy_lambda.connect.own_stack import NoLongerWantedError
from connect_hierarchy_lambda.connect.pace import Rate
from connect_hierarchy_lambda.connect.time import Clock

T = TypeVar("T")

_SECONDS_A_GROUP = 0.5
"""What two calls are assumed to take at most as a rule: a group is read before it is changed."""

_MOST = 10
"""Connections that a boto3 client keeps, if it is not told otherwise."""


class Lanes:
    """How many calls may be on their way at the same time; one at the default rate."""

    def __init__(self, clock: Clock, rate: Rate) -> None:
        self._clock = clock
        self.number = min(_MOST, math.ceil(rate.per_second * _SECONDS_A_GROUP))

    def each(self, things: Iterable[T], work: Callable[[T], object]) -> None:
        """Do the work on each of the things, none of which depends on another.

        After an error nothing more is begun; it is raised when all that had begun has ended.
        """
        waiting = deque(things)
        lanes = min(self.number, len(waiting))
        if lanes <= 1:
            for thing in waiting:
                work(thing)
            return
        errors: list[Exception] = []

        def lane() -> None:
            while not errors:
                try:
                    thing = waiting.popleft()
                except IndexError:
                    return
                try:
                    work(thing)
                except Exception as error:  # noqa: BLE001 - raised below
                    errors.append(error)

        self._clock.side_by_side([lane] * lanes)
        # this one is raised only once in a run, so it must not get lost behind another
        errors.sort(key=lambda error: not isinstance(error, NoLongerWantedError))
        if errors:
            raise errors[0]
