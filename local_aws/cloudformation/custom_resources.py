"""The conversation between CloudFormation and the function behind a custom resource."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from local_aws.clock import Clock
from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    ResourceCancelledError,
    ResourceFailedError,
    ResourceRefusedError,
    ResourceRequest,
)
from local_aws.cloudformation.stacks import random_suffix
from local_aws.cloudformation.template import as_text, stringified

MAX_ANSWER_BYTES = 4096
MAX_PHYSICAL_ID_BYTES = 1024
DEFAULT_SERVICE_TIMEOUT = 3600
MAX_SERVICE_TIMEOUT = 3600
MAX_EVENT_BYTES = 256 * 1024
"""The largest event in bytes. Lambda takes 1 MB; whether CloudFormation does is not documented."""


class ReversedUpdateId(Enum):
    """The id in the reversed Update of a replaced resource, which is not documented."""

    NEW = "new"
    ORIGINAL = "original"


@dataclass(eq=False)
class Conversation:
    """One request to a function, and its answer."""

    token: str
    event: Mapping[str, Any]
    sent_at: float
    answers: list[bytes] = field(default_factory=list)
    closed: bool = False
    """Whether CloudFormation has stopped listening."""


class CustomResources:
    """Sends requests through `invoke` and receives the answers at their URLs.

    `invoke(service_token, event)` raises LookupError where there is no such function.
    `url_for(token)` returns the HTTPS URL that leads to `deliver`, without a query. An event of
    more than `max_event_bytes` is refused. Without `dated_urls` no URL says when it was signed.
    """

    def __init__(
        self,
        clock: Clock,
        invoke: Callable[[str, dict[str, Any]], None],
        url_for: Callable[[str], str],
        *,
        max_event_bytes: int = MAX_EVENT_BYTES,
        dated_urls: bool = True,
    ) -> None:
        self._clock = clock
        self._dated_urls = dated_urls
        self._invoke = invoke
        self._url_for = url_for
        self._max_event_bytes = max_event_bytes
        self.conversations: dict[str, Conversation] = {}

    def create(self, request: ResourceRequest) -> Outcome:
        """Ask for a Create; without a usable answer the resource gets an invented id."""
        conversation = self._begin("Create", request)
        try:
            return self._answer(conversation, request)
        except ResourceFailedError as error:
            made_up = f"{request.stack.name}-{request.declaration.logical_id}-{random_suffix()}"
            error.physical_id = error.physical_id or made_up
            raise

    def update(self, request: ResourceRequest) -> Outcome:
        """Ask for an Update."""
        old, new = (p.get("ServiceToken") for p in (request.old_properties, request.properties))
        if old != new:
            msg = "Modifying service token is not allowed."
            raise ResourceRefusedError(msg)
        conversation = self._begin(
            "Update",
            request,
            PhysicalResourceId=request.physical_id,
            OldResourceProperties=stringified(request.old_properties),
        )
        return self._answer(conversation, request)

    def delete(self, request: ResourceRequest) -> None:
        """Ask for a Delete."""
        conversation = self._begin("Delete", request, PhysicalResourceId=request.physical_id)
        self._answer(conversation, request)

    def replaces(self, old: Properties, new: Properties) -> bool:  # noqa: ARG002
        """Never known beforehand, since the answer to an Update decides."""
        return False

    def deliver(self, token: str, body: bytes) -> int:
        """Take an answer that was PUT to a URL, and return the HTTP status that storage would give.

        As with the bucket behind a real presigned URL, a second or late answer is accepted, too,
        but nobody reads it.
        """
        conversation = self.conversations.get(token)
        if conversation is None:
            return 403
        conversation.answers.append(body)
        self._clock.changed()
        return 200

    def _begin(self, request_type: str, request: ResourceRequest, **further: Any) -> Conversation:
        """Invoke the function."""
        token = secrets.token_urlsafe(24)
        _service_timeout(request.properties)
        service_token = request.properties.get("ServiceToken")
        if not service_token:
            msg = "Missing required property: ServiceToken"
            raise ResourceFailedError(msg)
        event = {
            "RequestType": request_type,
            "ServiceToken": service_token,
            "ResponseURL": f"{self._url_for(token)}?{self._signature(token)}",
            "StackId": request.stack.stack_id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": request.declaration.logical_id,
            "ResourceType": request.declaration.type,
            "ResourceProperties": stringified(request.properties),
            **further,
        }
        size = len(json.dumps(event).encode())
        if size > self._max_event_bytes:
            msg = (
                f"Request must be smaller than {self._max_event_bytes} bytes for the "
                f"InvokeFunction operation, this one has {size}"
            )
            raise ResourceFailedError(msg)
        conversation = Conversation(token, event, self._clock.now())
        self.conversations[token] = conversation
        try:
            self._invoke(service_token, event)
        except LookupError as error:
            conversation.closed = True
            raise ResourceFailedError(str(error.args[0] if error.args else error)) from None
        return conversation

    def _signature(self, token: str) -> str:
        """The query of a presigned URL, Signature Version 4, with the time of the signature."""
        date = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        return urlencode(
            {
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                **({"X-Amz-Date": date} if self._dated_urls else {}),
                "X-Amz-Expires": "7200",
                "X-Amz-Signature": token[::-1],
            }
        )

    def _answer(self, conversation: Conversation, request: ResourceRequest) -> Outcome:
        """Wait for the function's answer, until the time-out or a cancellation."""
        self._clock.wait_until(
            lambda: bool(conversation.answers) or request.cancelled(),
            timeout=_service_timeout(request.properties),
        )
        conversation.closed = True
        if conversation.answers:
            return _outcome(conversation)
        if request.cancelled():
            is_create = conversation.event["RequestType"] == "Create"
            msg = f"Resource {'creation' if is_create else 'update'} cancelled"
            raise ResourceCancelledError(msg)
        msg = (
            "CloudFormation did not receive a response from your Custom Resource. Please check "
            f"your logs for requestId [{conversation.event['RequestId']}]."
        )
        raise ResourceFailedError(msg)


