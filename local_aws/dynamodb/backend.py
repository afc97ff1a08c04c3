"""moto's DynamoDB with its own state, which can be copied cheaply."""

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
"""Calls whose answers moto has in the format of the wire, except for binary values."""


class _Table(Table):
    """A table whose copies share the items; code that changes an item copies it first.

    moto copies a table before each transaction, which would take longer for larger tables.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> _Table:
        image = copy.copy(self)
        # by the first part of the key: the items by its second part, or the only item
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
        """Change an item; earlier copies keep the former one."""
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
    """moto's response class, with the tables of one backend."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend

    @property
    def dynamodb_backend(self) -> Backend:
        """The backend with the tables, in place of moto's global one."""
        return self._backend

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        """An answer for the wire.

        moto would look up each member of each value in the service model, which takes half a
        millisecond for an item.
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
    """A value that JSON does not have: a binary one, or a set of these."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return list(value)
