"""One call to a service, made once: its answer, a refusal, or a passing error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

NOT_FOUND = "ResourceNotFoundException"
IN_USE = "ResourceInUseException"
DUPLICATE = "DuplicateResourceException"
INVALID_REQUEST = "InvalidRequestException"
QUOTA = "LimitExceededException"
BAD_PARAMETER = "ParamValidationError"

_ACCESS_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_DOUBTFUL = frozenset({NOT_FOUND, IN_USE, INVALID_REQUEST, *_ACCESS_DENIED})
_THROTTLED = frozenset(
    {
        "TooManyRequestsException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
    }
)
_SERVER_ERROR = 500
_ACTION = re.compile(r"\b(?:connect|dynamodb):\w+")


@dataclass(eq=False)  # not frozen: raising sets the traceback
class Refusal(Exception):  # noqa: N818 - an answer of the service, not a fault of this library
    """The service did nothing, and says why."""

    code: str
    message: str
    blocker: str = ""
    """What a ResourceInUseException names: a resource type and an id."""

    def __str__(self) -> str:
        return f"{self.message} ({' '.join(filter(None, (self.code, self.blocker)))})"

    @property
    def is_doubtful(self) -> bool:
        """Whether it can be stale: a policy without effect yet, or a group made a moment ago."""
        return self.code in _DOUBTFUL

    @property
    def is_denied(self) -> bool:
        """Whether IAM denied the call."""
        return self.code in _ACCESS_DENIED

    @property
    def told(self) -> str:
        """The text for users; of a denial only the action, since the rest is long ARNs."""
        action = _ACTION.search(self.message) if self.is_denied else None
        return f"{action[0]} is denied" if action else str(self)


@dataclass(eq=False)
class PassingError(Exception):
    """A throttled call, a server error or a lost connection: the same call may work later."""

    why: str
    may_be_done: bool
    """Whether the call may have had its effect."""

    is_throttled: bool = False

    def __str__(self) -> str:
        return self.why


def call(operation: Callable[..., Any], **parameters: Any) -> Any:
    """The service's answer.

    Raises:
        Refusal: The service did nothing and says why.
        PassingError: The service is busy, failed, or did not answer.
    """
    try:
        return operation(**parameters)
    except ParamValidationError as error:
        raise Refusal(BAD_PARAMETER, str(error)) from None
    except ClientError as error:
        raise _translated(error) from None
    except BotoCoreError as error:
        name = type(error).__name__
        raise PassingError(f"no answer from the service ({name})", may_be_done=True) from None


def _translated(error: ClientError) -> Refusal | PassingError:
    response: dict[str, Any] = dict(error.response)
    details = response.get("Error", {})
    refusal = Refusal(
        code=details.get("Code", "Unknown"),
        message=details.get("Message") or response.get("Message") or "no message",
        # boto3 has these two next to Error, not in it
        blocker=f"{response.get('ResourceType', '')} {response.get('ResourceId', '')}".strip(),
    )
    if refusal.code in _THROTTLED:
        return PassingError(str(refusal), may_be_done=False, is_throttled=True)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= _SERVER_ERROR:
        return PassingError(str(refusal), may_be_done=True)
    return refusal
