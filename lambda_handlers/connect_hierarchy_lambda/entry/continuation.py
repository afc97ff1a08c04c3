"""Further runs of the function for a request that takes longer than one.

Handlers can run any number of times with the same event and go on where they stopped, since what is
done stands in Connect. So a run that is out of time has Lambda deliver its event to the function
once more, until CloudFormation's own hour is nearly over. That needs one permission, on the
function itself, and leaves nothing behind.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard
from urllib.parse import parse_qs, urlsplit

from connect_hierarchy_lambda.connect.calls import Caller, Refusal
from connect_hierarchy_lambda.connect.time import Clock
from connect_hierarchy_lambda.model.messages import HierarchyError

logger = logging.getLogger(__name__)

_KEY = "ConnectHierarchyContinuation"

WINDOW = 3300.0
"""Seconds from the first run's begin in which a request can be worked on.

CloudFormation's hour less five minutes, since the first event may have waited for its delivery.
"""

_SHORTEST_RUN = 30.0
_MAX_EVENT_BYTES = 250 * 1024
"""Lambda takes 256 KB of an asynchronous event."""


class Continuation:
    """The runs of one request: when the first began, and whether there can be another."""

    def __init__(self, event: Mapping[str, Any], clock: Clock, function_arn: str) -> None:
        self._event = event
        self._clock = clock
        self._function_arn = function_arn
        earlier = _earlier(event.get(_KEY))
        self._began, self._run = earlier[:2] if earlier else (clock.now(), 1)
        self.began = self._began
        """When the first run began, in seconds since 1970."""
        self.unended = earlier[2] if earlier else {}
        """Since when earlier runs wait for something; see `Schedule`."""
        self.notes = _notes(event.get(_KEY))
        """What earlier runs had to say to later ones, oldest first."""

    @property
    def issued_at(self) -> float:
        """When CloudFormation sent the request, in seconds since 1970; 0 if this is not known.

        The event has no date of its own, but the presigned URL for its answer has one (Signature
        Version 4, `X-Amz-Date`). An event may be delivered again long after.
        """
        try:
            query = parse_qs(urlsplit(str(self._event["ResponseURL"])).query)
            signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
        except (KeyError, ValueError):
            return 0.0
        return signed.timestamp()

    @property
    def deadline(self) -> float:
        """When the last run has to end, in seconds since 1970."""
        return self._began + WINDOW

    @property
    def is_first(self) -> bool:
        """Whether no other run was before this one."""
        return self._run == 1

    def go_on(self, client: Any, caller: Caller) -> bool:
        """Start another run; False where there is no time for one, or it can not be started."""
        if self.deadline - self._clock.now() < _SHORTEST_RUN:
            return False
        try:
            caller.call(
                "starting another run",
                client.invoke,
                FunctionName=self._function_arn,
                InvocationType="Event",
                Payload=self._next_event(),
            )
        except (Refusal, HierarchyError) as error:
            logger.error("no further run", extra={"why": str(error)})  # noqa: TRY400 - is told
            return False
        logger.info("goes on in another run", extra={"run": self._run + 1})
        return True

    def _next_event(self) -> bytes:
        """The event of the next run, with as many notes as it has room for, the newest."""
        known = {"Began": self._began, "Run": self._run + 1, "Unended": self.unended}
        notes = list(self.notes.items())
        while True:
            further = {**known, "Notes": dict(notes)} if notes else known
            event = json.dumps({**self._event, _KEY: further}).encode()
            if len(event) <= _MAX_EVENT_BYTES or not notes:
                return event
            notes = notes[len(notes) // 4 + 1 :]


def _earlier(noted: Any) -> tuple[float, int, dict[str, float]] | None:
    """When the first run began, which one this is, and since when it waits for what.

    None where nothing of that form is noted.
    """
    if not isinstance(noted, Mapping):
        return None
    began, run, unended = noted.get("Began"), noted.get("Run"), noted.get("Unended", {})
    if not _is_time(began) or not isinstance(run, int) or not isinstance(unended, Mapping):
        return None
    return float(began), run, {str(key): at for key, at in unended.items() if _is_time(at)}


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _notes(noted: Any) -> dict[str, str]:
    """What earlier runs noted, as far as it is of that form."""
    notes = noted.get("Notes") if isinstance(noted, Mapping) else None
    if not isinstance(notes, Mapping):
        return {}
    return {str(key): note for key, note in notes.items() if isinstance(note, str)}
