"""A CloudTrail without records, which the CDK CLI asks why a deployment has failed."""

from __future__ import annotations

import json
from typing import Any


def answer_lookup_events(request: Any, _full_url: str, _headers: Any) -> Any:
    """Answer LookupEvents without any event; moto does not have this call.

    Without an answer, the CLI would repeat the call for half a minute.
    """
    if not request.headers.get("X-Amz-Target", "").endswith(".LookupEvents"):
        msg = "CloudTrail answers LookupEvents alone"
        raise NotImplementedError(msg)
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"Events": []})
