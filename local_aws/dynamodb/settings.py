"""How the local DynamoDB behaves: its switches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from local_aws.wire import Authorize


class Throttling(Enum):
    """The error that a throttled call gets; the API reference names both for every item call."""

    THROTTLING = "ThrottlingException"
    PROVISIONED_THROUGHPUT_EXCEEDED = "ProvisionedThroughputExceededException"


class ConflictKind(Enum):
    """What happens to a call that another transaction is in the way of."""

    CONFLICT = "transaction conflict"
    """TransactionConflictException without an effect, for a transaction TransactionCanceled."""


@dataclass
class DynamoDbSettings:
    """The switches of one local DynamoDB; each can be changed at any time.

    Args:
        throttled_with: the error of a throttled call.
        read_lag: seconds that reads without ConsistentRead lag behind writes. How long they may
            is not documented.
        latency: seconds from a request to its answer, half of it before the service looks at it.
        authorize: asked for each pair of action and resource of a call, with the principal first;
            False makes it an AccessDeniedException. None allows everything. Called with the
            service's lock held, so it must not wait.
    """

    throttled_with: Throttling = Throttling.THROTTLING
    read_lag: float = 0.0
    latency: float = 0.0
    authorize: Authorize | None = None
