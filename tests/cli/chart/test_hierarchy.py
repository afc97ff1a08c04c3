"""What a picture shows, before it is drawn: order, counts, changes and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_hierarchy_cli.chart.folding import Family, fold
from connect_hierarchy_cli.chart.hierarchy import Change, Group, Hierarchy, Mark
from connect_hierarchy_cli.chart.text import cut, lines, shown, width
from tests.support.sample_hierarchies import INSTANCE_ARN, large, plan


def hierarchy(*groups: Group, levels: tuple[str, ...] = ()) -> Hierarchy:
    """These groups, in an instance."""
    return Hierarchy(instance_arn=INSTANCE_ARN, levels=levels, groups=groups)


def group(name: str, level: int = 1, parent: str | None = None, agents: int = 0) -> Group:
    """A group whose id is its name."""
    usernames = tuple(f"{name}-{number}" for number in range(agents))
    return Group(id=name, name=name, level=level, parent_id=parent, agents=usernames)


def test_groups_stand_in_the_order_of_people() -> None:
    """By name without case, numbers by their value, each followed by what is below it."""
    shown_groups = hierarchy(
        group("b"), group("Team 10"), group("Team 2"), group("A"), group("z", 2, "A"), group("10")
    )
    names = [one.name for one in shown_groups.in_order()]
    assert names == ["10", "A", "z", "b", "Team 2", "Team 10"]


def test_agents_are_counted_with_those_below() -> None:
    """On every level above them."""
    counted = hierarchy(
        group("c", 3, "b", agents=4), group("a", agents=1), group("b", 2, "a", agents=2)
    )
    assert counted.agents_below == {"a": 7, "b": 6, "c": 4}
    assert counted.agent_count == 7


def test_a_group_whose_parent_is_not_there_stands_at_the_top() -> None:
    """A group without its parent, as lagging reads can show it, is at the top."""
    assert [one.name for one in hierarchy(group("lost", 2, "gone")).in_order()] == ["lost"]


def test_levels_without_a_name_have_their_number() -> None:
    """A gap in the levels and a group below the known levels get numbers as names."""
    assert hierarchy(group("a", 3), levels=("Division", "")).level_names == (
        "Division",
        "Level 2",
        "Level 3",
    )


def test_two_groups_with_one_id_are_refused() -> None:
    """Two groups with one id are refused, since one would be lost silently."""
    with pytest.raises(ValueError, match="2 groups have 1 different ids"):
        hierarchy(group("a"), group("a"))


def test_a_group_above_itself_is_refused() -> None:
    """Each stands below the level of its parent, so there are no rings."""
    with pytest.raises(ValueError, match="its parent b at level 2: parents stand higher"):
        hierarchy(group("a", 2, "b"), group("b", 2, "a"))


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        (Mark(Change.ADDED), "added"),
        (Mark(Change.RENAMED, before="APAC"), "renamed from APAC"),
        (Mark(Change.MOVED, before="A / B", note="2 agents"), "moved from A / B, 2 agents"),
        (Mark(Change.REMOVED, note="1 agent moves to A"), "removed, 1 agent moves to A"),
    ],
)
def test_a_change_in_words(mark: Mark, text: str) -> None:
    """A change in words has the kind, the former name or path, and the remark."""
    assert mark.text == text


@st.composite
def hierarchies(draw: st.DrawFn) -> Hierarchy:
    """Up to forty groups on up to five levels, some of them with marks."""
    groups: list[Group] = []
    for number in range(draw(st.integers(0, 40))):
        above = draw(st.sampled_from([None, *(one for one in groups if one.level < 5)]))
        marks = (Mark(Change.ADDED),) if draw(st.integers(0, 5)) == 0 else ()
        groups.append(
            Group(
                id=str(number),
                name=f"group {number}",
                level=above.level + 1 if above else 1,
                parent_id=above.id if above else None,
                agents=tuple(f"{number}-{one}" for one in range(draw(st.integers(0, 3)))),
                marks=marks,
            )
        )
    return hierarchy(*groups)


def rows(family: Family) -> int:
    """How many rows the family takes up."""
    below = sum(max(rows(branch.below), 1) for branch in family.shown)
    return below + bool(family.shown and family.hidden_groups)


def totals(family: Family) -> tuple[int, int, int]:
    """Groups, agents and changes, shown or counted."""
    below = [totals(branch.below) for branch in family.shown]
    agents = sum(len(branch.group.agents) for branch in family.shown)
    changes = sum(bool(branch.group.marks) for branch in family.shown)
    return (
        len(family.shown) + family.hidden_groups + sum(one[0] for one in below),
        agents + family.hidden_agents + sum(one[1] for one in below),
        changes + family.hidden_changes + sum(one[2] for one in below),
    )


@given(hierarchies(), st.integers(2, 30))
def test_folding_keeps_the_rows_and_loses_nothing(full: Hierarchy, most_rows: int) -> None:
    """What is shown fits, and all groups, agents and changes are shown or counted."""
    family = fold(full, most_rows)
    assert rows(family) <= most_rows
    changes = sum(bool(one.marks) for one in full.groups)
    assert totals(family) == (len(full.groups), full.agent_count, changes)


@given(hierarchies())
def test_what_fits_is_not_folded(full: Hierarchy) -> None:
    """Rows for all leaves suffice."""
    leaves = sum(one.id not in full.children for one in full.groups)
    family = fold(full, max(leaves, 2))
    assert family.hidden_groups == 0
    assert all(branch.below.hidden_groups == 0 for branch in family.shown)


def test_changes_are_shown_before_all_else() -> None:
    """Whole levels take only the rows that changes leave."""
    family = fold(plan(), 14)
    shown_names: list[str] = []

    def note(family: Family) -> None:
        for branch in family.shown:
            shown_names.append(branch.group.name)
            note(branch.below)

    note(family)
    assert set(shown_names) == {
        *("Back Office", "Billing", "Refunds"),
        *("Customer Support", "Asia Pacific", "EMEA", "Lagos", "Nairobi", "Night desk"),
        *("Field Service", "Spare parts", "Sales", "Partners"),
        # the last of a family takes the row in which it would be counted
        *("Disputes", "Dispatch", "Training"),
    }


def test_a_level_is_shown_whole_or_not_at_all() -> None:
    """A level is shown whole or not at all, so that no part of it looks like all of it."""
    family = fold(large(400, 0), 71)
    assert len(family.shown) == 12
    assert {len(branch.below.shown) for branch in family.shown} == {5}
    assert all(not below.below.shown for branch in family.shown for below in branch.below.shown)


@given(st.text(), st.floats(20, 400))
def test_a_cut_text_fits(text: str, room: float) -> None:
    """With the ellipsis; what fits stays whole."""
    found = cut(text, 12, room)
    assert width(found, 12) <= room or found == "…"
    assert found == text if width(text, 12) <= room else found.endswith("…")


@given(st.text(), st.floats(20, 400), st.integers(1, 4))
def test_lines_fit_and_lose_nothing_but_what_is_cut(text: str, room: float, most: int) -> None:
    """At most this many lines, each within its width; without an ellipsis, no word is missing."""
    found = lines(text, 12, room, most)
    assert len(found) <= most
    assert all(width(line, 12) <= room or line == "…" for line in found)
    if not any("…" in line for line in found):
        assert " ".join(found).split() == text.split()


def test_what_no_file_can_hold_is_replaced() -> None:
    """Control characters and half surrogate pairs; all else stays as it is."""
    assert shown("a\x00\x1b\ud83d b\t😀\uffff") == "a\ufffd\ufffd\ufffd b\t😀\ufffd"
