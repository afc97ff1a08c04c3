"""Calls beside calls, as many as the service's rate has room for.

A call takes a part of a second. At the default rate, two a second, calls that come one after the
other are fast enough: while one is on its way, its API's next token has not come yet. An account
whose quota was raised would wait for the network instead.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from connect_hierarchy_lambda.connect.pace import Rate
from connect_hierarchy_lambda.connect.time import Clock
from connect_hierarchy_lambda.model.messages import NoLongerWantedError

T = TypeVar("T")


class _Strand(threading.local):
    """What goes on in a thread."""

    errors: list[Exception] | None = None
    """Those of the work that it does a part of, None where it does no part."""


_strand = _Strand()


def stop_after_error() -> None:
    """Raise the error that another part of the same work has met, where there is one."""
    if _strand.errors:
        raise _strand.errors[0]


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

        After an error nothing more is begun, and what has begun ends at its next call; then it is
        raised.
        """
        work_list = list(things)
        lanes = min(self.number, len(work_list))
        if lanes <= 1 or _strand.errors is not None:
            for thing in work_list:
                work(thing)
            return
        errors: list[Exception] = []
        waiting = iter(work_list)

        def lane() -> None:
            _strand.errors = errors
            try:
                for thing in waiting:
                    if errors:
                        return
                    work(thing)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
            finally:
                _strand.errors = None

        self._clock.side_by_side([lane] * lanes)
        # this one is raised only once in a run, so it must not get lost behind another
        errors.sort(key=lambda error: not isinstance(error, NoLongerWantedError))
        if errors:
            raise errors[0]
