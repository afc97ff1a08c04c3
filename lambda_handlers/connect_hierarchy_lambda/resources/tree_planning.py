"""What the groups of a tree need by what is known of them: the plan, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.overwritten import notes_on
from connect_hierarchy_lambda.model.ownership import (
    FOUND_TAG,
    KEY_TAG,
    REQUEST_TAG,
    RESOURCE_TAG,
    RETIRED_TAG,
    STACK_TAG,
    is_found_by,
)
from connect_hierarchy_lambda.model.plan import (
    Call,
    CarryAgents,
    Delete,
    Pairing,
    Present,
    Tag,
    Untag,
    Wanted,
    pair,
    plan,
)
from connect_hierarchy_lambda.resources.group_task import GroupTask
from connect_hierarchy_lambda.resources.tree_groups import (
    LOOKED_AT,
    NAMED,
    TAGGED,
    TreeGroups,
)
from connect_hierarchy_lambda.resources.tree_properties import TreeProperties


class UnexpectedError(Exception):
    """Something is not as the plan took it to be; what is known has been put right."""


@dataclass(frozen=True)
class TakenAway:
    """A group that is in the place of a node's and bears its tags no more, and one below it."""

    key: str
    group: Group
    below: Present


@dataclass(frozen=True)
class TreePlanning:
    """From the groups of one wish to those of another.

    `mark` stands for the generation that groups are given up from, `groups` are what is known.
    """

    task: GroupTask
    old: TreeProperties
    wanted: TreeProperties
    mark: str
    groups: TreeGroups
    stand_ins: dict[str, Present] = field(default_factory=dict)
    """What a rollback finds in the places of groups that were the tree's, by the nodes' keys."""

    @cached_property
    def rolls_back(self) -> bool:
        """Whether the stack takes an operation back."""
        return self.task.rolls_back

    @property
    def changing(self) -> dict[str, str]:
        """The names of nodes that leave their place or name, by the marks of their keys.

        What is not found of these would be left behind; of others the name is found to be taken.
        """
        before = {node.key: (node.parent, node.name) for node in self.old.wanted}
        staying: set[str | None] = set()
        if self.old.parent_id == self.wanted.parent_id:
            staying.add(None)
        for node in self.wanted.wanted:
            if before.get(node.key) == (node.parent, node.name) and node.parent in staying:
                staying.add(node.key)
        return {node.key: node.name for node in self.old.wanted if node.key not in staying}

    @property
    def former(self) -> Pairing:
        """The groups of the old wish; others may have been left behind, and stay out of it."""
        return pair(self.old.wanted, self.presents(), self.old.parent_id)

    def taken_away(self, tree: TreeProperties) -> list[TakenAway]:
        """The groups at the places of this tree's nodes that somebody took the tags from.

        That they were the tree's is known by others of it, which are still below them.
        """
        presents = [present for present in self.presents() if not present.retired]
        now = pair(tree.wanted, presents, tree.parent_id)
        missing = {node.key for node in now.new}
        parents = {node.key: node.parent for node in tree.wanted}
        apart = {present.id for present in presents}
        apart |= {root for root in (self.old.parent_id, self.wanted.parent_id) if root is not None}
        strangers: dict[str, Group | None] = {}
        taken = []
        for present in presents:
            above = []
            key, group_id = parents.get(present.key or ""), present.parent_id
            while key in missing and group_id is not None and group_id not in apart:
                if group_id not in strangers:
                    group = self.task.hierarchy.group(group_id)
                    is_own = group is not None and self.task.is_of_stack(group)
                    strangers[group_id] = None if is_own else group
                stranger = strangers[group_id]
                if stranger is None:
                    break
                above.append(TakenAway(key or "", stranger, present))
                key, group_id = parents[key or ""], stranger.parent_id
            is_top = key is None and group_id == tree.parent_id
            if is_top or (key in now.kept and now.kept[key or ""].id == group_id):
                taken += above
        return taken

    def presents(self) -> list[Present]:
        """The groups of the tree as the plan takes them."""
        own = [
            Present(
                id=group.id,
                name=group.name,
                parent_id=group.parent_id,
                key=group.tags.get(KEY_TAG),
                tags=group.tags,
                retired=RETIRED_TAG in group.tags,
            )
            for group in self.groups.own
        ]
        return [*own, *self.stand_ins.values()]

    def stand_in(self, key: str, group: Group) -> None:
        """Let a group be a node's that is not the tree's any more: nothing is written to it."""
        wanted = next(wanted for wanted in self.wanted.wanted if wanted.key == key)
        self.stand_ins[key] = Present(
            id=group.id,
            name=wanted.name,
            parent_id=group.parent_id,
            key=key,
            tags=dict(wanted.tags),
        )

    def plan(self, *, one_name_an_instance: bool) -> tuple[list[Call], Pairing]:
        """The calls that are needed by what is known, and the groups that stay."""
        former = self.former
        # in a rollback the old wish is the one that is taken back: what it made goes
        relevant = {present.id for present in former.kept.values() if self.is_live(present)}
        by_id = {present.id: key for key, present in former.kept.items()}
        presents = self._findable()
        now = pair(self.wanted.wanted, presents, self.wanted.parent_id)
        kept = {present.id: key for key, present in now.kept.items()}
        doubted = [
            self._doubted(present, by_id.get(present.id), kept.get(present.id))
            for present in presents
        ]
        desired = [
            replace(wanted, former_tags=self._former_tags(wanted, now, by_id))
            for wanted in self.wanted.wanted
        ]
        calls = plan(
            desired,
            doubted,
            self.wanted.parent_id,
            one_name_an_instance=one_name_an_instance,
        )
        needed = [
            call
            for call in calls
            if not isinstance(call, CarryAgents | Delete) or call.id in relevant
        ]
        return [*self._revivals(now, by_id), *needed], now

    def is_of_this_request(self, tags: Mapping[str, str]) -> bool:
        """Whether the tags are of a group that this request has made, or found again."""
        request = self.task.owner.request
        return tags.get(REQUEST_TAG) == request or is_found_by(request, tags)

    def found_tags(self, group: Group, key: str) -> dict[str, str]:
        """What a group bears that was left behind: a rollback leaves it there again, as it was."""
        request, former = self.task.owner.request, group.tags.get(KEY_TAG, key)
        notes = notes_on(group.tags, self.wanted.user_tags(self.wanted.by_mark[key]))
        return {FOUND_TAG: request if former == key else f"{request}/{former}", **notes}

    def look_once(self, group_id: str) -> None:
        """Read a group itself, unless an earlier run of the request has."""
        if not self.groups.is_noted(LOOKED_AT, group_id):
            self.groups.look_at(group_id)
            self.groups.note(LOOKED_AT, group_id)

    def is_live(self, present: Present) -> bool:
        """Whether it is not one that an earlier deployment gave up and left."""
        return present.tags.get(RETIRED_TAG, self.mark).startswith(self.mark)

    @property
    def now(self) -> Pairing:
        """The groups of the new wish, as far as they are there."""
        return pair(self.wanted.wanted, self._findable(), self.wanted.parent_id)

    @property
    def left(self) -> list[Present]:
        """What a tree that is created finds of an earlier one of its name."""
        if self.task.request.type != "Create":
            return []
        request = self.task.owner.request
        return [one for one in self.presents() if one.tags.get(REQUEST_TAG) != request]

    def _findable(self) -> list[Present]:
        """The groups of the tree; what was left behind is found by its name, never by its key.

        A rollback gives back its tags, and no name.
        """
        presents = self.presents()
        left = {present.id for present in self.left}
        if not self.rolls_back:
            request = self.task.owner.request
            left |= {
                present.id
                for present in presents
                if not self.is_live(present) or is_found_by(request, present.tags)
            }
        return [
            replace(present, key=None)
            if present.id in left and self._is_misnamed(present)
            else present
            for present in presents
        ]

    def _is_misnamed(self, present: Present) -> bool:
        node = self.wanted.by_mark.get(present.key or "")
        return node is not None and node.name != present.name

    def _doubted(self, present: Present, old_key: str | None, new_key: str | None) -> Present:
        """A group as it has to be taken: what the request says is new is written in any case.

        What was read may be older than the update that is taken back, or from before a run of the
        same event.
        """
        if new_key is None or new_key in self.stand_ins:
            return present
        new = self.wanted.by_mark[new_key]
        name, tags = present.name, dict(present.tags)
        if old_key is None:
            put_aside = self.rolls_back and name in self.old.names
            doubtful = put_aside and not self.groups.is_noted(NAMED, present.id)
            return replace(present, name="") if doubtful else present
        old = self.old.by_mark[old_key]
        if old.name != new.name == name and not self.groups.is_noted(NAMED, present.id):
            name = old.name
        old_tags, new_tags = self.old.user_tags(old), self.wanted.user_tags(new)
        if old_tags != new_tags and not self.groups.is_noted(TAGGED, present.id):
            tags = {k: v for k, v in tags.items() if k not in new_tags}
            tags |= {k: tags.get(k, "") for k in old_tags.keys() - new_tags.keys()}
        if old_key != new_key and not self.groups.is_noted(TAGGED, present.id):
            tags.pop(KEY_TAG, None)
        return replace(present, name=name, tags=tags)

    def _former_tags(
        self, wanted: Wanted, now: Pairing, by_id: Mapping[str, str]
    ) -> frozenset[str]:
        present = now.kept.get(wanted.key)
        old_key = by_id.get(present.id) if present else None
        if old_key is None:
            return frozenset()
        return frozenset(self.old.user_tags(self.old.by_mark[old_key]))

    def _revivals(self, now: Pairing, by_id: Mapping[str, str]) -> list[Call]:
        """Take back that groups were given up."""
        calls: list[Call] = []
        own = {key: present for key, present in now.kept.items() if key not in self.stand_ins}
        new_ids = {present.id for present in own.values() if present.id not in by_id}
        records: dict[str, list[str]] = {}
        if new_ids and self.rolls_back:
            records = self.task.own_stack.resources_by_physical_id()
        for key, present in own.items():
            # only the topmost of what was given up together has a mark
            is_new = present.id in new_ids and present.parent_id not in new_ids
            is_new = is_new and not self.is_of_this_request(present.tags)
            if is_new and not self.rolls_back:
                # left behind: what its tags say by now counts
                self.look_once(present.id)
            group = self.groups.get(present.id)
            if group is None:
                raise UnexpectedError("a group is gone")
            marked = RETIRED_TAG in group.tags
            is_left = marked and not self.is_live(replace(present, tags=group.tags))
            if is_left and not is_found_by(self.task.owner.request, group.tags):
                calls.append(Tag(present.id, key, self.found_tags(group, key)))
            seen = self.groups.is_certain(present.id) or self.groups.is_noted(TAGGED, present.id)
            if marked or (is_new and self.rolls_back and not seen):
                calls.append(Untag(present.id, key, (RETIRED_TAG,)))
            if group.arn in records and not self.groups.is_noted(TAGGED, group.id):
                # a resource that is on its way out had taken it, whether that shows or not
                owner = {STACK_TAG: self.task.owner.stack, RESOURCE_TAG: self.task.owner.resource}
                calls.append(Tag(present.id, key, {**owner, KEY_TAG: key}))
        return calls
