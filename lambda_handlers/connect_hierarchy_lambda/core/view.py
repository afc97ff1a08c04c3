"""Everything a decision may rest on, in one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from connect_hierarchy_lambda.core.facts import Facts, Survey, Surveyed
from connect_hierarchy_lambda.core.wish import Direction, Resource, Wish, WishedGroup
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Image, Intention, Origin, Phase, Record
from connect_hierarchy_lambda.model.ownership import STACK_TAG, Owner

_AGENTS_A_STEP = 5
_BY_PREFERENCE = (Phase.LIVE, Phase.RETIRED, Phase.LEFT)


@dataclass(frozen=True)
class View:
    """What a run sees at the beginning of a step."""

    resource: Resource
    direction: Direction
    wish: Wish
    request: str
    """Id of the request."""

    records: Mapping[str, Record]
    """Every record of the stack, by its slot."""

    facts: Facts = field(default_factory=Facts)
    undone: str = ""
    """Id of the forward request whose images a rollback restores, empty for none."""

    physical_id: str = ""
    """The physical id in the event."""

    is_last: bool = False
    """Whether no clean-up follows, so that a group that is not deleted now stays."""

    stack_goes: bool = False
    """Whether the whole stack is deleted."""

    finds_again: bool = False
    """Whether this creates a resource that CloudFormation forgot and that succeeded before."""

    previous: Wish | None = None
    """The resource's wish before, to restore a lost ledger."""

    is_unknown: bool = False
    """Whether the resource exists but the ledger does not know it."""

    levels: Mapping[str, Any] = field(default_factory=dict)
    """What the ledger knows of levels, by instance ARN."""

    apart: frozenset[str] = frozenset()
    """Ids of groups of the stack that are not touched, whatever the wish says."""

    at_once: int = 1
    """How many calls may be on their way at the same time."""

    @property
    def agents_at_once(self) -> int:
        """How many agents a step moves; after that, other runs can take the turn."""
        return max(self.at_once, _AGENTS_A_STEP)

    @cached_property
    def own(self) -> tuple[Record, ...]:
        """The records of this resource, always in the same order."""
        mine = self.resource.logical_id
        return tuple(
            sorted((r for r in self.records.values() if r.resource == mine), key=lambda r: r.slot)
        )

    @cached_property
    def _own_by_key(self) -> Mapping[str, list[Record]]:
        """The records of this resource by their keys: a tree can have thousands."""
        found: dict[str, list[Record]] = {}
        for record in self.own:
            found.setdefault(record.key, []).append(record)
        return found

    @cached_property
    def standing(self) -> Mapping[str, Record]:
        """The record of each node that has one under its wished parent, by key."""
        found: dict[str, Record] = {}
        for node, parent_id in self._below_what_stands(found):
            record = self.record_at(node.key, parent_id)
            if record is not None:
                found[node.key] = record
        return found

    def _below_what_stands(
        self, found: Mapping[str, Record]
    ) -> Iterator[tuple[WishedGroup, str | None]]:
        """The nodes whose parents are there, with the parents' ids; `found` grows meanwhile."""
        for node in self.wish.nodes:
            if node.parent is None:
                yield node, self.wish.parent_id
            elif node.parent in found and found[node.parent].id not in self.facts.gone:
                yield node, found[node.parent].id

    @property
    def reachable(self) -> Iterator[tuple[WishedGroup, str | None]]:
        """The nodes whose parents are there, with the parents' ids."""
        return self._below_what_stands(self.standing)

    def record_at(self, key: str, parent_id: str | None) -> Record | None:
        """The record of a node under a parent: LIVE before RETIRED before LEFT."""
        named = self._own_by_key.get(key, ())
        there = [r for r in named if r.id and self._is_under(r, parent_id)]
        return min(there, key=lambda r: _BY_PREFERENCE.index(r.phase), default=None)

    def _is_under(self, record: Record, parent_id: str | None) -> bool:
        return record.instance_arn == self.wish.instance_arn and record.parent_id == parent_id

    @cached_property
    def rekeyed(self) -> Mapping[str, Record]:
        """Records whose key is not wished, for the nodes that have their place and name.

        A node that moves is not among them: it brings its own group along.
        """
        found: dict[str, Record] = {}
        moving = {record.key for record in self.moved}
        for node, parent_id in self.reachable:
            if node.key in self.standing or node.key in moving:
                continue
            place = (self.wish.instance_arn, parent_id, node.name)
            for record in self.own:
                is_free = record.key not in self.wish.by_key and record.id
                if is_free and is_certain(record) and record.place == place:
                    found[node.key] = record
                    break
        return found

    @cached_property
    def moved(self) -> tuple[Record, ...]:
        """LIVE records of nodes that are wished under another parent."""
        return tuple(
            record
            for record in self.own
            if record.phase is Phase.LIVE
            and record.id
            and record.key in self.wish.by_key
            and self.standing.get(record.key) != record
        )

    @cached_property
    def unwished(self) -> tuple[Record, ...]:
        """LIVE records of nodes that the wish does not have."""
        kept = {record.slot for record in self.rekeyed.values()}
        return tuple(
            record
            for record in self.own
            if record.phase is Phase.LIVE
            and record.id
            and record.key not in self.wish.by_key
            and record.slot not in kept
        )

    @property
    def released(self) -> tuple[Record, ...]:
        """Adopted groups that leave the wish: they go back to where they came from."""
        return tuple(r for r in self.unwished if r.origin is Origin.ADOPTED)

    @cached_property
    def written_keys(self) -> Mapping[str, str]:
        """The keys of the wish before this one, as users wrote them."""
        nodes = self.previous.nodes if self.previous else ()
        return {node.key: node.written_key for node in nodes}

    def surveyed(self, survey: Survey) -> Surveyed:
        """What the answer to a survey shows, in order."""
        if survey not in self._surveyed:
            self._surveyed[survey] = Surveyed(self.facts.groups(survey))
        return self._surveyed[survey]

    @cached_property
    def _surveyed(self) -> dict[Survey, Surveyed]:
        return {}

    def path_of(self, record: Record) -> str:
        """The names down to a group, joined with slashes, as far up as the ledger knows them."""
        return path_of(self.records, record)

    def level_of(self, record: Record) -> int:
        """The number of a group's level, 0 where it is below one that the ledger does not know."""
        line = lineage(self.records, record)
        return 0 if line[-1].parent_id else len(line)

    @property
    def goes_back(self) -> bool:
        """Whether a forward request is undone."""
        return self.direction is Direction.BACK

    def is_undone(self, record: Record) -> bool:
        """Whether the undone request made or adopted the group, if there is such a request."""
        return bool(self.undone) and record.came_by == self.undone

    def with_image(self, record: Record) -> Record:
        """The record with an image of its present state, unless it has one already."""
        if self.goes_back or (record.image is not None and record.image.request == self.request):
            return record
        image = Image(
            request=self.request,
            resource=record.resource,
            key=record.key,
            name=record.name,
            phase=record.phase,
            origin=record.origin,
            tags=record.tags,
        )
        return replace(record, image=image)


