"""Further runs of the function for a request that takes longer than one.

A handler can run any number of times with the same event and continues where it stopped, since the
ledger has what is done. So a run that is out of time has Lambda deliver its event to the function
again, until CloudFormation's hour is nearly over. That needs one permission, on the function
itself, and leaves nothing behind.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connect_hierarchy_lambda.ports.calls import PassingError, Refusal, call
from connect_hierarchy_lambda.ports.time import Schedule

logger = logging.getLogger(__name__)

_KEY = "ConnectHierarchyContinuation"

WINDOW = 3300.0
"""Seconds after the start of the first run in which a request can be worked on.

It is CloudFormation's hour less five minutes, since the first event may have been delivered late.
"""

_SHORTEST_RUN = 30.0
_PAUSE = 2.0
"""Seconds before Lambda is asked again."""


class Continuation:
    """The runs of one request: when the first began, and whether there can be another."""

    def __init__(self, event: Mapping[str, Any], now: float, function_arn: str) -> None:
        self._event = event
        self._function_arn = function_arn
        self._began, self._run = _earlier(event.get(_KEY)) or (now, 1)

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

    def go_on(self, client: Any, schedule: Schedule) -> bool:
        """Start another run; False where there is no time for one, or it cannot be started."""
        clock = schedule.clock
        if self.deadline - clock.now() < _SHORTEST_RUN:
            return False
        event = {**self._event, _KEY: {"Began": self._began, "Run": self._run + 1}}
        while True:
            try:
                call(
                    client.invoke,
                    FunctionName=self._function_arn,
                    InvocationType="Event",
                    Payload=json.dumps(event).encode(),
                )
            except (PassingError, Refusal) as error:
                if isinstance(error, PassingError) and schedule.left > _PAUSE:
                    clock.sleep(_PAUSE)
                    continue
                logger.error("no further run", extra={"why": str(error)})  # noqa: TRY400 - is told
                return False
            logger.info("continuing in another run", extra={"run": self._run + 1})
            return True


def _earlier(noted: Any) -> tuple[float, int] | None:
    """When the first run began, and the number of this run; None if the event has neither."""
    if not isinstance(noted, Mapping):
        return None
    began, run = noted.get("Began"), noted.get("Run")
    is_time = isinstance(began, int | float) and math.isfinite(began)
    return (float(began or 0), run) if is_time and isinstance(run, int) else None
