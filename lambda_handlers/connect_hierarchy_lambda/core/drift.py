"""What differs between the ledger of a stack and what Amazon Connect shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from itertools import zip_longest
from typing import Any

from connect_hierarchy_lambda.core.facts import (
    Facts,
    ListNames,
    LookAt,
    Question,
    ReadLevels,
    ReadTemplate,
    Survey,
)
from connect_hierarchy_lambda.core.view import path_of
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Entry, LastWish, Phase, Record, RequestType
from connect_hierarchy_lambda.model.ownership import KEY_TAG, Owner
from connect_hierarchy_lambda.model.properties import StructureProperty

Names = tuple[str, ...]


class Kind(StrEnum):
    """The kinds of differences."""

    RENAMED = "RENAMED"
    MOVED = "MOVED"
    """The group is gone, and another with its owner tags stands at another place."""

    DELETED = "DELETED"
    RETAGGED = "RETAGGED"
    """Tags that the stack set have other values, or are gone."""

    TAKEN = "TAKEN"
    """The group bears the owner tags of another stack."""

    LEVEL = "LEVEL"
    """A level has another name, or is gone."""

    LEFT = "LEFT"
    """The stack is done with the group and could not delete it."""

    UNRECORDED = "UNRECORDED"
    """The group bears the owner tags of this stack, whose ledger does not know it."""


REPAIRED = frozenset({Kind.RENAMED, Kind.MOVED, Kind.DELETED, Kind.RETAGGED, Kind.LEVEL})
"""What a repair brings back."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the stack left it."""

    kind: Kind
    resource: str
    """Logical id of the resource that owns it."""

    path: str
    """The names down to the group, as the ledger has them; `level 2` of a level."""

    key: str = ""
    group_id: str = ""
    was: str = ""
    """What the ledger says: a name, tags, a path."""

    now: str = ""
    """What Amazon Connect shows; of a group that was LEFT, why."""


