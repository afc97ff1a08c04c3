"""Impossible values are errors at synth, with construct path, value, limit and remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import CfnParameter, Environment, RemovalPolicy, Stack, Stage
from aws_cdk import aws_ssm as ssm

from connect_hierarchy import AgentsOnDelete, HierarchyGroup, HierarchyStructure, HierarchyTree
from tests.support.constructs_fixtures import (
    GROUP_ARN,
    INSTANCE_ARN,
    OTHER_INSTANCE_ARN,
    find,
    new_app,
    new_instance,
    new_stack,
    properties_of,
)


def new_structure(
    stack: Stack, levels: Sequence[str] = ("Division", "Region"), **options: Any
) -> HierarchyStructure:
    """A structure of two levels."""
    return HierarchyStructure(
        stack, "Structure", **({"instance_arn": INSTANCE_ARN, "levels": levels} | options)
    )


def refused(path: str, *parts: str) -> Any:
    """Expect a ValueError that begins with the path and has all parts in this order."""
    pattern = ".*".join(re.escape(part) for part in (f"{path}: ", *parts))
    return pytest.raises(ValueError, match=rf"\A{pattern}")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"levels": []}, ["has no levels, 1 to 5 are needed", "name at least one"]),
        ({"levels": list("abcdef")}, ["has 6 levels, at most 5 are allowed", "merge"]),
        ({"levels": ["A", ""]}, ["name of level 2 is empty, 1 to 50"]),
        ({"levels": ["A", "  "]}, ["name of level 2 is blank, 1 to 50"]),
        ({"levels": ["L" * 51]}, ["has 51 characters, at most 50 are allowed, shorten", "LLL"]),
        ({"levels": ["A", "B", "A"]}, ["levels 1 and 3 have the same name", "'A'"]),
        ({"levels": "Division"}, ["levels is 'Division', a list is needed: write ['Division']"]),
        ({"instance_arn": "arn:aws:connect"}, ["not the ARN of", "arn:aws:connect", "expected"]),
        ({"instance_arn": GROUP_ARN}, ["not the ARN of an Amazon Connect instance"]),
        ({"group_quota": 0}, ["group_quota is 0, at least 1 is needed"]),
        ({"removal_policy": RemovalPolicy.SNAPSHOT}, ["SNAPSHOT", "use RETAIN"]),
    ],
)
def test_structure(options: dict[str, Any], parts: list[str]) -> None:
    """Each kind of impossible structure."""
    with refused("Stack/Structure", *parts):
        new_structure(new_stack(), **options)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"name": ""}, ["hierarchy group name is empty, 1 to 100"]),
        ({"name": " "}, ["hierarchy group name is blank, 1 to 100"]),
        ({"name": "n" * 101}, ["has 101 characters, at most 100 are allowed, shorten", "nnn"]),
        ({"tags": {"aws:x": "v"}}, ["'aws:'", "reserved for AWS, choose another", "aws:x"]),
        ({"tags": {"connect-hierarchy:x": "v"}}, ["reserved for this library"]),
        ({"tags": {"": "v"}}, ["tag key is empty"]),
        ({"tags": {"k" * 129: "v"}}, ["tag key has 129 characters, at most 128"]),
        ({"tags": {"k": "v" * 257}}, ["value of tag 'k' has 257 characters, at most 256"]),
        ({"tags": {f"k{n}": "v" for n in range(48)}}, ["has 48 tags, at most 47", "remove"]),
        (
            {"agents_on_delete": AgentsOnDelete.MOVE_TO_PARENT},
            ["agents_on_delete is MOVE_TO_PARENT", "no parent", "use UNASSIGN or FAIL"],
        ),
        ({"agents_on_delete": "KEEP"}, ["'KEEP'", "none of FAIL, MOVE_TO_PARENT, UNASSIGN"]),
        ({"removal_policy": RemovalPolicy.SNAPSHOT}, ["SNAPSHOT", "use RETAIN"]),
    ],
)
def test_group(options: dict[str, Any], parts: list[str]) -> None:
    """Each kind of impossible group."""
    structure = new_structure(new_stack())
    with refused("Stack/Structure/Group", *parts):
        structure.add_group("Group", **({"name": "Group"} | options))


def test_neither_structure_nor_parent() -> None:
    """A group needs a place."""
    with refused("Stack/Group", "neither structure nor parent is given, one is needed"):
        HierarchyGroup(new_stack(), "Group", name="Group")


def test_both_structure_and_parent() -> None:
    """A group has one place."""
    stack = new_stack()
    structure = new_structure(stack)
    parent = structure.add_group("Parent", name="Parent")
    with refused("Stack/Group", "both structure 'Stack/Structure' and parent", "leave out"):
        HierarchyGroup(stack, "Group", name="Group", structure=structure, parent=parent)


def test_deeper_than_the_structure() -> None:
    """The depth is checked against the levels that the structure has."""
    group = new_structure(new_stack()).add_group("A", name="A").add_group("B", name="B")
    with refused(
        "Stack/Structure/A/B/C",
        "hierarchy group 'C' is at level 3, the structure has 2 ('Division', 'Region')",
        "add a level to the structure, or choose a higher parent",
    ):
        group.add_group("C", name="C")


def test_deeper_than_any_structure() -> None:
    """Five levels are the limit, also where the structure's are not known."""
    stack = new_stack()
    group = HierarchyGroup.from_hierarchy_group_attributes(
        stack, "Deep", hierarchy_group_arn=GROUP_ARN, level=5
    )
    with refused("Stack/Deep/Deeper", "is at level 6, levels 1 to 5 are allowed"):
        group.add_group("Deeper", name="Deeper")


