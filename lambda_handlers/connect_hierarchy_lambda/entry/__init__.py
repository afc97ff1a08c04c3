"""The function's entry: events in, one answer out. It decides nothing about hierarchies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connect_hierarchy_lambda.entry.function import Function, LambdaContext

_function = Function()


def handler(event: Mapping[str, Any], context: LambdaContext) -> Any:
    """Serve one event.

    The answer to one of CloudFormation goes to its ResponseURL; the report of a check for drift is
    what an invocation gets.
    """
    return _function(event, context)