@dataclass(frozen=True)
class Seen:
    """The data that a comparison uses."""

    stack: str
    """`<stack name>/<uuid>`."""

    records: Mapping[str, Record]
    entries: Mapping[str, Entry]
    wishes: Mapping[str, LastWish]
    facts: Facts = field(default_factory=Facts)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions to ask next; if there are none, the comparison can be made."""
        asked: list[Question] = [ReadTemplate()]
        for instance_arn in sorted({record.instance_arn for record in self.records.values()}):
            asked += [ListNames(instance_arn), Survey(instance_arn)]
        unknown = tuple(q for q in asked if not self.facts.knows(q))
        if unknown:
            return unknown
        further: list[Question] = [ReadLevels(arn) for arn, _ in self.levels.values()]
        # neither of the two lists is certain to show everything
        further += [LookAt(r.instance_arn, r.id) for r in self.known if r.id not in self._listed]
        return tuple(q for q in dict.fromkeys(further) if not self.facts.knows(q))

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Everything that differs, in the order of paths."""
        found = [*self._of_records(), *self._of_levels(), *self._of_strays()]
        return tuple(sorted(found, key=lambda d: (d.path.split("/"), d.kind, d.group_id)))

    # what is compared --------------------------------------------------------------------------

    @cached_property
    def known(self) -> tuple[Record, ...]:
        """The records that say how groups should be, without those that CloudFormation retained."""
        return tuple(
            record
            for record in self.records.values()
            if record.id and (self._is_kept(record) or self._is_left(record))
        )

    @cached_property
    def levels(self) -> Mapping[str, tuple[str, Names]]:
        """The instance of each structure and its wished level names, by its logical id.

        Not those of an instance that the structure has left: CloudFormation retained them.
        """
        found: dict[str, tuple[str, Names]] = {}
        for wish in self.wishes.values():
            values: Mapping[str, Any] = wish.properties
            entry = self.entries.get(wish.resource)
            is_there = entry is not None and entry.established and self._is_declared(wish.resource)
            if is_there and StructureProperty.LEVELS in values:
                names = tuple(values[StructureProperty.LEVELS])
                found[wish.resource] = str(values[StructureProperty.INSTANCE_ARN]), names
        return found

    @cached_property
    def moved(self) -> Mapping[str, Group]:
        """Groups with the owner tags of groups that are gone, by the ids of the latter."""
        free = dict(self._strays)
        found: dict[str, Group] = {}
        for record in self.known:
            if record.phase is not Phase.LIVE or self.shown(record) is not None:
                continue
            for group in free.values():
                owner = Owner(self.stack, record.resource)
                if (Owner.of(group.tags), group.tags.get(KEY_TAG, "")) == (owner, record.key):
                    found[record.id] = free.pop(group.id)
                    break
        return found

    def shown(self, record: Record) -> Group | None:
        """The group as Amazon Connect shows it, None where it is gone."""
        if record.id in self._listed:
            return self._listed[record.id]
        return self.facts.group(LookAt(record.instance_arn, record.id))

    def taken_by(self, record: Record) -> str:
        """The other stack whose owner tags are on the group, empty where there is none."""
        group = self.shown(record)
        owner = Owner.of(group.tags) if group is not None else None
        return owner.stack if owner is not None and owner.stack != self.stack else ""

    def changed_tags(self, record: Record) -> list[str]:
        """The keys of those tags of the stack that show other values, or do not show."""
        group = self.shown(record)
        shown = group.tags if group is not None else {}
        return sorted(key for key, value in record.tags.items() if shown.get(key) != value)

    # differences -------------------------------------------------------------------------------

    def _of_records(self) -> Iterator[Difference]:
        for record in self.known:
            for kind, was, now in self._of_record(record):
                path = path_of(self.records, record)
                yield Difference(kind, record.resource, path, record.key, record.id, was, now)

    def _of_record(self, record: Record) -> Iterator[tuple[Kind, str, str]]:
        group = self.shown(record)
        if record.phase is not Phase.LIVE or not self._is_declared(record.resource):
            if group is not None:
                yield Kind.LEFT, "", record.why or "the deployment did not end deleting it"
        elif record.id in self.moved:
            yield Kind.MOVED, path_of(self.records, record), self.moved[record.id].path_of_names
        elif group is None:
            yield Kind.DELETED, record.name, ""
        elif other := self.taken_by(record):
            yield Kind.TAKEN, self.stack, other
        else:
            if group.name != record.name:
                yield Kind.RENAMED, record.name, group.name
            if keys := self.changed_tags(record):
                yield Kind.RETAGGED, _written(record.tags, keys), _written(group.tags, keys)

    def _of_levels(self) -> Iterator[Difference]:
        for resource, (instance_arn, names) in self.levels.items():
            there = self.facts.levels(ReadLevels(instance_arn))
            for number, (name, now) in enumerate(zip_longest(names, there[: len(names)]), start=1):
                if name != now:
                    yield Difference(
                        Kind.LEVEL, resource, f"level {number}", was=name, now=now or ""
                    )

    def _of_strays(self) -> Iterator[Difference]:
        moved = {group.id for group in self.moved.values()}
        for group in self._strays.values():
            owner = Owner.of(group.tags)
            if owner is not None and group.id not in moved:
                path = "/".join(name for _, name in group.path)
                key = group.tags.get(KEY_TAG, "")
                yield Difference(Kind.UNRECORDED, owner.resource, path, key, group.id)

    # what is there -----------------------------------------------------------------------------

    @cached_property
    def _listed(self) -> Mapping[str, Group]:
        """The groups that both lists show, with the names from the list that lags less."""
        listed: dict[str, Group] = {}
        for question, answer in self.facts.answers.items():
            if isinstance(question, Survey):
                names = self.facts.names(ListNames(question.instance_arn))
                listed |= {g.id: replace(g, name=names[g.id]) for g in answer if g.id in names}
        return dict(sorted(listed.items()))

    @property
    def _strays(self) -> Mapping[str, Group]:
        """Groups with owner tags of this stack and without a record, by their ids."""
        owned = {i: (g, Owner.of(g.tags)) for i, g in self._listed.items() if i not in self.records}
        return {i: g for i, (g, owner) in owned.items() if owner and owner.stack == self.stack}

    def _is_left(self, record: Record) -> bool:
        """Whether the stack is done with a group that it should have deleted."""
        if record.phase is Phase.LEFT:
            return True
        entry = self.entries.get(record.resource)
        last = entry.current if entry else None
        return last is not None and last.type is RequestType.DELETE and last.answer is None

    def _is_kept(self, record: Record) -> bool:
        """Whether the resource is declared and the group was not retained."""
        declaration = (self.facts.template() or {}).get(record.resource, {})
        policy = str(declaration.get("UpdateReplacePolicy", ""))
        is_retained = record.phase is Phase.RETIRED and policy.startswith("Retain")
        return self._is_declared(record.resource) and not is_retained

    def _is_declared(self, resource: str) -> bool:
        template = self.facts.template()
        return template is None or resource in template


def _written(tags: Mapping[str, str], keys: list[str]) -> str:
    return ", ".join(f"{key}={tags[key]}" if key in tags else f"no {key}" for key in keys)
