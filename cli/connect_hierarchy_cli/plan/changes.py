"""What happens to each group: ledger and instance before and after the deployment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from connect_hierarchy_cli.plan.planned_connect import PlannedGroup, PlannedInstance
from connect_hierarchy_cli.plan.result import AgentsGo, Change, GroupPlan, Path
from connect_hierarchy_lambda.model.ledger import Origin, Phase, Record
from connect_hierarchy_lambda.model.ownership import Owner
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX

Records = Mapping[str, Record]
Groups = Mapping[str, PlannedGroup]


@dataclass(frozen=True)
class Changes:
    """Compares an instance and the stack's ledger before and after.

    Args:
        instance: The instance as the plan has made it.
        stack: `<stack name>/<uuid>`.
        before: What the ledger knows before the deployment.
        after: What it knows afterwards.
        keyless: The marks of keys that follow from a node's name, by its resource.
    """

    instance: PlannedInstance
    stack: str
    before: Records
    after: Records
    keyless: Mapping[str, frozenset[str]]

    def groups(self) -> tuple[GroupPlan, ...]:
        """The groups of the stack, and those above them, each after the one above it."""
        found = {one.id: one for one in self._of_the_stack()}
        for group_id in list(self._above(found)):
            group = self.instance.groups[group_id]
            found[group_id] = self._shown(group, "")
        found = self._replaced(found)
        return tuple(sorted(found.values(), key=lambda one: _sorting(one.path)))

    def _above(self, found: Mapping[str, GroupPlan]) -> Iterator[str]:
        """The groups above that are not of the stack."""
        told = set(found)
        for one in found.values():
            above = one.parent_id
            while above is not None and above not in told and above in self.instance.groups:
                told.add(above)
                yield above
                above = self.instance.groups[above].parent_id

    def _of_the_stack(self) -> Iterator[GroupPlan]:
        instance = self.instance
        records = (*self.before.values(), *self.after.values())
        for group_id, arn in {record.id: record.instance_arn for record in records}.items():
            if arn != instance.arn or not group_id or group_id in self._successors:
                continue
            if group_id in instance.groups:
                yield self._there(group_id, self._moved.get(group_id))
            elif group_id in instance.groups_before:
                yield self._gone(group_id)

    @cached_property
    def _moved(self) -> Mapping[str, str]:
        """The new ids of moved groups with the old ones."""
        live = {
            (r.resource, r.key): r.id
            for r in self.before.values()
            if r.phase is Phase.LIVE and r.id and r.instance_arn == self.instance.arn
        }
        found = {}
        for record in self.after.values():
            old_id = live.get((record.resource, record.key))
            is_new = record.id in self.instance.groups and not self._was_there(record.id)
            is_live = record.phase is Phase.LIVE and record.instance_arn == self.instance.arn
            was_there = old_id is not None and self._was_there(old_id)
            if old_id is not None and was_there and is_live and is_new and old_id != record.id:
                found[record.id] = old_id
        return found

    def _was_there(self, group_id: str) -> bool:
        return group_id in self.instance.groups_before

    # one group -----------------------------------------------------------------------------------

    def _there(self, group_id: str, old_id: str | None) -> GroupPlan:
        """A group that is there afterwards."""
        old, new = self.before.get(group_id), self.after.get(group_id)
        group = self.instance.groups[group_id]
        record = new or old
        assert record is not None  # noqa: S101 - one of the two has it
        shown = self._shown(group, record.resource)
        if old_id is not None:
            return self._moved_here(shown, old_id)
        if not self._was_there(group_id):
            return replace(shown, changes=(Change.ADDED,), note=self._made_anew(record))
        was = self.instance.groups_before[group_id]
        changes, note = self._owning(old, new, was)
        if was.name != group.name:
            changes.append(Change.RENAMED)
            shown = replace(shown, was=(*shown.path[:-1], was.name))
        tags = _changed(was.tags, group.tags)
        if tags and not {Change.RELEASED, Change.ADOPTED} & {*changes}:
            changes.append(Change.TAGGED)
        shown = replace(shown, changes=tuple(changes), tags=tags, note=note)
        return self._with_agents(shown, group_id) if Change.LEFT in changes else shown

    def _owning(
        self, old: Record | None, new: Record | None, was: PlannedGroup
    ) -> tuple[list[Change], str]:
        """The changes of a group's owner, with remarks."""
        if new is None:
            is_adopted = old is not None and old.origin is Origin.ADOPTED
            return [Change.RELEASED], "" if is_adopted else "it is not the stack's any more"
        if new.phase is Phase.LEFT:
            is_known = old is not None and (old.phase, old.why) == (new.phase, new.why)
            return [] if is_known else [Change.LEFT], new.why
        if old is None:
            owner = Owner.of(was.tags)
            is_own = owner is not None and owner.stack == self.stack
            return [] if is_own else [Change.ADOPTED], ""
        changes = []
        if (old.phase is Phase.LIVE) < (new.phase is Phase.LIVE):
            changes.append(Change.FOUND)
        if old.resource != new.resource:
            return [*changes, Change.PASSED], f"from {old.resource}"
        return changes, ""

    def _shown(self, group: PlannedGroup, resource: str) -> GroupPlan:
        path = tuple(one.name for one in self.instance.path(group))
        return GroupPlan(group.id, path, group.level, group.parent_id, resource)

    def _made_anew(self, record: Record) -> str:
        """The remark about a group that replaces one that somebody deleted."""
        for old in self.before.values():
            same = (old.resource, old.key) == (record.resource, record.key)
            here = old.instance_arn == record.instance_arn
            if same and here and old.phase is Phase.LIVE and not self._was_there(old.id):
                return "the one that was there is gone"
        return ""

    def _moved_here(self, shown: GroupPlan, old_id: str) -> GroupPlan:
        changes = [Change.MOVED]
        was = self._path_before(old_id)
        if self._was_there(old_id) and was[-1] != shown.name:
            changes.append(Change.RENAMED)
        old = self.after.get(old_id)
        note = f"the old group stays: {old.why}" if old and old.phase is Phase.LEFT else ""
        moved = replace(shown, changes=tuple(changes), was=was, old_id=old_id, note=note)
        return self._with_agents(moved, old_id)

    def _gone(self, group_id: str) -> GroupPlan:
        """A group that is deleted."""
        record = self.before.get(group_id) or self.after[group_id]
        was = self.instance.groups_before[group_id]
        # its place before: the groups above may have other names, or be gone as well
        parent_id = was.parent_id
        gone = GroupPlan(
            id=group_id,
            path=self._path_before(group_id),
            level=was.level,
            parent_id=self._moved_to(parent_id),
            resource=record.resource,
            changes=(Change.REMOVED,),
        )
        return self._with_agents(gone, group_id)

    def _moved_to(self, group_id: str | None) -> str | None:
        """The group afterwards: its successor, if it moved."""
        return self._successors.get(group_id or "", group_id)

    @cached_property
    def _successors(self) -> Mapping[str, str]:
        return {old_id: new_id for new_id, old_id in self._moved.items()}

    def _path_before(self, group_id: str) -> Path:
        names: list[str] = []
        above: str | None = group_id
        while above is not None and above in self.instance.groups_before:
            group = self.instance.groups_before[above]
            names.insert(0, group.name)
            above = group.parent_id
        return tuple(names)

    def _with_agents(self, shown: GroupPlan, group_id: str) -> GroupPlan:
        """Add what becomes of the agents that are in a group now."""
        places = self._places.get(group_id, Counter())
        go = tuple(
            AgentsGo(number, self._path_after(place), stay=place == group_id)
            for place, number in places.items()
        )
        return replace(shown, agents=places.total(), agents_go=go)

    @cached_property
    def _places(self) -> Mapping[str | None, Counter[str | None]]:
        """Where agents are afterwards, by the group that they are in now."""
        instance = self.instance
        found: dict[str | None, Counter[str | None]] = {}
        for agent in instance.agents_before.values() if instance.has_read_agents() else ():
            places = found.setdefault(agent.group_id, Counter())
            places[instance.agents[agent.id].group_id] += 1
        return found

    def _path_after(self, group_id: str | None) -> Path | None:
        group = self.instance.groups.get(group_id or "")
        if group is None:
            return None
        return tuple(one.name for one in self.instance.path(group))

    # groups that look like another ---------------------------------------------------------------

    def _replaced(self, found: Mapping[str, GroupPlan]) -> dict[str, GroupPlan]:
        """Mark removed groups that are created again elsewhere, since they have no key."""
        changed = dict(found)
        added = [one for one in found.values() if one.changes == (Change.ADDED,)]
        for gone in found.values():
            if Change.REMOVED not in gone.changes:
                continue
            twin = self._twin(gone, added)
            if twin is not None:
                added.remove(twin)
                history = "its history ends here; give it the key that it had to keep it"
                changed[gone.id] = replace(
                    gone, changes=(Change.REPLACED,), was=twin.path, note=history
                )
        return changed

    def _twin(self, gone: GroupPlan, added: Sequence[GroupPlan]) -> GroupPlan | None:
        """An added group that may be meant to be the removed one."""
        same_name = [one for one in added if one.name == gone.name and self._has_no_key(one)]
        siblings = [
            one
            for one in added
            if one.parent_id == gone.parent_id
            and one.resource == gone.resource
            and self._has_no_key(one)
        ]
        return next(iter((*same_name, *siblings)), None)

    def _has_no_key(self, one: GroupPlan) -> bool:
        record = self.after.get(one.id)
        if record is None:
            return False
        # a single group has no key to compare, but its name is enough
        return not record.key or record.key in self.keyless.get(record.resource, frozenset())


def _changed(
    before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """The users' tags that differ."""
    keys = sorted({*before, *after})
    return {
        key: (before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key) and not key.startswith(RESERVED_PREFIX)
    }


def _sorting(path: Path) -> tuple[tuple[str, str], ...]:
    return tuple((name.casefold(), name) for name in path)
