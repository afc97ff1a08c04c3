"""One call to a service, tried again where that can help: the only place that retries.

How long depends on what an error can mean:

- a full quota, bad parameters, a name that is taken: at once;
- AccessDenied, ResourceNotFound, InvalidRequest, ResourceInUse: two minutes from the first such
  answer, since each of them can be stale (a policy that is not there yet, a group made a moment
  ago, a child that was deleted a moment ago);
- throttling, server errors, lost connections: until the deadline.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from connect_hierarchy_lambda.connect.lanes import stop_after_error
from connect_hierarchy_lambda.connect.pace import Pace
from connect_hierarchy_lambda.connect.time import Schedule
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError

logger = logging.getLogger(__name__)

STALE_SECONDS = 120.0
"""How long an answer is doubted that can be stale."""

FIRST_PAUSE = 0.4
LONGEST_PAUSE = 4.0
"""Many runs of the function share one rate: the last of them should not wait for long when it gets
free (`make bench`, 50 single groups)."""

NOT_FOUND = "ResourceNotFoundException"
IN_USE = "ResourceInUseException"
DUPLICATE = "DuplicateResourceException"
INVALID_REQUEST = "InvalidRequestException"
QUOTA = "LimitExceededException"

_ACCESS_DENIED = {"AccessDeniedException", "AccessDenied"}
_MAYBE_STALE = {NOT_FOUND, IN_USE, INVALID_REQUEST, *_ACCESS_DENIED}
_THROTTLED = {
    "TooManyRequestsException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
}
_SERVER_ERROR = 500


@dataclass(eq=False)  # not frozen: raising sets the traceback
class Refusal(Exception):  # noqa: N818 - it is an answer of the service, not a fault of ours
    """An answer that trying again does not change.

    `blocker` is what ResourceInUseException says about it: a resource type and an id.
    """

    code: str
    message: str
    blocker: str = ""

    def __str__(self) -> str:
        return f"{self.message} ({' '.join(filter(None, (self.code, self.blocker)))})"


class Watch(Protocol):
    """Looks whether there is still a reason to call anything."""

    def look(self, *, writes: bool) -> None:
        """Raise an error to stop; `writes` says that a call is about to change something."""


class Caller:
    """Calls a boto3 client within a schedule."""

    def __init__(
        self, schedule: Schedule, watch: Watch | None = None, pace: Pace | None = None
    ) -> None:
        self.schedule = schedule
        self._watch = watch
        self._pace = pace

    def call(
        self,
        doing: str,
        operation: Callable[..., Any],
        *,
        final: frozenset[str] = frozenset(),
        writes: bool = False,
        **parameters: Any,
    ) -> Any:
        """The service's answer.

        `final` are error codes that the caller does not doubt. Raises Refusal for an error that
        stays, and HierarchyError where the deadline came first; `doing` begins its message.
        """
        clock = self.schedule.clock
        doubted_since = self.schedule.unended.pop(doing, None)
        attempt = 0
        while True:
            attempt += 1
            self._wait_for_turn(doing, operation, doubted_since)
            stop_after_error()
            if self._watch is not None:
                self._watch.look(writes=writes)
            try:
                answer = operation(**parameters)
            except ParamValidationError as error:
                raise HierarchyError(doing, str(error), "correct the property") from None
            except ClientError as error:
                refusal = _refusal(error)
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                server_error = status >= _SERVER_ERROR
                self._tell_pace(operation, refused=refusal.code in _THROTTLED)
                if not server_error and refusal.code not in _THROTTLED:
                    doubted_since = doubted_since or clock.now()
                    doubtful = refusal.code in _MAYBE_STALE and refusal.code not in final
                    if not doubtful or clock.now() - doubted_since >= STALE_SECONDS:
                        raise refusal from None
                why = str(refusal)
            except BotoCoreError as error:
                why = f"no answer from the service ({type(error).__name__})"
            else:
                self._tell_pace(operation, refused=False)
                return answer
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt, 10))
            pause *= 0.5 + self.schedule.jitter() / 2
            if pause >= self.schedule.left:
                self._leave(doing, doubted_since)
                raise OutOfTimeError(
                    doing, f"out of time, last answer: {why}", "deploy again when it works"
                ) from None
            logger.info(
                "trying again",
                extra={"doing": doing, "why": why, "attempt": attempt, "pause": round(pause, 2)},
            )
            clock.sleep(pause)

    def _wait_for_turn(
        self, doing: str, operation: Callable[..., Any], doubted_since: float | None
    ) -> None:
        """Wait until a request has a good chance not to be refused for its pace."""
        clock = self.schedule.clock
        pause = 0.0
        if self._pace is not None:
            pause = self._pace.take(_api(operation), clock.now())
        if self.schedule.left <= pause:
            self._leave(doing, doubted_since)
            raise OutOfTimeError(doing, "out of time", "deploy again")
        if pause > 0:
            clock.sleep(pause)

    def _tell_pace(self, operation: Callable[..., Any], *, refused: bool) -> None:
        if self._pace is not None:
            tell = self._pace.refused if refused else self._pace.accepted
            tell(_api(operation), self.schedule.clock.now())

    def _leave(self, doing: str, doubted_since: float | None) -> None:
        """Let a further run doubt the same answer no longer than this one would have."""
        if doubted_since is not None:
            self.schedule.unended[doing] = doubted_since


def _api(operation: Callable[..., Any]) -> str:
    """The name of a client's method."""
    return getattr(operation, "__name__", "")


def _refusal(error: ClientError) -> Refusal:
    response: dict[str, Any] = dict(error.response)
    details = response.get("Error", {})
    return Refusal(
        code=details.get("Code", "Unknown"),
        message=details.get("Message") or response.get("Message") or "no message",
        # boto3 keeps these two beside Error, not in it
        blocker=f"{response.get('ResourceType', '')} {response.get('ResourceId', '')}".strip(),
    )


def is_denied(refusal: Refusal) -> bool:
    """Whether IAM was in the way."""
    return refusal.code in _ACCESS_DENIED
