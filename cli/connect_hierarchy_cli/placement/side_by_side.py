"""Work on many things, as many at the same time as the rate has room for, until one cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from connect_hierarchy_lambda.ports.lanes import Lanes

T = TypeVar("T")


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
