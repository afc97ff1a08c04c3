"""Deleting, releasing or handing on the groups of a tree: all of them, or those given up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from connect_hierarchy_lambda.connect.calls import STALE_SECONDS
from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.connect.own_stack import StackState
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError
from connect_hierarchy_lambda.model.ownership import (
    DISPLACES_TAG,
    FOUND_TAG,
    KEY_TAG,
    LEFT,
    RETIRED_TAG,
    is_found_by,
)
from connect_hierarchy_lambda.model.properties import AgentsOnDelete
from connect_hierarchy_lambda.model.tree_identity import TreeId, given_up_by
from connect_hierarchy_lambda.resources.group_making import give_name_back
from connect_hierarchy_lambda.resources.group_removal import delete_group, release_group
from connect_hierarchy_lambda.resources.group_tags import leave_again
from connect_hierarchy_lambda.resources.group_task import GroupTask
from connect_hierarchy_lambda.resources.progress import Progress
from connect_hierarchy_lambda.resources.tree_agents import check_agents
from connect_hierarchy_lambda.resources.tree_groups import (
    CHECKED,
    GIVEN_UP,
    LISTED_BY_THEN,
    TreeGroups,
)
from connect_hierarchy_lambda.resources.tree_passing_on import pass_on
from connect_hierarchy_lambda.resources.tree_properties import TreeProperties

logger = logging.getLogger(__name__)

_TAKEN_BACK_BY_THEN = 30.0
"""Seconds after which a tag that was taken away is not shown any more."""


@dataclass
class TreeRemoval:
    """Takes groups of a tree away; `properties` are those that the groups were made by."""

    task: GroupTask
    properties: TreeProperties
    groups: TreeGroups = field(init=False)

    def __post_init__(self) -> None:
        self.groups = TreeGroups(self.task, self.properties.names)

    @cached_property
    def _state(self) -> StackState:
        return self.task.own_stack.state()

    def remove_given_up(self, given: TreeId, current: TreeId) -> None:
        """Remove what was given up from one generation, now that the tree is in another one.

        So many of them, at the top of what is to go, have a tag that reads may not show yet. Where
        none is expected, the tags may have been taken back, which reads may not show yet either.
        """
        doing = f"looking for groups that {self.task.tree} has given up"
        expected, tag = current.given_up_from(given), given.mark
        if expected and self._state.rolls_back:
            # what the update gave up that is taken back is the tree's again
            tag = given_up_by(current.request_id, given.mark)
        # an earlier run of this request may have removed some of them
        found = self.groups.noted(GIVEN_UP)
        with self.task.wait(doing, "they do not show yet") as wait:
            while True:
                self.groups.read()
                for group_id in found:
                    known = self.groups.get(group_id)
                    if known is not None and RETIRED_TAG not in known.tags:
                        self.groups.look_at(group_id)
                marked = self.groups.marked(tag)
                # what was below these was given up with them
                taken = self.groups.taken(tag)
                if not marked and not taken and not expected:
                    return
                if found or (expected and len(marked) + len(taken) >= expected):
                    break
                if wait.seconds >= (STALE_SECONDS if expected else _TAKEN_BACK_BY_THEN):
                    if expected:
                        # the search lags more than it ever should, and nobody comes after this
                        ids = [group.id for group in self.groups.own]
                        self.task.lanes.each(ids, self.groups.look_at)
                        marked = self.groups.marked(tag)
                    break
                wait.pause()
        for group in marked:
            self.groups.note(GIVEN_UP, group.id)
        self._remove(self.groups.below([*marked, *taken]))

    def remove_all(self) -> None:
        """Remove every group of the tree."""
        # a creation that failed has not made all of them
        self._read(0.0 if self._state.rolls_back else LISTED_BY_THEN)
        going = self.groups.own
        notes = self.task.request.notes
        if not self._state.takes_back and CHECKED not in notes:
            check_agents(self.task.hierarchy, going, self._policy, f"deleting {self.task.tree}")
            notes[CHECKED] = ""
        self._remove(going)

    def remove_made_by(self, request_id: str) -> list[str]:
        """Remove what a request has made or taken over; the ids."""
        self.groups.wait_until_listed()
        self._read()
        going = [
            group
            for group in self.groups.own
            if (group.owner is not None and group.owner.request == request_id)
            or is_found_by(request_id, group.tags)
        ]
        self._remove(going)
        return [group.id for group in going]

    def remove_made_at_its_place(self) -> list[str]:
        """Remove what a creation made of which only the properties are known; the ids."""
        self._read()
        going = [
            group
            for group in self.groups.own
            if group.tags.get(KEY_TAG) in self.properties.by_mark
            and (RETIRED_TAG not in group.tags or FOUND_TAG in group.tags)
        ]
        self._remove(going)
        return [group.id for group in going]

    def _read(self, patience: float = 0.0) -> None:
        nodes = {mark: node.name for mark, node in self.properties.by_mark.items()}
        self.groups.read_with(nodes, self.properties.parent_id, patience)

    def _policy(self, group: Group) -> AgentsOnDelete:
        return self.properties.policy(group.tags.get(KEY_TAG, ""))

    def _remove(self, going: list[Group]) -> None:
        """Remove what can be; HierarchyError for the first that can not, after all others."""
        if not going:
            return
        passed_on = pass_on(self.task, self.groups, [group.id for group in going])
        remaining = [group for group in going if group.id not in passed_on]
        progress = Progress(self.task.schedule.clock)
        progress.expect(len(remaining))
        failures: list[HierarchyError] = []
        blocked: set[str] = set()

        def remove(known: Group) -> None:
            progress.step()
            if known.id in blocked:
                blocked.add(known.parent_id or "")
                return
            try:
                self._remove_one(known)
            except OutOfTimeError:
                raise
            except HierarchyError as error:
                # what is above it can not go either
                blocked.add(known.parent_id or "")
                failures.append(error)

        for depth in sorted({len(group.path) for group in remaining}, reverse=True):
            at_depth = [group for group in remaining if len(group.path) == depth]
            if self._state.rolls_back:
                # what it gives back may be each other's names
                for known in at_depth:
                    remove(known)
            else:
                self.task.lanes.each(at_depth, remove)
        if failures:
            raise failures[0]

    def _remove_one(self, known: Group) -> None:
        group = self.groups.look_at(known.id)
        if group is None:
            logger.info("the group is gone, or somebody else's", extra={"group": known.arn})
            return
        adopted = group.owner is not None and group.owner.adopted
        if self._state.takes_back and FOUND_TAG in group.tags:
            logger.info("the group goes back to where it was left", extra={"group": group.arn})
            leave_again(self.task, group)
        elif self._state.takes_back and group.tags.get(RETIRED_TAG) == LEFT:
            logger.info("the group stays where it was left", extra={"group": group.arn})
        elif adopted and (self._state.rolls_back or self._successor(group)() is None):
            release_group(self.task, group, as_it_was=self._state.rolls_back)
        else:
            policy = self._policy(group)
            delete_group(self.task, group, policy, self._successor(group))
            if self._state.rolls_back and DISPLACES_TAG in group.tags:
                give_name_back(self.task, group.tags[DISPLACES_TAG], group.name)
            self.groups.deleted(group.id)
            return
        self.groups.forget(group.id)

    def _successor(self, group: Group) -> Callable[[], Group | None]:
        """The group that has this one's key now, where there is another."""
        key = group.tags.get(KEY_TAG)

        def successor() -> Group | None:
            for other in self.groups.own:
                if other.id != group.id and key and other.tags.get(KEY_TAG) == key:
                    found = self.groups.look_at(other.id)
                    given_up = found is not None and self._is_given_up(found)
                    if found is not None and not given_up:
                        return found
            return None

        return successor

    def _is_given_up(self, group: Group) -> bool:
        return any(
            (above := self.groups.get(group_id)) is not None and RETIRED_TAG in above.tags
            for group_id, _ in group.path
        )
