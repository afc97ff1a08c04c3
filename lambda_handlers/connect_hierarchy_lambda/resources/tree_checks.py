"""What is refused before the first write to a tree's groups, since it could not be ended."""

from __future__ import annotations

from dataclasses import dataclass

from connect_hierarchy_lambda.model.messages import HierarchyError, listed
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import KEY_TAG
from connect_hierarchy_lambda.model.plan import Pairing, Present, pair
from connect_hierarchy_lambda.resources.tree_agents import check_agents
from connect_hierarchy_lambda.resources.tree_groups import CHECKED
from connect_hierarchy_lambda.resources.tree_passing_on import names_elsewhere
from connect_hierarchy_lambda.resources.tree_planning import TreePlanning


@dataclass(frozen=True)
class TreeChecks:
    """The checks of one update of a tree, made once for all runs of it."""

    planning: TreePlanning

    def check(self) -> None:
        """HierarchyError for what could not be ended; a rollback has to do what it can."""
        planning = self.planning
        notes, wanted = planning.task.request.notes, planning.wanted
        if planning.rolls_back or CHECKED in notes:
            return
        now = pair(wanted.wanted, planning.presents(), wanted.parent_id)
        self._check_taken_away(now)
        kept = {present.id for present in now.kept.values()}
        going = [
            present
            for present in planning.former.kept.values()
            if present.id not in kept and not present.retired
        ]
        moving = [present for present in going if present.key in wanted.by_mark]
        self._check_children(moving)
        self._check_agents([present for present in going if present not in moving])
        notes[CHECKED] = ""

    def _check_taken_away(self, now: Pairing) -> None:
        """Refuse an update above a group whose tags somebody took away with others below it.

        What would be made in its place, or elsewhere of those, a rollback could not tell from what
        was there; and their agents would not come along.
        """
        planning = self.planning
        wanted, former = planning.wanted, planning.old.by_mark
        for taken in planning.taken_away(planning.old):
            name, group, below = former[taken.key].name, taken.group, taken.below
            stays = below.key not in wanted.by_mark or now.kept.get(below.key or "") == below
            is_adopted = (
                wanted.adopt_existing
                and group.owner is None
                and group.name == name
                and taken.key not in planning.changing
            )
            if is_adopted or (stays and taken.key not in wanted.by_mark):
                continue
            what = f"somebody took the tree's tags from {quoted(group.name)} ({group.id})"
            remedy = "deploy the tree as it was, with adopt_existing"
            if group.owner is not None:
                owner = f"{group.owner.resource} of stack {group.owner.stack_name}"
                what = f"{quoted(group.name)} ({group.id}) now belongs to {owner}"
                remedy = "let that release it, or remove from the tree what is below it"
            elif group.name != name:
                remedy = f"rename it {quoted(name)}, then {remedy}"
            else:
                remedy = f"first {remedy}"
            raise HierarchyError(
                f"updating the groups of {planning.task.tree}",
                f"{what}, and {quoted(below.name)} of the tree is below",
                remedy,
            )

    def _check_children(self, moving: list[Present]) -> None:
        """Refuse to move a group with children that would not follow it."""
        task = self.planning.task
        hierarchy = task.hierarchy
        if len(moving) > self.planning.groups.pages:
            children = hierarchy.all_groups()
        else:
            children = [child for one in moving for child in hierarchy.children(one.id)]
        names = {present.id: present.name for present in moving}
        for group_id, name in names.items():
            below = [child for child in children if child.parent_id == group_id]
            if strangers := [quoted(child.name) for child in task.strangers_among(below)]:
                raise HierarchyError(
                    f"moving hierarchy group {quoted(name)}",
                    f"it has child groups that are not of this stack: {listed(strangers)}",
                    "adopt them in this stack, or move them away first",
                )

    def _check_agents(self, removed: list[Present]) -> None:
        planning = self.planning
        task = planning.task
        groups = [planning.groups.get(present.id) for present in removed]
        elsewhere = names_elsewhere(task) if removed else frozenset()
        check_agents(
            task.hierarchy,
            # what passes to another resource takes its agents along; should it not, they are looked
            # at once more before it is deleted
            [group for group in groups if group is not None and group.name not in elsewhere],
            lambda group: planning.old.policy(group.tags.get(KEY_TAG, "")),
            f"removing groups from {task.tree}",
        )