def is_certain(record: Record) -> bool:
    """Whether the name of the group is known."""
    return record.intention is Intention.NONE


def changed(record: Record, wanted: Mapping[str, str]) -> dict[str, str]:
    """Those of the wanted tags that the group may lack."""
    return {k: v for k, v in wanted.items() if k in record.open_tags or record.tags.get(k) != v}


def passed_on(view: View, group: Group) -> Owner | None:
    """The resource of another stack that now owns a group of the ledger, by the group's tags."""
    owner = Owner.of(group.tags)
    return None if owner is None or owner.stack == view.resource.stack else owner


def shows_the_past(record: Record, owner: Owner) -> bool:
    """Whether an adopted group shows the owner that it was adopted from, as old reads can."""
    return record.origin is Origin.ADOPTED and record.as_found.get(STACK_TAG) == owner.stack


def deepest_first(records: tuple[Record, ...]) -> list[Record]:
    """The records, each before the one above it."""
    by_id = {record.id: record for record in records}
    return sorted(records, key=lambda record: len(lineage(by_id, record)), reverse=True)


def lineage(records: Mapping[str, Record], record: Record) -> list[Record]:
    """A group and the groups above it, itself first, as far up as `records` has them."""
    line = [record]
    while (above := records.get(line[-1].parent_id or "")) is not None:
        line.append(above)
    return line


def path_of(records: Mapping[str, Record], record: Record) -> str:
    """The names down to a group, joined with slashes, as far up as the ledger knows them."""
    return "/".join(above.name for above in reversed(lineage(records, record)))
