"""Changes to the single groups of a stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.lifecycle.drawing import Drawing
from tests.lifecycle.plans import FAIL, MOVE_TO_PARENT, UNASSIGN, GroupPlan, StackPlan

LOGICAL_IDS = [f"G{number}" for number in range(8)]
MOST_GROUPS = 7


@dataclass(frozen=True)
class GroupEdits:
    """Edits that are drawn; one that cannot be made gives the plan as it is, or one unsound."""

    draw: Drawing

    @property
    def all(self) -> list[Callable[[StackPlan], StackPlan]]:
        """Those to choose from, the more often the more they happen."""
        return [
            self.add,
            self.add,
            self.remove,
            self.rename,
            self.rename,
            self.move,
            self.move,
            self.retag,
            self.swap_names,
            self.swap_with_parent,
            self.hand_over,
            self.set_policy,
            self.set_adoption,
        ]

    def add(self, plan: StackPlan) -> StackPlan:
        """One more group."""
        free = self.free(plan)
        if not free or len(plan.groups) >= MOST_GROUPS:
            return plan
        group = GroupPlan(
            name=self.draw.name(),
            parent=self.draw.parent(plan),
            tags=self.draw.tags(),
            adopt=self.draw.flag(),
            on_delete=FAIL,
        )
        return with_groups(plan, **{self.draw.text(free): group})

    def remove(self, plan: StackPlan) -> StackPlan:
        """A group less, and those below it."""
        gone = self._group(plan)
        return plan if gone is None else plan.without(gone)

    def rename(self, plan: StackPlan) -> StackPlan:
        """Another name."""
        return self._changed(plan, name=self.draw.name())

    def retag(self, plan: StackPlan) -> StackPlan:
        """Other tags."""
        return self._changed(plan, tags=self.draw.tags())

    def move(self, plan: StackPlan) -> StackPlan:
        """Another parent."""
        return self._changed(plan, parent=self.draw.parent(plan))

    def set_policy(self, plan: StackPlan) -> StackPlan:
        """Another policy about agents."""
        return self._changed(plan, on_delete=self.draw.text([FAIL, MOVE_TO_PARENT, UNASSIGN]))

    def set_adoption(self, plan: StackPlan) -> StackPlan:
        """The other way round."""
        return self._changed(plan, adopt=self.draw.flag())

    def swap_names(self, plan: StackPlan) -> StackPlan:
        """Two groups exchange their names."""
        one, other = self._group(plan), self._group(plan)
        if one is None or other is None:
            return plan
        groups = plan.groups
        return with_groups(
            plan,
            **{
                one: replace(groups[one], name=groups[other].name),
                other: replace(groups[other], name=groups[one].name),
            },
        )

    def swap_with_parent(self, plan: StackPlan) -> StackPlan:
        """A group and its parent exchange their places."""
        child = self._group(plan)
        parent = plan.groups[child].parent if child is not None else None
        if child is None or parent is None or parent not in plan.groups:
            return plan
        groups = plan.groups
        return with_groups(
            plan,
            **{
                child: replace(groups[child], parent=groups[parent].parent, on_delete=FAIL),
                parent: replace(groups[parent], parent=child),
            },
        )

    def hand_over(self, plan: StackPlan) -> StackPlan:
        """The same group under another logical id."""
        former, free = self._group(plan), self.free(plan)
        if former is None or not free:
            return plan
        name = self.draw.text(free)
        groups = {name if n == former else n: group for n, group in plan.groups.items()}
        return replace(plan, groups=groups).repointed({former: name})

    @staticmethod
    def free(plan: StackPlan) -> list[str]:
        """Logical ids that no group has."""
        return [name for name in LOGICAL_IDS if name not in plan.groups]

    def _group(self, plan: StackPlan) -> str | None:
        return self.draw.text(sorted(plan.groups)) if plan.groups else None

    def _changed(self, plan: StackPlan, **changes: object) -> StackPlan:
        name = self._group(plan)
        if name is None:
            return plan
        changed: GroupPlan = replace(plan.groups[name], **changes)  # type: ignore[arg-type]
        return with_groups(plan, **{name: changed})


def with_groups(plan: StackPlan, **groups: GroupPlan) -> StackPlan:
    """The plan with these single groups, new or changed."""
    return replace(plan, groups={**plan.groups, **groups})
