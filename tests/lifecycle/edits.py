"""Changes to what a stack wants, as somebody makes them in the code of an app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.lifecycle.plans import FAIL, MOVE_TO_PARENT, UNASSIGN, GroupPlan, StackPlan

Pick = Callable[[list], object]  # type: ignore[type-arg]
"""Chooses one of a list that is not empty."""

LEVEL_NAMES = ["Division", "Region", "Team", "Desk", "Seat", "Unit"]
NAMES = ["A", "B", "C", "D", "E", "Ä/Ö", "F F", "G"]
LOGICAL_IDS = [f"G{number}" for number in range(8)]
TAGS: list[dict[str, str]] = [{}, {"k": "1"}, {"k": "2"}, {"k": "1", "l": "x"}]
MOST_GROUPS = 7


class Edits:
    """Draws edits of a plan; one that cannot be made gives the plan as it is."""

    def __init__(
        self,
        pick: Callable[..., object],
        instance_arns: list[str],
        *,
        one_name_an_instance: bool,
    ) -> None:
        self._pick = pick
        self._instance_arns = instance_arns
        self._one_name_an_instance = one_name_an_instance

    def first(self) -> StackPlan:
        """A plan to begin with."""
        levels = tuple(LEVEL_NAMES[: self._number(1, 4)])
        plan = StackPlan(self._instance_arns[0], levels, {}, adopt_levels=self._flag())
        for _ in range(self._number(0, 5)):
            plan = self._if_sound(plan, self.add(plan))
        return plan

    def some(self, plan: StackPlan) -> StackPlan:
        """The plan after one to three edits."""
        for _ in range(self._number(1, 3)):
            kind = self._pick(
                [
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
                    self.add_level,
                    self.rename_level,
                    self.remove_level,
                    self.change_instance,
                ]
            )
            assert callable(kind)
            plan = self._if_sound(plan, kind(plan))
        return plan

    # groups -------------------------------------------------------------------------------------

    def add(self, plan: StackPlan) -> StackPlan:
        """One more group."""
        free = [name for name in LOGICAL_IDS if name not in plan.groups]
        if not free or len(plan.groups) >= MOST_GROUPS:
            return plan
        group = GroupPlan(
            name=self._text(NAMES),
            parent=self._parent(plan),
            tags=self._tags(),
            adopt=self._flag(),
            on_delete=FAIL,
        )
        return self._with(plan, **{self._text(free): group})

    def remove(self, plan: StackPlan) -> StackPlan:
        """A group less, and those below it."""
        gone = self._group(plan)
        if gone is None:
            return plan
        kept = {n: g for n, g in plan.groups.items() if gone not in plan.above(n)}
        return replace(plan, groups=kept)

    def rename(self, plan: StackPlan) -> StackPlan:
        """Another name."""
        return self._changed(plan, name=self._text(NAMES))

    def retag(self, plan: StackPlan) -> StackPlan:
        """Other tags."""
        return self._changed(plan, tags=self._tags())

    def move(self, plan: StackPlan) -> StackPlan:
        """Another parent."""
        return self._changed(plan, parent=self._parent(plan))

    def set_policy(self, plan: StackPlan) -> StackPlan:
        """Another policy about agents."""
        return self._changed(plan, on_delete=self._text([FAIL, MOVE_TO_PARENT, UNASSIGN]))

    def set_adoption(self, plan: StackPlan) -> StackPlan:
        """The other way round."""
        return self._changed(plan, adopt=self._flag())

    def swap_names(self, plan: StackPlan) -> StackPlan:
        """Two groups exchange their names."""
        one, other = self._group(plan), self._group(plan)
        if one is None or other is None:
            return plan
        groups = plan.groups
        return self._with(
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
        if child is None or parent is None:
            return plan
        groups = plan.groups
        return self._with(
            plan,
            **{
                child: replace(groups[child], parent=groups[parent].parent, on_delete=FAIL),
                parent: replace(groups[parent], parent=child),
            },
        )

    def hand_over(self, plan: StackPlan) -> StackPlan:
        """The same group under another logical id."""
        former = self._group(plan)
        free = [name for name in LOGICAL_IDS if name not in plan.groups]
        if former is None or not free:
            return plan
        name = self._text(free)
        groups = {
            name if n == former else n: replace(g, parent=name if g.parent == former else g.parent)
            for n, g in plan.groups.items()
        }
        return replace(plan, groups=groups)

    # levels -------------------------------------------------------------------------------------

    def add_level(self, plan: StackPlan) -> StackPlan:
        """One more at the end."""
        free = [name for name in LEVEL_NAMES if name not in plan.levels]
        if len(plan.levels) >= 5 or not free:
            return plan
        return replace(plan, levels=(*plan.levels, free[0]))

    def rename_level(self, plan: StackPlan) -> StackPlan:
        """Another name for one."""
        free = [name for name in LEVEL_NAMES if name not in plan.levels]
        level = self._number(0, len(plan.levels) - 1)
        return replace(
            plan, levels=(*plan.levels[:level], self._text(free), *plan.levels[level + 1 :])
        )

    def remove_level(self, plan: StackPlan) -> StackPlan:
        """One less at the end."""
        return replace(plan, levels=plan.levels[:-1]) if len(plan.levels) > 1 else plan

    def change_instance(self, plan: StackPlan) -> StackPlan:
        """Everything to another instance; rarely."""
        if self._number(0, 3):
            return plan
        return replace(plan, instance_arn=self._text(self._instance_arns))

    # drawing ------------------------------------------------------------------------------------

    def _with(self, plan: StackPlan, **groups: GroupPlan) -> StackPlan:
        return replace(plan, groups={**plan.groups, **groups})

    def _changed(self, plan: StackPlan, **changes: object) -> StackPlan:
        name = self._group(plan)
        if name is None:
            return plan
        changed: GroupPlan = replace(plan.groups[name], **changes)  # type: ignore[arg-type]
        return self._with(plan, **{name: changed})

    def _if_sound(self, plan: StackPlan, edited: StackPlan) -> StackPlan:
        is_sound = edited.is_sound(one_name_an_instance=self._one_name_an_instance)
        return edited if is_sound else plan

    def _group(self, plan: StackPlan) -> str | None:
        return self._text(sorted(plan.groups)) if plan.groups else None

    def _parent(self, plan: StackPlan) -> str | None:
        picked = self._pick([None, *sorted(plan.groups)])
        assert picked is None or isinstance(picked, str)
        return picked

    def _tags(self) -> dict[str, str]:
        picked = self._pick(TAGS)
        assert isinstance(picked, dict)
        return picked

    def _text(self, choices: list[str]) -> str:
        picked = self._pick(choices)
        assert isinstance(picked, str)
        return picked

    def _number(self, at_least: int, at_most: int) -> int:
        picked = self._pick(list(range(at_least, at_most + 1)))
        assert isinstance(picked, int)
        return picked

    def _flag(self) -> bool:
        return self._number(0, 2) == 0