@pytest.mark.parametrize("level", [0, 3, 6])
def test_import_at_an_impossible_level(level: int) -> None:
    """The level that is said of an imported group must be one of the structure's."""
    stack = new_stack()
    structure = new_structure(stack)
    with refused("Stack/Group", f"the imported hierarchy group is at level {level}"):
        HierarchyGroup.from_hierarchy_group_attributes(
            stack, "Group", hierarchy_group_arn=GROUP_ARN, structure=structure, level=level
        )


@pytest.mark.parametrize("arn", [INSTANCE_ARN, f"{INSTANCE_ARN}/agent-group/", "Support"])
def test_malformed_group_arn(arn: str) -> None:
    """What is no group's ARN is refused where it is imported."""
    with refused("Stack/Group", "not the ARN of a hierarchy group", "expected"):
        HierarchyGroup.from_hierarchy_group_arn(new_stack(), "Group", arn)


def test_malformed_imports_of_a_structure() -> None:
    """An import is checked as what is made here."""
    with refused("Stack/ByArn", "not the ARN of an Amazon Connect instance", "expected"):
        HierarchyStructure.from_instance_arn(new_stack(), "ByArn", "my-instance")
    with refused("Stack/Levels", "levels 1 and 2 have the same name"):
        HierarchyStructure.from_instance_arn(
            new_stack(), "Levels", INSTANCE_ARN, levels=["Division", "Division"]
        )


def test_parent_from_another_instance() -> None:
    """A group cannot be below one of another instance."""
    stack = new_stack()
    structure = new_structure(stack, instance_arn=OTHER_INSTANCE_ARN)
    with refused("Stack/Group", INSTANCE_ARN[-20:], OTHER_INSTANCE_ARN[-20:], "the same is needed"):
        HierarchyGroup.from_hierarchy_group_attributes(
            stack, "Group", hierarchy_group_arn=GROUP_ARN, structure=structure
        )


def test_equal_names_among_siblings() -> None:
    """Two groups of one name and parent are refused, wherever in the app they stand."""
    app = new_app()
    stack, other = Stack(app, "Stack"), Stack(app, "Other")
    structure = new_structure(stack)
    first = structure.add_group("First", name="Support")
    with refused("Other/Group", "'Stack/Structure/First' has the same name", "rename", "'Support'"):
        HierarchyGroup(other, "Group", name="Support", structure=structure)
    imported = HierarchyStructure.from_instance_arn(other, "Imported", INSTANCE_ARN)
    with refused("Other/Imported/Group", "'Stack/Structure/First' has the same name"):
        imported.add_group("Group", name="Support")
    first.add_group("Cousin", name="Support")


