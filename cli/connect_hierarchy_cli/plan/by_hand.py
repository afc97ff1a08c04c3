"""What people changed by hand since the last deployment, and what becomes of it in the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connect_hierarchy_cli.drifting import seen_by
from connect_hierarchy_cli.plan.planned_connect import PlannedConnect, PlannedGroup, PlannedInstance
from connect_hierarchy_cli.plan.result import ByHand, Fate
from connect_hierarchy_cli.plan.target import Target
from connect_hierarchy_lambda.core.drift import Difference, Kind, Seen
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Phase
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.ports.ledger import Ledger


def changed_by_hand(
    target: Target, before: Ledger, after: Ledger, connect: PlannedConnect
) -> tuple[ByHand, ...]:
    """Each difference that `drift` shows now, with what the deployment makes of it.

    What an earlier deployment had to leave behind is none of them: nobody did it by hand.

    Args:
        target: What is deployed to which stack.
        before: The stack's ledger before the deployment.
        after: The same after it.
        connect: Amazon Connect as the plan has made it.

    Raises:
        NotReadError: If an instance cannot be read.
    """
    stack = stack_name_and_uuid(target.stack_id)

    def seen(ledger: Ledger, template: Mapping[str, Any] | None, shown: Any) -> Seen:
        return seen_by(ledger, stack, (template or {}).get("Resources") or {}, shown)

    source = connect.source
    was = seen(before, target.old_template, _Shown(source.levels, source.groups))
    found = [one for one in was.differences if one.kind is not Kind.LEFT]
    if not found:
        return ()
    planned = _Shown(
        lambda arn: connect.instance(arn).levels, lambda arn: _as_planned(connect.instance(arn))
    )
    now = seen(after, target.new_template, planned)
    fates = _Fates(was, now, connect)
    return tuple(fates.of(one) for one in found)


@dataclass(frozen=True)
class _Shown:
    """Answers what a comparison asks Amazon Connect, by an instance's ARN."""

    levels: Callable[[str], Sequence[str]]
    all_groups: Callable[[str], Sequence[Group]]

    def names(self, instance_arn: str) -> Mapping[str, str]:
        """The name of every group by its id."""
        return {group.id: group.name for group in self.all_groups(instance_arn)}

    def group(self, _: str, __: str) -> None:
        """A group that is in no list: it is gone."""


def _as_planned(instance: PlannedInstance) -> Sequence[Group]:
    """The groups of an instance after the deployment."""
    return [
        Group(
            str(GroupArn(instance.arn, group.id)),
            group.id,
            group.name,
            tuple((above.id, above.name) for above in instance.path(group)),
            group.tags,
        )
        for group in instance.groups.values()
    ]


class _Fates:
    """Compares what differs before a deployment with what differs after it."""

    def __init__(self, was: Seen, now: Seen, connect: PlannedConnect) -> None:
        self._was = was
        self._connect = connect
        self._still = {subject(one) for one in now.differences}
        live = [record for record in now.records.values() if record.phase is Phase.LIVE]
        self._live = {record.id for record in live}
        self._id_of = {(record.resource, record.key): record.id for record in live}
        self._records = {record.id: record for record in was.records.values()}

    def of(self, one: Difference) -> ByHand:
        """What becomes of one difference."""
        if subject(one) in self._still:
            return ByHand(one, Fate.STAYS)
        match one.kind:
            case Kind.MOVED:
                return self._of_moved(one)
            case Kind.DELETED:
                fate = Fate.MADE_ANEW if self._id(one) else Fate.ACCEPTED
            case Kind.LEVEL:
                fate = self._of_level(one)
            case _:
                group = self._group(one.group_id)
                fate = Fate.GOES if group is None else self._of_group(one, group)
        return ByHand(one, fate)

    def _of_group(self, one: Difference, group: PlannedGroup) -> Fate:
        """What becomes of a change of a group that is there before and after."""
        if one.kind is Kind.RENAMED:
            return Fate.ACCEPTED if group.name == one.now else Fate.UNDONE
        if one.kind is Kind.RETAGGED:
            record = self._records[one.group_id]
            shown = self._was.shown(record)
            before = shown.tags if shown else {}
            keys = self._was.changed_tags(record)
            is_kept = all(before.get(key) == group.tags.get(key) for key in keys)
            return Fate.ACCEPTED if is_kept else Fate.UNDONE
        return Fate.OWNED if group.id in self._live else Fate.ACCEPTED

    def _of_level(self, one: Difference) -> Fate:
        instance_arn, names = self._was.levels[one.resource]
        index = names.index(one.was)  # no two levels have the same name
        levels = self._connect.instance(instance_arn).levels
        shown = levels[index] if index < len(levels) else ""
        return Fate.ACCEPTED if shown == one.now else Fate.UNDONE

    def _of_moved(self, one: Difference) -> ByHand:
        there = self._was.moved[one.group_id]
        if self._id(one) == there.id:
            return ByHand(one, Fate.ACCEPTED)
        fate = Fate.MADE_ANEW if self._id(one) else Fate.ACCEPTED
        group = self._group(there.id)
        if group is None:
            return ByHand(one, fate)
        instance = self._connect.instance(self._records[one.group_id].instance_arn)
        path = tuple(above.name for above in instance.path(group))
        return ByHand(one, fate, left_at=path, agents_left=len(instance.agents_in(group.id)))

    def _id(self, one: Difference) -> str:
        """The group that stands for this one afterwards, empty for none."""
        return self._id_of.get((one.resource, one.key), "")

    def _group(self, group_id: str) -> PlannedGroup | None:
        """A group as it is afterwards."""
        for instance in self._connect.instances.values():
            if group_id in instance.groups:
                return instance.groups[group_id]
        return None


def subject(one: Difference) -> tuple[str, ...]:
    """What tells a difference from others, whatever the groups above are called."""
    return one.kind, one.resource, one.group_id or one.path
