"""The answer to a call that the local AWS does not have, in the format of its service."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

_REST_XML = frozenset({"s3", "s3express", "route53", "cloudfront"})
_SERVICE = re.compile(r"Credential=[^/\s]+/[^/]+/[^/]+/(?P<service>[^/]+)/aws4_request")
_ACTION = re.compile(r"The (?P<action>\w+) action has not been implemented")

Answer = tuple[str, str, bytes]
"""Status line, content type and body."""


def answer(environ: Mapping[str, Any], error: NotImplementedError) -> Answer:
    """Say that the local AWS has no such call.

    Clients retry after none of the statuses.

    Args:
        environ: The request, as WSGI has it.
        error: What was missing: moto's message about an action, or our own.
    """
    found = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = found["service"] if found else "AWS"
    message = f"the local AWS does not have {_what(service, environ, str(error))}"
    if "HTTP_X_AMZ_TARGET" in environ:
        return _json("400 Bad Request", message, "application/x-amz-json-1.1")
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        inner = f"<Code>InvalidAction</Code><Message>{escape(message)}</Message>"
        if service == "ec2":
            body = f"<Response><Errors><Error>{inner}</Error></Errors></Response>"
        else:
            body = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>"
        return "400 Bad Request", "text/xml", body.encode()
    if service in _REST_XML:
        inner = f"<Code>NotImplemented</Code><Message>{escape(message)}</Message>"
        return "501 Not Implemented", "application/xml", f"<Error>{inner}</Error>".encode()
    return _json("404 Not Found", message, "application/json")


def _what(service: str, environ: Mapping[str, Any], error: str) -> str:
    action = _ACTION.search(error)
    if action is not None:
        name = "".join(word.title() for word in action["action"].split("_"))
        return f"the call {name} of {service}"
    if "HTTP_X_AMZ_TARGET" in environ:
        return f"the call {environ['HTTP_X_AMZ_TARGET'].rpartition('.')[2]} of {service}"
    return f"the call {environ['REQUEST_METHOD']} {environ['PATH_INFO']} of {service}"


def _json(status: str, message: str, content_type: str) -> Answer:
    document = {"__type": "UnknownOperationException", "message": message}
    return status, content_type, json.dumps(document).encode()
