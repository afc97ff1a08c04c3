"""Trees of nested Python: their nodes and keys, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import MAX_GROUP_NAME_LENGTH
from connect_hierarchy_lambda.model.names import composed, without_outer_blanks
from connect_hierarchy_lambda.model.properties import AgentsOnDelete
from connect_hierarchy_lambda.model.tags import MAX_USER_TAGS
from connect_hierarchy_lambda.model.tree import (
    Node,
    Place,
    Unquoted,
    digest,
    key_mark,
    read_tree,
)
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
    assert [node.has_own_key for node in tree.nodes] == [True, False, False, False]
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


def test_tags_reach_what_is_below() -> None:
    """The nearest wins, and what is written at a node itself is known."""
    lowest = {"name": "C", "tags": {"b": "C"}}
    tree = read_tree(
        [
            {
                "name": "A",
                "tags": {"a": "A", "b": "A"},
                "children": [{"name": "B", "tags": {"a": "B"}, "children": [lowest, "D"]}],
            },
            "E",
        ]
    )
    assert {node.name: node.tags for node in tree.nodes} == {
        "A": {"a": "A", "b": "A"},
        "B": {"a": "B", "b": "A"},
        "C": {"a": "B", "b": "C"},
        "D": {"a": "B", "b": "A"},
        "E": {},
    }
    assert [node.own_tags for node in tree.nodes if node.own_tags] == [
        {"a": "A", "b": "A"},
        {"a": "B"},
        {"b": "C"},
    ]


def test_tags_from_above_count() -> None:
    """As many as there may be pass; one more is an error about the node that has it."""
    above = {f"above{number}": "v" for number in range(MAX_USER_TAGS - 1)}
    group: dict[str, Any] = {
        "name": "A",
        "tags": above,
        "children": [{"name": "B", "tags": {"above0": "", "k": ""}}],
    }
    (_, below) = read_tree([group]).nodes
    assert len(below.tags) == MAX_USER_TAGS
    group["children"][0]["tags"]["one more"] = "v"
    with pytest.raises(
        InvalidHierarchyError, match=r"^org:3: in 'A/B': .* 48 tags, .*; 45 are thos"
    ):
        read_tree([group], line_of=lambda place: "org:3" if place[-1] == "tags" else "org:2")


def test_accents_are_compared_composed() -> None:
    """An editor that writes them otherwise changes neither keys nor what is found."""
    composed_, decomposed = "Z\u00fcrich", "Zu\u0308rich"
    before = read_tree([{"name": composed_, "children": [{"name": "A", "key": decomposed + "-A"}]}])
    after = read_tree([{"name": decomposed, "children": [{"name": "A", "key": composed_ + "-A"}]}])
    assert [node.mark for node in before.nodes] == [node.mark for node in after.nodes]
    assert after.nodes[0].name == decomposed
    assert not after.nodes[0].has_own_key
    for tree in (before, after):
        for text in (composed_, decomposed):
            assert tree.at(text) == tree.at([text]) == tree.with_key(text) == tree.nodes[0]
            assert tree.at(f"{text}/A") == tree.with_key(f"{text}-A") == tree.nodes[1]


def test_a_path_is_found_in_either_spelling() -> None:
    """As the tree has it, and as the construct of a group has it, from level one down."""
    tree = read_tree([{"name": "A", "children": ["B", "B / C", {"name": "B/C"}]}, "B"])
    assert tree.at("A/B") == tree.at("A / B") == tree.nodes[1]
    assert tree.at("A / B / C") == tree.nodes[2]
    assert tree.at("A/B/C") == tree.at("A / B/C") == tree.nodes[3]
    above = ("World", "A")
    assert tree.at("World / A / A / B", above) == tree.nodes[1]
    assert tree.at("World / A / B", above) == tree.at("B", above) == tree.nodes[4]
    for path in ("A / B", "World/A/B"):
        with pytest.raises(InvalidHierarchyError, match="has no hierarchy group"):
            tree.at(path, above)
    with pytest.raises(InvalidHierarchyError, match="has no hierarchy group"):
        tree.at("A / B", None)
    twice = read_tree(["A / B", {"name": "A", "key": "a", "children": ["B"]}])
    with pytest.raises(InvalidHierarchyError, match="'A / B' fits 2 hierarchy groups"):
        twice.at("A / B")
    assert twice.at(["A", "B"]) == twice.nodes[2]


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
        ([{"name": "A", "tags": {"k": None}}], r"tag 'k' has .*: write one, in quotes if"),
        ([{"name": "A", "tags": {"R&D": "x"}}], r"^in 'A': tag key 'R&D' has '&'"),
        ([{"name": "A", "tags": {"k": dt.date(2024, 2, 3)}}], r"has a date.*, \"2024-02-03\"$"),
        ([Unquoted("true or false", "No")], r"^group is true or false.*put .* quotes, \"No\"$"),
        ([{"name": Unquoted("a number", "1\u200b")}], r"name is a number.*, \"1\\u200b\"$"),
        ([{"name": {}}], r"name is a mapping, .*: put it into quotes if it is a text$"),
        ([{"name": "A", "agents_on_delete": Unquoted("true or false", "no")}], r"is 'no', one of"),
        ([" Sales"], r"^hierarchy group name begins or ends with a blank, remove it: ' Sales'$"),
        (["Sales\u00a0"], r"blank, remove it: 'Sales\\xa0'$"),
        ([{"name": "A", "key": "B "}], r"^in 'A': key begins or ends with a blank"),
        (
            ["Caf\u00e9", "Cafe\u0301"],
            r"^in 'Cafe\\u0301': two groups .* this name, with its accents composed in one",
        ),
        (["\u00c5", {"name": "B", "key": "A\u030a"}], r"^in 'B': its key '\u00c5' is also that of"),
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
    """As far as the reader of the file knows."""
    lines: dict[Place, str] = {(0, "children", 1, "name"): "org.yaml:7"}
    with pytest.raises(InvalidHierarchyError, match=r"^org.yaml:7: in 'A': hierarchy group name"):
        read_tree(
            [{"name": "A", "children": ["B", {"name": " "}]}],
            line_of=lambda place: lines.get(place, ""),
        )


names = (
    st.text(min_size=1, max_size=100)
    .map(without_outer_blanks)
    # two that are made of the same characters are one name
    .map(composed)
    .filter(lambda name: 1 <= len(name) <= MAX_GROUP_NAME_LENGTH)
)


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
    """An id says which instance, which tree and which generation it is."""
    first = TreeId(INSTANCE_ARN, "Tree", "request-1")
    assert TreeId.parse(str(first)) == first


@pytest.mark.parametrize(
    "physical_id",
    ["", "made-up", f"{INSTANCE_ARN}/agent-group/1", f"{INSTANCE_ARN}/hierarchy-tree/x"],
)
def test_other_physical_ids_are_none(physical_id: str) -> None:
    """An id that CloudFormation invented is no generation of a tree."""
    assert TreeId.parse(physical_id) is None
