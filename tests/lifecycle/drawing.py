"""Draws what edits of a plan need: names, numbers, tags, members."""

from __future__ import annotations

from collections.abc import Callable

from tests.lifecycle.plans import StackPlan

NAMES = ["A", "B", "C", "D", "E", "Ä/Ö", "F F", "G"]
TAGS: list[dict[str, str]] = [{}, {"k": "1"}, {"k": "2"}, {"k": "1", "l": "x"}]


class Drawing:
    """Chooses with `pick`, which chooses one of a list that is not empty."""

    def __init__(self, pick: Callable[..., object]) -> None:
        self._pick = pick

    def one_of(
        self, *choices: Callable[[StackPlan], StackPlan]
    ) -> Callable[[StackPlan], StackPlan]:
        """One of these edits."""
        picked = self._pick(list(choices))
        assert callable(picked)
        return picked

    def text(self, choices: list[str]) -> str:
        """One of these."""
        picked = self._pick(choices)
        assert isinstance(picked, str)
        return picked

    def text_or_none(self, choices: list[str]) -> str | None:
        """One of these or none."""
        picked = self._pick([None, *choices])
        assert picked is None or isinstance(picked, str)
        return picked

    def number(self, at_least: int, at_most: int) -> int:
        """One of these, both included."""
        picked = self._pick(list(range(at_least, at_most + 1)))
        assert isinstance(picked, int)
        return picked

    def flag(self) -> bool:
        """True once in three times."""
        return self.number(0, 2) == 0

    def name(self) -> str:
        """Of a group."""
        return self.text(NAMES)

    def tags(self) -> dict[str, str]:
        """Of a group or a tree."""
        picked = self._pick(TAGS)
        assert isinstance(picked, dict)
        return picked

    def parent(self, plan: StackPlan) -> str | None:
        """A member to be below, or none."""
        return self.text_or_none(sorted(plan.members))
