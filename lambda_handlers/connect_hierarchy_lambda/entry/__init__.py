"""The function's entry: events in, one answer out. It decides nothing about hierarchies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connect_hierarchy_lambda.entry.function import Function, LambdaContext

_function = Function()


def handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Serve one event of CloudFormation; the answer goes to the event's ResponseURL."""
    _function(event, context)
