"""What a decision can be: a question, a step, a wait, a refusal or the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_lambda.core.facts import Question
from connect_hierarchy_lambda.model.groups import Agent
from connect_hierarchy_lambda.model.ledger import Displaced, Record
from connect_hierarchy_lambda.model.messages import HierarchyError


@dataclass(frozen=True)
class Create:
    """Create the group of a record that has no id yet."""

    record: Record


@dataclass(frozen=True)
class Rename:
    """Rename a group in place."""

    record: Record
    name: str
    displaced: Displaced | None = None
    """What the record says afterwards: for which resource the group released its name."""


@dataclass(frozen=True)
class Tag:
    """Add or change tags.

    `gives_back` is True for tags that adoption overwrote; `forgets` removes the group's record from
    the ledger.
    """

    record: Record
    tags: Mapping[str, str]
    gives_back: bool = False
    forgets: bool = False


@dataclass(frozen=True)
class Untag:
    """Remove tags; `forgets` removes the group's record from the ledger."""

    record: Record
    keys: tuple[str, ...]
    forgets: bool = False


@dataclass(frozen=True)
class Delete:
    """Delete a group."""

    record: Record


@dataclass(frozen=True)
class MoveAgent:
    """Put an agent of a group into another group, or into none."""

    record: Record
    agent: Agent
    group_id: str | None


@dataclass(frozen=True)
class PutLevels:
    """Replace all levels of an instance."""

    record: Record
    """Stands for the structure; the ledger keeps no such record."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, instance_arn: str, names: tuple[str, ...]) -> PutLevels:
        """The call for an instance."""
        return cls(Record(instance_arn, None, "", "", id="put levels"), names)


Call = Create | Rename | Tag | Untag | Delete | MoveAgent | PutLevels


def forgets(call: Call) -> bool:
    """Whether the call removes the group's record from the ledger."""
    return isinstance(call, Delete) or (isinstance(call, Tag | Untag) and call.forgets)


def has_record(call: Call) -> bool:
    """Whether the ledger keeps a record of what the call changes."""
    return not isinstance(call, MoveAgent | PutLevels)


@dataclass(frozen=True)
class Ask:
    """Find the answers to these questions, then decide again."""

    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Step:
    """Write the records, make the calls, none of which depends on another, and decide again."""

    calls: tuple[Call, ...] = ()
    records: tuple[Record, ...] = ()
    """Records to write as they are now; for the calls' records the engine writes intentions."""

    forgotten: tuple[Record, ...] = ()
    """Records to remove."""

    levels: Mapping[str, Any] | None = None
    """What to write into the ledger about levels, None for no change."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refuse:
    """The request cannot be carried out."""

    error: HierarchyError
    records: tuple[Record, ...] = ()
    """Records to write as they are now."""


@dataclass(frozen=True)
class Wait:
    """Give the turn back, and decide again after a pause.

    After two minutes of waiting for the same, `then` is done instead. With a `slot`, the refusal is
    only noted for that record, since a rollback goes on without it.
    """

    doing: str
    why: str
    then: Refuse | Step
    slot: str = ""


@dataclass(frozen=True)
class Done:
    """Nothing is left to do."""

    groups: Mapping[str, Record] = field(default_factory=dict)
    """The group of each node of the wish, by key; a rollback can lack some."""

    warnings: tuple[str, ...] = ()


Decision = Ask | Step | Wait | Refuse | Done
