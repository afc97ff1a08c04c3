"""Changes to what a stack wants, as somebody makes them in the code of an app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.lifecycle.drawing import Drawing
from tests.lifecycle.group_edits import GroupEdits
from tests.lifecycle.plans import StackPlan
from tests.lifecycle.tree_edits import TreeEdits

LEVEL_NAMES = ["Division", "Region", "Team", "Desk", "Seat", "Unit"]


class Edits:
    """Draws edits of a plan; one that cannot be made gives the plan as it is."""

    def __init__(
        self,
        pick: Callable[..., object],
        instance_arns: list[str],
        *,
        one_name_an_instance: bool,
        with_trees: bool,
    ) -> None:
        self._draw = Drawing(pick)
        self._instance_arns = instance_arns
        self._one_name_an_instance = one_name_an_instance
        self._groups = GroupEdits(self._draw)
        self._trees = TreeEdits(self._draw) if with_trees else None

    def first(self) -> StackPlan:
        """A plan to begin with."""
        levels = tuple(LEVEL_NAMES[: self._draw.number(1, 4)])
        plan = StackPlan(self._instance_arns[0], levels, {}, adopt_levels=self._draw.flag())
        for _ in range(self._draw.number(0, 5)):
            plan = self._if_sound(plan, self._groups.add(plan))
        if self._trees is not None:
            plan = self._if_sound(plan, self._trees.add(plan))
            for _ in range(self._draw.number(0, 5)):
                plan = self._if_sound(plan, self._trees.add_node(plan))
        return plan

    def some(self, plan: StackPlan) -> StackPlan:
        """The plan after one to three edits."""
        for _ in range(self._draw.number(1, 3)):
            plan = self._if_sound(plan, self._kind()(plan))
        return plan

    def _kind(self) -> Callable[[StackPlan], StackPlan]:
        """An edit of trees as often as one of anything else, where there are trees."""
        if self._trees is not None and self._draw.number(0, 1):
            return self._trees.any()
        return self._draw.one_of(
            *self._groups.all,
            self.add_level,
            self.rename_level,
            self.remove_level,
            self.change_instance,
        )

    def add_level(self, plan: StackPlan) -> StackPlan:
        """One more at the end."""
        free = [name for name in LEVEL_NAMES if name not in plan.levels]
        if len(plan.levels) >= 5 or not free:
            return plan
        return replace(plan, levels=(*plan.levels, free[0]))

    def rename_level(self, plan: StackPlan) -> StackPlan:
        """Another name for one."""
        free = [name for name in LEVEL_NAMES if name not in plan.levels]
        level = self._draw.number(0, len(plan.levels) - 1)
        return replace(
            plan, levels=(*plan.levels[:level], self._draw.text(free), *plan.levels[level + 1 :])
        )

    def remove_level(self, plan: StackPlan) -> StackPlan:
        """One less at the end."""
        return replace(plan, levels=plan.levels[:-1]) if len(plan.levels) > 1 else plan

    def change_instance(self, plan: StackPlan) -> StackPlan:
        """Everything to another instance; rarely."""
        if self._draw.number(0, 3):
            return plan
        return replace(plan, instance_arn=self._draw.text(self._instance_arns))

    def _if_sound(self, plan: StackPlan, edited: StackPlan) -> StackPlan:
        is_sound = edited.is_sound(one_name_an_instance=self._one_name_an_instance)
        return edited if is_sound else plan
