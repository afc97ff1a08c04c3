"""Trees of nested Python: their nodes and keys, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.properties import AgentsOnDelete
from connect_hierarchy_lambda.model.tree import Node, Place, digest, key_mark, read_tree
from connect_hierarchy_lambda.model.tree_identity import TreeId

INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/5b1c8e0a-1111-2222-3333-444455556666"
)


def test_nodes_come_parents_first_with_their_keys() -> None:
    """The default key is the parent's key, a slash and the name."""
    tree = read_tree(
        [{"name": "Support", "key": "S", "children": ["EMEA", {"name": "APAC"}]}, "Sales"]
    )
    assert tree.nodes == (
        Node("S", ("Support",)),
        Node("S/EMEA", ("Support", "EMEA"), "S"),
        Node("S/APAC", ("Support", "APAC"), "S"),
        Node("Sales", ("Sales",)),
    )
    assert [node.has_default_key for node in tree.nodes] == [False, True, True, True]
    assert tree.depth == 2


def test_a_renamed_node_with_a_kept_key_re_keys_nothing() -> None:
    """What lies below is known by the key above, not by the name."""
    before = read_tree([{"name": "Support", "children": ["EMEA"]}])
    after = read_tree([{"name": "Help", "key": "Support", "children": ["EMEA"]}])
    assert [node.key for node in before.nodes] == [node.key for node in after.nodes]


def test_everything_that_can_be_said_of_a_node() -> None:
    """Tags and policy."""
    node = {"name": "A", "tags": {"k": "v"}, "agents_on_delete": "UNASSIGN", "children": None}
    (read,) = read_tree([node]).nodes
    assert read.tags == {"k": "v"}
    assert read.agents_on_delete is AgentsOnDelete.UNASSIGN


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (None, r"^groups are empty, a list"),
        ({"name": "A"}, r"^groups are a mapping"),
        ([None], r"^group is empty, its name or a mapping"),
        ([{"name": None}], r"^name is empty, a text"),
        ([{"name": "A", "children": "B"}], r"^in 'A': groups are text"),
        ([{"name": "A", "key": ""}], r"^in 'A': key has 0 characters, 1 to 512"),
        ([{"name": "A", "key": 5}], r"^in 'A': key is a number"),
        ([{"name": "A", "tags": ["x"]}], r"^in 'A': tags are a list"),
        ([{"name": "A", "tags": {5: "x"}}], r"^in 'A': tag '5' has a number"),
        ([{"name": "A", "x": 1}], r"has no field 'x': use name, key"),
        ([{"name": "A", "children": ["B", "B"]}], r"^in 'A/B': two groups with one parent"),
        ([{"name": "A", "children": [{"name": "B", "key": "A"}]}], r"^in 'A/B': its key 'A'"),
    ],
)
def test_what_no_tree_can_be(groups: Any, message: str) -> None:
    """The error says where, what and what to do."""
    with pytest.raises(InvalidHierarchyError, match=message):
        read_tree(groups)


def test_six_levels_are_too_many() -> None:
    """Whatever the structure, there are five."""
    groups: list[Any] = ["F"]
    for name in "EDCBA":
        groups = [{"name": name, "children": groups}]
    with pytest.raises(InvalidHierarchyError, match=r"in 'A/B/C/D/E': .* level 6, at most 5"):
        read_tree(groups)


def test_errors_say_in_which_line() -> None:
    """As far as whoever read the file knows."""
    lines: dict[Place, str] = {(0, "children", 1, "name"): "org.yaml:7"}
    with pytest.raises(InvalidHierarchyError, match=r"^org.yaml:7: in 'A': hierarchy group name"):
        read_tree(
            [{"name": "A", "children": ["B", {"name": " "}]}],
            line_of=lambda place: lines.get(place, ""),
        )


names = st.text(min_size=1, max_size=100).filter(str.strip)


@given(st.lists(names, unique=True, max_size=20))
def test_any_names_can_be_siblings(siblings: list[str]) -> None:
    """Marks are letters and digits, and each its own."""
    tree = read_tree(siblings)
    marks = {node.mark for node in tree.nodes}
    assert len(marks) == len(siblings)
    assert all(mark.isalnum() and mark.isascii() for mark in marks)
    assert all(tree.at([name]).name == name for name in siblings)


def test_a_digest_changes_with_any_id() -> None:
    """And with which keys it is about."""
    marks = [key_mark("a"), key_mark("b")]
    ids = {marks[0]: "1", marks[1]: "2"}
    assert digest(ids, marks) == digest(dict(reversed(ids.items())), marks)
    assert digest(ids, marks) != digest({**ids, marks[1]: "3"}, marks)
    assert digest(ids, marks) != digest(ids, marks[:1])


def test_physical_ids_come_back() -> None:
    """A generation knows from which other it gave up how many groups."""
    first = TreeId(INSTANCE_ARN, "Tree", "request-1")
    assert TreeId.parse(str(first)) == first
    second = first.next(INSTANCE_ARN, "request-2", 3)
    assert TreeId.parse(str(second)) == second
    assert second.given_up_from(first) == 3
    assert second.given_up_from(second) == 0
    assert first.given_up_from(second) == 0
    assert first.mark != second.mark


@pytest.mark.parametrize(
    "physical_id",
    ["", "made-up", f"{INSTANCE_ARN}/agent-group/1", f"{INSTANCE_ARN}/hierarchy-tree/x"],
)
def test_other_physical_ids_are_none(physical_id: str) -> None:
    """What CloudFormation makes up is no generation of a tree."""
    assert TreeId.parse(physical_id) is None