def _service_timeout(properties: Properties) -> int:
    """Seconds to wait for an answer."""
    given = properties.get("ServiceTimeout", DEFAULT_SERVICE_TIMEOUT)
    text = as_text(given)
    if not text.isdecimal() or not 1 <= int(text) <= MAX_SERVICE_TIMEOUT:
        msg = (
            f"Properties validation failed: ServiceTimeout is {given!r}, a whole number of seconds "
            f"from 1 to {MAX_SERVICE_TIMEOUT} is allowed"
        )
        raise ResourceFailedError(msg)
    return int(text)


def _outcome(conversation: Conversation) -> Outcome:
    event, body = conversation.event, conversation.answers[0]
    if len(body) > MAX_ANSWER_BYTES:
        msg = "Response object is too long."
        raise ResourceFailedError(msg)
    try:
        answer = json.loads(body)
        physical_id = answer["PhysicalResourceId"]
        status = answer["Status"]
        echoed = {name: answer[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    except (ValueError, KeyError, TypeError) as error:
        msg = f"Invalid response object: {error!r} in the answer of {event['ServiceToken']}"
        raise ResourceFailedError(msg) from None
    if (
        not isinstance(physical_id, str)
        or not physical_id
        or len(physical_id.encode()) > MAX_PHYSICAL_ID_BYTES
    ):
        msg = "Invalid PhysicalResourceId"
        raise ResourceFailedError(msg)
    if any(event[name] != value for name, value in echoed.items()):
        msg = "Invalid response object: it answers another request"
        raise ResourceFailedError(msg)
    if status == "FAILED":
        reason = answer.get("Reason")
        if not reason:
            msg = "Invalid response object: FAILED without a Reason"
            raise ResourceFailedError(msg, physical_id)
        message = (
            f"Received response status [FAILED] from custom resource. Message returned: {reason} "
            f"(RequestId: {event['RequestId']})"
        )
        raise ResourceFailedError(message, physical_id)
    if status != "SUCCESS":
        msg = f"Invalid Status: {status!r}"
        raise ResourceFailedError(msg)
    data = answer.get("Data") or {}
    if not isinstance(data, dict):
        msg = "Invalid response object: Data must be a map"
        raise ResourceFailedError(msg, physical_id)
    return Outcome(physical_id, data)
