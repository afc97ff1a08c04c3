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
from typing import Any

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


class Continuation:
    """The runs of one request: when the first began, and whether there can be another."""

    def __init__(self, event: Mapping[str, Any], clock: Clock, function_arn: str) -> None:
        self._event = event
        self._clock = clock
        self._function_arn = function_arn
        self._began, self._run = _earlier(event.get(_KEY)) or (clock.now(), 1)

    @property
    def deadline(self) -> float:
        """When the last run has to end, in seconds since 1970."""
        return self._began + WINDOW

    def go_on(self, client: Any, caller: Caller) -> bool:
        """Start another run; False where there is no time for one, or it can not be started."""
        if self.deadline - self._clock.now() < _SHORTEST_RUN:
            return False
        event = {**self._event, _KEY: {"Began": self._began, "Run": self._run + 1}}
        try:
            caller.call(
                "starting another run",
                client.invoke,
                FunctionName=self._function_arn,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except (Refusal, HierarchyError) as error:
            logger.error("no further run", extra={"why": str(error)})  # noqa: TRY400 - is told
            return False
        logger.info("goes on in another run", extra={"run": self._run + 1})
        return True


def _earlier(noted: Any) -> tuple[float, int] | None:
    """When the first run began and which one this is, None where nothing of that form is noted."""
    if not isinstance(noted, Mapping):
        return None
    began, run = noted.get("Began"), noted.get("Run")
    if not isinstance(began, int | float) or not math.isfinite(began) or not isinstance(run, int):
        return None
    return float(began), run
