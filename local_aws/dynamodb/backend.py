"""moto's DynamoDB with a state of its own, of which an image costs little."""

from __future__ import annotations

import base64
import copy
import json
from collections import defaultdict
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

_OF_ITEMS = frozenset(
    {
        "GetItem",
        "BatchGetItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
    }
)
"""Calls whose answers moto has as the wire wants them, but for binary values."""


class _Table(Table):
    """A table whose copy shares the items: code that changes one makes a copy of it first.

    moto copies a table before each transaction, which otherwise takes longer the more it holds.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> _Table:
        image = copy.copy(self)
        # by the first part of the key the items with its second parts, or the only one
        items: dict[Any, Any] = self.items
        image.items = defaultdict(
            dict,
            {key: dict(of) if isinstance(of, dict) else of for key, of in items.items()},
        )
        return image


class Backend(DynamoDBBackend):
    """The tables of one account and Region."""

    def create_table(self, name: str, *args: Any, **options: Any) -> Table:
        """Make a table."""
        table: Table = super().create_table(name, *args, **options)
        # moto names its own class in the method that makes it
        table.__class__ = _Table  # type: ignore[type-abstract]
        return table

    def update_item(self, table_name: str, key: dict[str, Any], *args: Any, **options: Any) -> Item:
        """Change an item; images keep the one that was there."""
        table = self.get_table(table_name)
        hash_value, range_value = self.get_keys_value(table, key)
        item = table.get_item(hash_value, range_value)
        if item is not None:
            place: dict[Any, Any] = table.items if range_value is None else table.items[hash_value]
            place[hash_value if range_value is None else range_value] = copy.deepcopy(item)
        return super().update_item(table_name, key, *args, **options)

    def image(self) -> dict[str, Table]:
        """The tables as they are now."""
        return {name: copy.deepcopy(table) for name, table in self.tables.items()}


class Response(DynamoHandler):
    """moto's answers, from the tables of one backend."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend

    @property
    def dynamodb_backend(self) -> Backend:
        """Where the tables are, in place of moto's of the whole process."""
        return self._backend

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        """An answer for the wire.

        moto would look every member of every value up in the service model: half a millisecond an
        item.
        """
        result = action_result.result
        if self._get_action() not in _OF_ITEMS or not isinstance(result, dict):
            answer: TYPE_RESPONSE = super().serialized(action_result)
            return answer
        return (
            200,
            {"Content-Type": "application/x-amz-json-1.0"},
            json.dumps(result, default=_text),
        )


def _text(value: Any) -> Any:
    """A value that JSON has not: a binary one, or what a set of them is kept in."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return list(value)
