"""Calls to Amazon Connect at the account's rate, repeated if that can help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from connect_hierarchy_lambda.ports.calls import PassingError, call
from connect_hierarchy_lambda.ports.pace import Pace, Rate
from connect_hierarchy_lambda.ports.time import Clock

_MOST_REFUSALS = 8
_MOST_TROUBLES = 4
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_READS = ("describe_", "list_", "search_", "get_", "batch_get_")

Observer = Callable[[str, Mapping[str, Any]], None]
"""Called with each answer and the name of the call in boto3."""


class PacedCalls:
    """Makes a call when the rate allows it, and repeats it after a passing error.

    A call that may have had its effect is not repeated: only reads are, and calls that were refused
    for the pace.
    """

    def __init__(self, clock: Clock, rate: Rate, observer: Observer | None = None) -> None:
        self._clock = clock
        self._pace = Pace(rate)
        self._observer = observer

    def __call__(self, operation: Callable[..., Any], **parameters: Any) -> Any:
        """The answer.

        Raises:
            Refusal: The service did nothing and says why.
            PassingError: The service did not answer, or refused for the pace, too often.
            BotoCoreError: The request could not be sent at all.
        """
        api = operation.__name__
        troubles = 0
        while True:
            wait = self._pace.take(api, self._clock.now())
            if wait > 0:
                self._clock.sleep(wait)
            try:
                answer = call(operation, **parameters)
            except PassingError as error:
                unsent = _why_unsent(error)
                if unsent is not None:
                    raise unsent from None
                troubles += 1
                if error.is_throttled:
                    self._pace.refused(api, self._clock.now())
                elif error.may_be_done and not api.startswith(_READS):
                    raise
                if troubles >= (_MOST_REFUSALS if error.is_throttled else _MOST_TROUBLES):
                    raise
                self._clock.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (troubles - 1)))
                continue
            self._pace.accepted(api, self._clock.now())
            if self._observer is not None:
                self._observer(api, answer)
            return answer


def _why_unsent(error: PassingError) -> BotoCoreError | None:
    """An error of credentials or settings, None for errors of network and service."""
    cause = error.__context__
    if isinstance(cause, BotoCoreError) and not isinstance(
        cause, (NoConnectionError, HTTPClientError)
    ):
        return cause
    return None
