"""Waiting for something outside to come true, in as many runs as it takes."""

from __future__ import annotations

from typing import Self

from connect_hierarchy_lambda.connect.time import Schedule
from connect_hierarchy_lambda.model.messages import OutOfTimeError

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 15.0


class Wait:
    """Pauses that grow, and how long they have been going on, in earlier runs too.

    It begins when it is first asked how long that is: what was done before was no waiting.
    """

    def __init__(self, schedule: Schedule, doing: str, why: str) -> None:
        self._schedule = schedule
        self._doing = doing
        self._why = why
        self._key = f"{doing}, while {why}"
        self._began = schedule.unended.pop(self._key, None)
        self._pause = _FIRST_PAUSE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        is_out_of_time = error_type is not None and issubclass(error_type, OutOfTimeError)
        if is_out_of_time and self._began is not None:
            self._schedule.unended[self._key] = self._began

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self._schedule.clock.now() - self._begin()

    def _begin(self) -> float:
        """When it began, which is now if it had not."""
        if self._began is None:
            self._began = self._schedule.clock.now()
        return self._began

    def pause(self, why: str = "") -> None:
        """Sleep a while, each time longer; `why` is for the error message."""
        self._why = why or self._why
        self._begin()
        pause = self._pause * (0.75 + self._schedule.jitter() / 2)
        if pause >= self._schedule.left:
            raise OutOfTimeError(self._doing, f"out of time, {self._why}", "deploy again")
        self._schedule.clock.sleep(pause)
        self._pause = min(_LONGEST_PAUSE, self._pause * 1.5)
