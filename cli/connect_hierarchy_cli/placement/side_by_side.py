"""Work on many things, as many at the same time as the rate has room for, until one cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.pace import Rate
from connect_hierarchy_lambda.ports.time import Clock

T = TypeVar("T")

_CALLS_A_MOVE = 2


def lanes_for_moves(clock: Clock, rate: Rate) -> Lanes:
    """How many moves may be under way at the same time: each is a read, and then a write."""
    return Lanes(clock, Rate(_CALLS_A_MOVE * rate.per_second, rate.burst))


def do_each(lanes: Lanes, things: Sequence[T], work: Callable[[T], None]) -> None:
    """Do the work on each of the things, which do not depend on each other.

    Raises:
        Exception: The first that the work raised. What was at work then is done, the rest is not.
    """
    errors: list[BaseException] = []

    def attempt(thing: T) -> None:
        if errors:
            return
        try:
            work(thing)
        except BaseException as error:  # noqa: BLE001 - raised below, once no other is at work
            errors.append(error)

    for first in range(0, len(things), lanes.number):
        lanes.each(things[first : first + lanes.number], attempt)
        if errors:
            raise errors[0]