def test_equal_names_below_one_import() -> None:
    """Two imports of one group are one parent."""
    stack = new_stack()
    for number in (1, 2):
        parent = HierarchyGroup.from_hierarchy_group_arn(stack, f"Parent{number}", GROUP_ARN)
        if number == 1:
            parent.add_group("Child", name="Support")
        else:
            with refused("Stack/Parent2/Child", "'Stack/Parent1/Child' has the same name"):
                parent.add_group("Child", name="Support")


def test_equal_names_below_an_import_of_our_own_group() -> None:
    """A group and the import of its ARN are one parent, too."""
    stack = new_stack()
    parent = new_structure(stack).add_group("Parent", name="Parent")
    parent.add_group("Child", name="Support")
    imported = HierarchyGroup.from_hierarchy_group_arn(
        stack, "Imported", parent.hierarchy_group_arn
    )
    with refused("Stack/Imported/Child", "'Stack/Structure/Parent/Child' has the same name"):
        imported.add_group("Child", name="Support")


@pytest.mark.parametrize("made_here", [True, False])
def test_two_structures_of_one_instance(made_here: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """An instance has one structure, so a second in the app is a mistake, in any stack."""
    app = new_app()
    instance_arn = new_instance(Stack(app, "Core")).attr_arn if made_here else INSTANCE_ARN
    new_structure(Stack(app, "One"), instance_arn=instance_arn)
    two = Stack(app, "Two")
    with refused("Two/Structure", "already has a structure in this app at 'One/Structure'", "use"):
        new_structure(two, instance_arn=instance_arn)


def test_structures_of_instances_that_only_look_alike() -> None:
    """The same logical id or parameter in two stages or stacks is not the same instance."""
    app = new_app()
    for name in ("Test", "Production"):
        stack = Stack(Stage(app, name), "Stack")
        new_structure(stack, instance_arn=new_instance(stack).attr_arn)
    for name in ("One", "Two"):
        stack = Stack(app, name)
        arn = CfnParameter(stack, "InstanceArn").value_as_string
        assert new_structure(stack, instance_arn=arn).node.path == f"{name}/Structure"


def test_more_groups_than_the_quota() -> None:
    """Groups count over the whole app and over imports of the structure."""
    app = new_app()
    stack = Stack(app, "Stack")
    structure = new_structure(stack, group_quota=2)
    structure.add_group("One", name="One")
    other = HierarchyStructure.from_instance_arn(Stack(app, "Other"), "Imported", INSTANCE_ARN)
    other.add_group("Two", name="Two")
    with refused(
        "Other/Imported/Three",
        "has 3 hierarchy groups for one instance, at most 2 are allowed",
        "L-D68AAAE4",
        "group_quota of 'Stack/Structure'",
    ):
        other.add_group("Three", name="Three")


def test_quota_of_a_structure_that_comes_last() -> None:
    """Groups of an import count as well where they were made before the structure."""
    app = new_app()
    other = HierarchyStructure.from_instance_arn(Stack(app, "Other"), "Imported", INSTANCE_ARN)
    for name in ("One", "Two"):
        other.add_group(name, name=name)
    with refused("Stack/Structure", "has 2 hierarchy groups for one instance, at most 1"):
        new_structure(Stack(app, "Stack"), group_quota=1)


def test_tokens_pass() -> None:
    """What comes at deployment cannot be judged here, also where it comes twice."""
    stack = new_stack()
    token = CfnParameter(stack, "Parameter").value_as_string
    structure = new_structure(stack, levels=[token, "Region"], instance_arn=token)
    one = structure.add_group("One", name=token, tags={"key": token, token: "value"})
    two = structure.add_group("Two", name=token)
    below = HierarchyGroup.from_hierarchy_group_attributes(
        stack, "Imported", hierarchy_group_arn=token, structure=structure, level=1
    ).add_group("Below", name=token)
    assert [group.level for group in (one, two, below)] == [1, 1, 2]


# where the instance is ----------------------------------------------------------------------------

HERE = {"account": "123456789012", "region": "eu-west-2"}


@pytest.mark.parametrize(
    ("env", "parts"),
    [
        ({"region": "us-east-1"}, ["is in Region eu-west-2, the stack in us-east-1", "deploy to"]),
        ({"account": "210987654321"}, ["is in account 123456789012, the stack in 210987654321"]),
    ],
)
@pytest.mark.parametrize("kind", ["structure", "group", "tree"])
def test_an_instance_elsewhere(env: dict[str, str], parts: list[str], kind: str) -> None:
    """The function calls Connect in its own Region and account; the error has both and the ARN."""
    app = new_app()
    stack = Stack(app, "Stack", env=Environment(**(HERE | env)))
    # nothing is deployed for an import, and one can be of anywhere
    imported = HierarchyStructure.from_instance_arn(stack, "Imported", INSTANCE_ARN)
    with refused("Stack/It", *parts, INSTANCE_ARN):
        if kind == "structure":
            HierarchyStructure(stack, "It", instance_arn=INSTANCE_ARN, levels=["Division"])
        elif kind == "group":
            HierarchyGroup(stack, "It", name="Sales", structure=imported)
        else:
            HierarchyTree(stack, "It", groups=["Sales"], structure=imported)


def test_an_instance_at_home_or_nobody_knows_where() -> None:
    """A stack of its Region and account has it, and one that is deployed to any can have it."""
    for stack in (Stack(new_app(), "Home", env=Environment(**HERE)), new_stack()):
        group = new_structure(stack).add_group("Group", name="Group")
        assert properties_of(group)["Name"] == "Group"
    abroad = Stack(new_app(), "Abroad", env=Environment(**(HERE | {"region": "us-east-1"})))
    arn = CfnParameter(abroad, "Arn").value_as_string
    structure = new_structure(abroad, instance_arn=arn)
    assert properties_of(structure)["InstanceArn"] == {"Ref": "Arn"}


# what is known later ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dummy-value-for-/connect/arn", "{{resolve:ssm:/connect/arn}}"])
def test_arns_that_are_looked_up(kind: str) -> None:
    """A placeholder for a looked-up value reaches the template, or it would never be looked up."""
    stack = new_stack()
    structure = new_structure(stack, instance_arn=kind)
    structure.add_group("Group", name="Group")
    imported = HierarchyGroup.from_hierarchy_group_attributes(
        stack, "Imported", hierarchy_group_arn=kind, structure=structure, level=1
    )
    below = imported.add_group("Below", name="Below")
    assert imported.hierarchy_group_arn == kind
    assert properties_of(structure)["InstanceArn"] == kind
    assert properties_of(below)["ParentGroupArn"] == kind
    (policy,) = find(stack, "AWS::IAM::Policy").values()
    on_instance, on_groups, _ = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (on_instance["Resource"], on_groups["Resource"]) == (kind, f"{kind}/agent-group/*")


def test_a_lookup_by_the_cdk() -> None:
    """The first synth asks for the value, with a group in the app that needs it."""
    app = new_app()
    stack = Stack(app, "Stack", env=Environment(**HERE))
    arn = ssm.StringParameter.value_from_lookup(stack, "/connect/support")
    group = HierarchyGroup.from_hierarchy_group_arn(stack, "Support", arn)
    group.add_group("Below", name="Below")
    assert group.hierarchy_group_id
    manifest = json.loads((Path(app.synth().directory) / "manifest.json").read_text())
    assert [entry["props"]["parameterName"] for entry in manifest["missing"]] == [
        "/connect/support"
    ]


def test_what_a_dynamic_reference_cannot_tell() -> None:
    """CloudFormation's functions see the reference and not the ARN: id and instance are errors."""
    stack = new_stack()
    arn = "{{resolve:ssm:/connect/support}}"
    group = HierarchyGroup.from_hierarchy_group_arn(stack, "Support", arn)
    assert group.hierarchy_group_arn == arn
    with refused("Stack/Support", "the id", "is a dynamic reference: give a token", arn):
        _ = group.hierarchy_group_id
    with refused("Stack/Support", "the instance", "give structure", arn):
        group.add_group("Below", name="Below")
