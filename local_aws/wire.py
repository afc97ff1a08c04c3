"""What is the same on the wire of every local service: callers, permissions, time, and clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ConnectionClosedError
from moto.core.botocore_stubber import MockRawResponse

from local_aws.faults import ConnectionCut

Answer = tuple[int, Mapping[str, Any], str | bytes]
"""Status, headers and body."""

Authorize = Callable[[str | None, str, str], bool]
"""Says whether a principal may do an action to a resource."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


class Clock(Protocol):
    """The part of a clock that a service with a latency needs."""

    def now(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call that arrived.

    Args:
        time: seconds since 1970.
        api: its name, as `PutItem`.
        parameters: as botocore names them.
        permissions: everything that IAM checks, as pairs of action and resource; the first one is
            the call's own.
        principal: the access key id that signed the request, None for an unsigned one.
        outcome: "ok", the code of the error, or "ConnectionCut".
    """

    time: float
    api: str
    parameters: Mapping[str, Any]
    permissions: tuple[tuple[str, str], ...]
    principal: str | None
    outcome: str = "ok"


def signer(authorization: str | bytes | None) -> str | None:
    """The access key id in a header `Authorization`, None in that of an unsigned request."""
    # botocore hands all headers of a prepared request over as bytes
    text = authorization.decode() if isinstance(authorization, bytes) else authorization or ""
    signed = _CREDENTIAL.search(text)
    return signed[1] if signed else None


def refusal(authorize: Authorize | None, call: Call) -> str | None:
    """Why a call is denied, None where it is allowed.

    Args:
        authorize: asked for each pair of action and resource; None allows everything.
        call: what is to be done, and by whom.
    """
    if authorize is None:
        return None
    for action, resource in call.permissions:
        if not authorize(call.principal, action, resource):
            return denied(call.principal, action, resource)
    return None


def denied(principal: str | None, action: str, resource: str) -> str:
    """The words of a service where a policy is missing."""
    return (
        f"User: {principal or 'anonymous'} is not authorized to perform: {action} on resource: "
        f"{resource} because no identity-based policy allows the {action} action"
    )


@contextmanager
def latency(clock: Clock, seconds: float) -> Iterator[None]:
    """Let half of the seconds pass before what is done, and half after it."""
    one_way = seconds / 2
    if one_way:
        clock.sleep(one_way)
    try:
        yield
    finally:
        if one_way:
            clock.sleep(one_way)


def response(request: AWSPreparedRequest, answer: Answer) -> AWSResponse:
    """An answer as botocore takes it from its handlers."""
    status, headers, body = answer
    wire_headers: Any = headers  # any mapping will do
    return AWSResponse(str(request.url), status, wire_headers, MockRawResponse(body))


def attach(
    client: BaseClient,
    service: str,
    owner: object,
    dispatch: Callable[[AWSPreparedRequest], Answer],
) -> str:
    """Let a boto3 or botocore client talk to a local service without HTTP.

    Args:
        client: its requests are answered here from now on.
        service: the one that the client must be of, as boto3 names it.
        owner: the local service; attached twice to it, a client calls it once.
        dispatch: answers a request.

    Returns:
        The `unique_id` by which the client's event `before-send.<service>` is unregistered.

    Raises:
        ValueError: if the client is of another service.
    """
    found = client.meta.service_model.service_name
    if found != service:
        message = f"a client of {found!r} cannot be attached to the local {service!r}"
        raise ValueError(message)

    def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        try:
            return response(request, dispatch(request))
        except ConnectionCut as error:
            raise ConnectionClosedError(endpoint_url=request.url) from error

    unique_id = f"local-{service}-{id(owner)}"
    client.meta.events.register(
        f"before-send.{service}",
        before_send,  # type: ignore[arg-type] # this event's handlers do answer
        unique_id=unique_id,
    )
    return unique_id
