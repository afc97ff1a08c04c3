"""From rows of a file to moves, and the errors about rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_hierarchy_cli.placement.paths import Paths
from connect_hierarchy_cli.placement.plan import InvalidRowsError, Move, Row, plan_moves
from connect_hierarchy_lambda.model.groups import Agent, Group

_INSTANCE = "arn:aws:connect:eu-west-2:123456789012:instance/11111111-2222-3333-4444-555555555555"


def _groups(*paths: tuple[str, ...]) -> list[Group]:
    """Groups with these paths of names, each of which is its group's id, joined with `>`."""
    return [
        Group(
            arn=f"{_INSTANCE}/agent-group/{'>'.join(path)}",
            id=">".join(path),
            name=path[-1],
            path=tuple((">".join(path[: n + 1]), name) for n, name in enumerate(path)),
        )
        for path in paths
    ]


_TREE = _groups(("Support",), ("Support", "EMEA"), ("Sales",))
_AGENTS = {
    name: Agent(f"id of {name}", name, group_id)
    for name, group_id in (("ada", "Support"), ("bob", None), ("eve", "Support>EMEA"))
}


def _located(line: int, why: str) -> str:
    return f"agents.csv:{line}: {why}"


def _problems(*rows: Row, groups: list[Group] = _TREE) -> tuple[str, ...]:
    with pytest.raises(InvalidRowsError) as raised:
        plan_moves(rows, _AGENTS, Paths(groups), _located)
    return raised.value.problems


def test_moves_are_of_agents_that_are_elsewhere() -> None:
    """A row moves its agent, unless the agent is there; an empty path leaves the hierarchy."""
    rows = [Row("ada", "Support/EMEA", 2), Row("bob", "", 3), Row("eve", "", 4)]
    plan = plan_moves(rows, _AGENTS, Paths(_TREE), _located)
    assert plan.moves == (Move(_AGENTS["ada"], "Support>EMEA"), Move(_AGENTS["eve"], None))
    assert plan.in_place == 1


def test_all_errors_are_told_in_the_order_of_the_lines() -> None:
    """Unknown users, unknown paths and users in two rows are told at once, each with its line."""
    problems = _problems(
        Row("bob", "Suport", 2),
        Row("Ada", "Sales", 3),
        Row("ada", "Sales", 4),
        Row("ada", "", 5),
        Row("nobody at all", "Nowhere", 6),
    )
    assert problems == (
        (
            "agents.csv:2: the tree has no hierarchy group 'Suport', nearest are: 'Support', "
            "'Support/EMEA'"
        ),
        "agents.csv:3: the instance has no user 'Ada', nearest are: 'ada'",
        "agents.csv:5: user 'ada' is also in line 4: keep one of the two",
        "agents.csv:6: the instance has no user 'nobody at all'",
        "agents.csv:6: the tree has no hierarchy group 'Nowhere', and none with a similar name",
    )


def test_thousands_of_errors_are_told() -> None:
    """A file for another instance has an error for each of its rows; hints end after some."""
    rows = [Row(f"user {n}", f"Nowhere/{n}", n) for n in range(2, 5002)]
    problems = _problems(*rows, groups=_groups(*((f"Group {n}",) for n in range(5000))))
    assert len(problems) == 10_000


def test_a_path_that_fits_two_groups_names_both() -> None:
    """Where names have slashes, the error gives the lists that tell the groups apart."""
    groups = _groups(("24",), ("24", "7"), ("24/7",))
    (problem,) = _problems(Row("ada", "24/7", 2), groups=groups)
    assert problem == (
        "agents.csv:2: path '24/7' fits 2 hierarchy groups, since names have slashes: "
        'write ["24", "7"] or ["24/7"]'
    )
    paths = Paths(groups)
    assert paths.group_id('["24/7"]') == "24/7"
    assert paths.group_id('["24", "7"]') == "24>7"
    assert paths.group_id("24 / 7") == "24>7"


@given(
    st.lists(
        st.lists(
            st.sampled_from(["a", "/", "a/b", " b", "[", '["a"]', "é", '"']), min_size=1, max_size=3
        ),
        max_size=12,
    )
)
def test_written_paths_are_read_again(ends: list[list[str]]) -> None:
    """Whatever names groups have, the path that an export writes is read as the same group."""
    every = {tuple(end[:n]) for end in ends for n in range(1, len(end) + 1)}
    groups = _groups(*sorted(every))
    paths = Paths(groups)
    for group in groups:
        cell = paths.cell(group.id)
        assert cell == cell.strip()
        assert paths.group_id(cell) == group.id
