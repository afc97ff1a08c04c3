"""Keys of single groups: what CloudFormation calls a group, wherever it stands in the code."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, NestedStack, Stack
from constructs import Construct

from connect_hierarchy import (
    HierarchyGroup,
    HierarchyStructure,
    HierarchyTree,
    IHierarchyGroup,
    IHierarchyStructure,
)
from tests.support.constructs_fixtures import (
    GROUP_ARN,
    INSTANCE_ARN,
    logical_id,
    new_app,
    new_stack,
)


def new_structure(stack: Stack) -> HierarchyStructure:
    """A structure of three levels."""
    return HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division", "Country", "Team"]
    )


def every_place(stack: Stack) -> list[IHierarchyStructure | IHierarchyGroup]:
    """Everything that groups can be added to: made here, imported, of a tree."""
    structure = new_structure(stack)
    tree = HierarchyTree(stack, "Tree", structure=structure, groups=["Sales"])
    return [
        structure,
        structure.add_group("Uk", name="UK"),
        tree.group("Sales"),
        HierarchyStructure.from_instance_arn(stack, "ImportedStructure", INSTANCE_ARN),
        HierarchyGroup.from_hierarchy_group_arn(stack, "ImportedGroup", GROUP_ARN),
    ]


def test_a_group_keeps_its_logical_id_wherever_it_stands() -> None:
    """The logical id comes from the key alone, on every way to make a group."""
    found = set()
    for number in range(5):
        place = every_place(new_stack())[number]
        found.add(logical_id(place.add_group(f"Id{number}", name="Chat", key="chat")))
    stack = new_stack()
    scope = Construct(stack, "Elsewhere")
    structure = new_structure(stack)
    found.add(logical_id(HierarchyGroup(scope, "C", name="C", structure=structure, key="chat")))
    assert len(found) == 1


def test_the_logical_id_never_changes() -> None:
    """The logical id of a key never changes, since deployed stacks have it."""
    structure = new_structure(new_stack())
    group = structure.add_group("Group", name="Group", key="UK/Chat & mail, Größe")
    assert logical_id(group) == "HierarchyGroupUKChatmailGre2106ad6ad1820e86"
    longest = structure.add_group("Longest", name="Longest", key="k" * 512)
    assert re.fullmatch(r"HierarchyGroupk{40}[0-9a-f]{16}", logical_id(longest))


def test_without_a_key_the_place_in_the_code_counts() -> None:
    """What stands below another construct is another resource."""
    structure = new_structure(new_stack())
    uk, de = (structure.add_group(name, name=name) for name in ("UK", "DE"))
    one, other = (above.add_group("Chat", name="Chat") for above in (uk, de))
    assert logical_id(one) != logical_id(other)


def test_groups_below_a_group_with_a_key_move_with_it() -> None:
    """Their keys follow from it and from their construct ids, down to the last."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["A", "B", "C", "D"]
    )
    uk, de = (structure.add_group(name, name=name) for name in ("UK", "DE"))

    def ids(above: HierarchyGroup, key: str) -> list[str]:
        chat = above.add_group("Chat", name="Chat", key=key)
        night = chat.add_group("Night", name="Night")
        return [logical_id(chat), logical_id(night), logical_id(night.add_group("N1", name="N"))]

    before = ids(uk, "chat")
    with pytest.raises(ValueError, match="same key"):
        ids(de, "chat")
    other = new_structure(new_stack())
    moved = other.add_group("DE", name="DE").add_group("Chat", name="Chat", key="chat")
    assert [logical_id(moved), logical_id(moved.add_group("Night", name="Any"))] == before[:2]
    assert len(set(before)) == 3


def test_one_group_of_a_key_in_a_stack() -> None:
    """A second one is an error that names the first; how accents are written is no difference."""
    stack = new_stack()
    structure = new_structure(stack)
    structure.add_group("One", name="One", key="caf\u00e9")
    with pytest.raises(
        ValueError,
        match=r"\AStack/Structure/Two: hierarchy group 'Stack/Structure/One' has the same key, "
        "one group of a key is allowed in a stack, give one of them another: 'café'",
    ):
        structure.add_group("Two", name="Two", key="cafe\u0301")


def test_a_given_key_that_is_what_follows_from_another() -> None:
    """Both would have one logical id, so this is an error too."""
    structure = new_structure(new_stack())
    chat = structure.add_group("Chat", name="Chat", key="chat")
    chat.add_group("Night", name="Night")
    with pytest.raises(ValueError, match="'Stack/Structure/Chat/Night' has the same key"):
        structure.add_group("Other", name="Other", key="chat/Night")


def test_stacks_have_keys_of_their_own() -> None:
    """Two stacks can have one key, a nested stack included: logical ids are each stack's own."""
    app = new_app()
    one, two = Stack(app, "One"), Stack(app, "Two")
    structure = new_structure(one)
    groups = [
        HierarchyGroup(scope, "Group", name=f"Group {number}", structure=structure, key="chat")
        for number, scope in enumerate((one, two, NestedStack(one, "Nested")))
    ]
    assert len({logical_id(group) for group in groups}) == 1


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "key has 0 characters, 1 to 512 are allowed"),
        ("  ", "key begins or ends with a blank, remove it"),
        ("chat\u200b", r"key begins or ends with a blank, remove it: 'chat\\u200b'"),
        ("k" * 513, "key has 513 characters, 1 to 512 are allowed"),
        (
            "\ud83d",
            r"key has half of a surrogate pair, which is no character, remove it: '\\ud83d'",
        ),
        (7, "key is 7, a text is needed: put it into quotes"),
    ],
)
def test_keys_that_cannot_be(key: Any, message: str) -> None:
    """An error at synth, with the path of the construct."""
    structure = new_structure(new_stack())
    with pytest.raises(ValueError, match=rf"\AStack/Structure/Group: .*{message}"):
        structure.add_group("Group", name="Group", key=key)


def test_a_key_is_known_at_synth() -> None:
    """A token would give another logical id with each synth."""
    stack = new_stack()
    token = CfnParameter(stack, "Parameter").value_as_string
    with pytest.raises(ValueError, match="Stack/Structure/Group: key is a token, it must be known"):
        new_structure(stack).add_group("Group", name="Group", key=token)
