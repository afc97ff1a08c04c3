"""The ledger in a DynamoDB table with the keys `pk` and `sk`, both of them text.

The items of a stack are in one partition: `turn`, `resource#<logical id>`, `record#<slot>`,
`change#<time>#<new id>` and `wish#<logical id>`. Everything but the turn is JSON in the attribute
`doc`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connect_hierarchy_lambda.model.ledger import (
    Begun,
    Displaced,
    Entry,
    Forward,
    IdChange,
    Image,
    Intention,
    LastWish,
    Origin,
    Phase,
    Record,
    RequestType,
)
from connect_hierarchy_lambda.ports.calls import PassingError, Refusal, call
from connect_hierarchy_lambda.ports.ledger import LEASE_SECONDS, Turn, TurnLostError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONDITION_FAILED = "ConditionalCheckFailedException"
_TRANSACTION_CANCELED = "TransactionCanceledException"
_CONFLICT = "TransactionConflict"
_IN_PROGRESS = "TransactionInProgressException"
_MOST_ITEMS = 99
"""TransactWriteItems takes 100 items, of which one is the check of the turn."""

_IS_FREE = "attribute_not_exists(holder) OR holder = :run OR lease_until < :now"
_HAS_IT = "holder = :run AND serial_number = :serial"

Item = dict[str, Any]


class DynamoDbLedger:
    """The ledger of one stack; see `Ledger`. Its calls raise Refusal or PassingError."""

    def __init__(self, client: DynamoDBClient, table: str, stack: str) -> None:
        self._client = client
        self._table = table
        self._stack = stack

    def take_turn(self, run: str, now: float) -> Turn | None:
        """Take the turn; None if another run has it."""
        until = now + LEASE_SECONDS
        try:
            answer = call(
                self._client.update_item,
                TableName=self._table,
                Key=self._key("turn"),
                UpdateExpression="SET holder = :run, lease_until = :until ADD serial_number :one",
                ConditionExpression=_IS_FREE,
                ExpressionAttributeValues={
                    ":run": {"S": run},
                    ":now": {"N": repr(now)},
                    ":until": {"N": repr(until)},
                    ":one": {"N": "1"},
                },
                ReturnValues="UPDATED_OLD",
            )
        except Refusal as refusal:
            if refusal.code == _CONDITION_FAILED:
                return None
            raise
        before = answer.get("Attributes", {})
        serial = int(before.get("serial_number", {"N": "0"})["N"]) + 1
        return Turn(run, serial, until, None if "holder" in before else self._saved_pace())

    def _saved_pace(self) -> Mapping[str, Sequence[float]]:
        item = self._get("pace")
        pace: Mapping[str, Sequence[float]] = json.loads(item["doc"]["S"]) if item else {}
        return pace

    def give_turn(self, turn: Turn, pace: Mapping[str, Sequence[float]]) -> None:
        """Give the turn back with the buckets of the pace; nothing happens if it was lost."""
        values = {":run": {"S": turn.run}, ":serial": {"N": str(turn.serial)}}
        free: Item = {
            "TableName": self._table,
            "Key": self._key("turn"),
            "UpdateExpression": "REMOVE holder, lease_until",
            "ConditionExpression": _HAS_IT,
            "ExpressionAttributeValues": values,
        }
        try:
            self._transact([{"Update": free}, self._put("pace", pace)])
        except TurnLostError:
            return

    def entry(self, resource: str) -> Entry | None:
        """The entry of a resource, None if the ledger does not know it."""
        item = self._get(f"resource#{resource}")
        return entry_of(json.loads(item["doc"]["S"])) if item else None

    def entries(self) -> dict[str, Entry]:
        """The entries of all resources of the stack, by logical id."""
        found = [entry_of(json.loads(item["doc"]["S"])) for item in self._query("resource#")]
        return {entry.resource: entry for entry in found}

    def last_wishes(self) -> dict[str, LastWish]:
        """The last successful wish of each resource of the stack, by logical id."""
        found = [LastWish(**json.loads(item["doc"]["S"])) for item in self._query("wish#")]
        return {wish.resource: wish for wish in found}

    def records(self) -> dict[str, Record]:
        """Every record of the stack, by its slot."""
        found = [record_of(json.loads(item["doc"]["S"])) for item in self._query("record#")]
        return {record.slot: record for record in found}

    def write(
        self,
        turn: Turn,
        *,
        entry: Entry | None = None,
        records: Sequence[Record] = (),
        forgotten: Sequence[Record] = (),
        changes: Sequence[IdChange] = (),
        wish: LastWish | None = None,
    ) -> None:
        """Write all of this; TurnLostError if another run has the turn now.

        More than 99 items are written in several transactions. Each is useful alone, since such a
        step makes no call and is decided again if it is interrupted.
        """
        items = [self._put(f"record#{record.slot}", asdict(record)) for record in records]
        kept = {record.slot for record in records}
        items += [
            {"Delete": {"TableName": self._table, "Key": self._key(f"record#{record.slot}")}}
            for record in forgotten
            if record.slot not in kept
        ]
        items += [self._put(f"change#{c.at:017.3f}#{c.new_id}", asdict(c)) for c in changes]
        if entry is not None:
            items.append(self._put(f"resource#{entry.resource}", asdict(entry)))
        if wish is not None:
            # not in the entry, which every turn reads, since properties can have a hundred
            # kilobytes
            items.append(self._put(f"wish#{wish.resource}", asdict(wish)))
        check: Item = {
            "TableName": self._table,
            "Key": self._key("turn"),
            "ConditionExpression": _HAS_IT,
            "ExpressionAttributeValues": {
                ":run": {"S": turn.run},
                ":serial": {"N": str(turn.serial)},
            },
        }
        for first in range(0, len(items), _MOST_ITEMS):
            self._transact([{"ConditionCheck": check}, *items[first : first + _MOST_ITEMS]])

    def id_changes(self) -> list[IdChange]:
        """Every change of an id in this stack, oldest first."""
        return [IdChange(**json.loads(item["doc"]["S"])) for item in self._query("change#")]

    # --------------------------------------------------------------------------------------------

    def _key(self, sort: str) -> Item:
        return {"pk": {"S": self._stack}, "sk": {"S": sort}}

    def _put(self, sort: str, value: Any) -> Item:
        text = json.dumps(value, separators=(",", ":"))
        return {"Put": {"TableName": self._table, "Item": {**self._key(sort), "doc": {"S": text}}}}

    def _get(self, sort: str) -> Item | None:
        answer = call(
            self._client.get_item, TableName=self._table, Key=self._key(sort), ConsistentRead=True
        )
        item: Item | None = answer.get("Item")
        return item

    def _query(self, begins: str) -> Iterator[Item]:
        further: Item = {}
        while True:
            page = call(
                self._client.query,
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues={":pk": {"S": self._stack}, ":sk": {"S": begins}},
                ConsistentRead=True,
                **further,
            )
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            further = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _transact(self, items: list[Item]) -> None:
        """Write all items or none; the same transaction sent twice is one, by its token."""
        token = str(uuid.uuid4())

        def once() -> None:
            call(self._client.transact_write_items, TransactItems=items, ClientRequestToken=token)

        try:
            _once_more_if_unknown(once)
        except Refusal as refusal:
            if refusal.code == _IN_PROGRESS or _CONFLICT in refusal.message:
                raise PassingError(str(refusal), may_be_done=False) from None
            if refusal.code == _TRANSACTION_CANCELED:
                raise TurnLostError from None
            raise


def _once_more_if_unknown(operation: Callable[[], None]) -> None:
    """Try again at once if the answer was lost: with the token, both calls count as one."""
    try:
        operation()
    except PassingError as error:
        if not error.may_be_done:
            raise
        operation()


def record_of(fields: Mapping[str, Any]) -> Record:
    """A record as a value for JSON."""
    values = dict(fields)
    image, displaced = values.pop("image"), values.pop("displaced")
    if image is not None:
        image = Image(
            **{**image, "phase": Phase(image["phase"]), "origin": Origin(image["origin"])}
        )
    return Record(
        **{
            **values,
            "phase": Phase(values["phase"]),
            "origin": Origin(values["origin"]),
            "intention": Intention(values["intention"]),
            "open_tags": tuple(values["open_tags"]),
        },
        image=image,
        displaced=Displaced(**displaced) if displaced is not None else None,
    )


def entry_of(fields: Mapping[str, Any]) -> Entry:
    """An entry as a value for JSON."""
    values = dict(fields)
    begun, forward = values.pop("begun"), values.pop("forward")
    return Entry(
        **values,
        begun=tuple(Begun(**{**one, "type": RequestType(one["type"])}) for one in begun),
        forward=Forward(**forward) if forward is not None else None,
    )
