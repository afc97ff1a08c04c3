"""Work on many things, as many at a time as the rate allows, until the first error."""

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
    """Do the work on each of the things, all of them independent.

    Raises:
        Exception: The first one that the work raised. Work that was under way then is done, the
            rest is not.
    """
    errors: list[BaseException] = []

    def attempt(thing: T) -> None:
        if errors:
            return
        try:
            work(thing)
        except BaseException as error:  # noqa: BLE001 - raised below, once all others have ended
            errors.append(error)

    for first in range(0, len(things), lanes.number):
        lanes.each(things[first : first + lanes.number], attempt)
        if errors:
            raise errors[0]
