"""Logs as JSON, one line for each decision, without the presigned URL."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from connect_hierarchy_lambda.model.messages import printable

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "aws_request_id"}
_QUIET = ("boto3", "botocore", "urllib3", "crhelper")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON: level, message, the request, and the record's extras."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__()
        self._request = request

    def format(self, record: logging.LogRecord) -> str:
        """The line with its line break, since the handler of Lambda's runtime adds none."""
        extras = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        line: dict[str, Any] = {
            "level": record.levelname,
            "message": record.getMessage(),
            **extras,
            **self._request,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        told = {key: value for key, value in line.items() if value not in ("", None)}
        # names stay readable; half a surrogate pair would make the log handler fail
        return printable(json.dumps(told, ensure_ascii=False, default=str)) + "\n"


def set_up(event: Mapping[str, Any]) -> None:
    """Make every line of this run say which request it belongs to."""

    def text(name: str) -> str:
        # a value that is not a text is not CloudFormation's, and can contain anything
        value = event.get(name)
        return value if isinstance(value, str) else ""

    fields = {
        "request": text("RequestType"),
        "resource": text("LogicalResourceId"),
        "stack": text("StackId").split(":stack/", 1)[-1],
        "request_id": text("RequestId"),
    }
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    if not root.handlers:
        # outside of Lambda, whose runtime has its own handler
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        handler.setFormatter(JsonLines(fields))
        if isinstance(handler, logging.StreamHandler):
            handler.terminator = ""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
