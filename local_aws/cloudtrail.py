"""A CloudTrail that has recorded nothing: the CDK CLI asks it why a deployment has failed."""

from __future__ import annotations

import json
from typing import Any


def answer_lookup_events(request: Any, _full_url: str, _headers: Any) -> Any:
    """Answer LookupEvents as an account does whose trail has nothing to say; moto has no such call.

    Without an answer the CLI would try again for half a minute.
    """
    if not request.headers.get("X-Amz-Target", "").endswith(".LookupEvents"):
        msg = "CloudTrail answers LookupEvents alone"
        raise NotImplementedError(msg)
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"Events": []})
