"""The one answer to CloudFormation: its limits, and how it is sent."""

from __future__ import annotations

import http.client
import json
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from connect_hierarchy_lambda.model.messages import one_line
from connect_hierarchy_lambda.ports.time import Schedule

logger = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 4096
_TIMEOUT = 10.0
_TRIES = 5
_PAUSE = 2.0
_SUCCESSES = range(200, 300)

Put = Callable[[str, bytes], int]
"""Sends a body to a URL with PUT; returns the HTTP status, or raises if there is no answer."""


def https_put(url: str, body: bytes) -> int:
    """PUT over HTTPS, with a time-out of 10 seconds for each operation."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(
        parts.netloc, timeout=_TIMEOUT, context=ssl.create_default_context()
    )
    try:
        # the signature in the URL covers an empty content type
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("PUT", path, body, {"content-type": ""})
        return connection.getresponse().status
    finally:
        connection.close()


def encoded(answer: Mapping[str, Any], given_id: str = "") -> bytes:
    """The answer in at most 4096 bytes; a longer one becomes a failure that says so.

    Names that Amazon Connect accepts are never that long. `given_id` is the physical id in the
    event, empty for a Create. A failed Update or Delete has to answer it; a failed Create answers
    its own, so that the Delete that follows finds what was made.
    """
    fields = {**answer, "Reason": one_line(str(answer.get("Reason") or "")) or "see the log"}
    body = _bytes(fields)
    if len(body) > MAX_ANSWER_BYTES:
        reason = (
            f"the answer has {len(body)} bytes, CloudFormation takes {MAX_ANSWER_BYTES}: "
            "shorten the names of the group and of those above it"
        )
        fields |= {"Status": "FAILED", "Reason": reason, "Data": {}}
        fields["PhysicalResourceId"] = given_id or answer["PhysicalResourceId"]
        body = _bytes(fields)
    return body


def _bytes(fields: Mapping[str, Any]) -> bytes:
    # half a surrogate pair, which JSON allows in a name, cannot be encoded
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


def send(
    url: str, answer: Mapping[str, Any], put: Put, schedule: Schedule, given_id: str = ""
) -> bool:
    """Send the answer, again if it does not arrive; False if it never arrives.

    The URL is a secret: neither it nor an exception that may contain it is logged. `given_id` is
    for `encoded`.
    """
    body = encoded(answer, given_id)
    for attempt in range(1, _TRIES + 1):
        try:
            status = put(url, body)
        except Exception as error:  # noqa: BLE001 - any text of one may have the URL in it
            outcome = type(error).__name__
        else:
            if status in _SUCCESSES:
                logger.info("answer sent", extra={"status": answer["Status"], "bytes": len(body)})
                return True
            outcome = f"HTTP status {status}"
        logger.warning("the answer did not arrive", extra={"attempt": attempt, "why": outcome})
        if attempt < _TRIES and schedule.left > _PAUSE:
            schedule.clock.sleep(_PAUSE)
    logger.error("CloudFormation was not told and will wait for its time-out")
    return False
