"""Stacks without an app, as unit tests make them: `Stack()` makes an app of its own."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, Stack, Tags
from aws_cdk.assertions import Template

from connect_hierarchy import HierarchyProvider, HierarchyStructure, HierarchyTree
from tests.support.constructs_fixtures import GROUP, INSTANCE_ARN, find, properties_of


def bare_stack() -> Stack:
    """A stack that nobody gave an app."""
    stack = Stack()
    # copying the function's code takes time
    stack.node.set_context("aws:cdk:bundling-stacks", [])
    return stack


def test_structure_group_and_tree() -> None:
    """All find the one provider of the stack, and each other."""
    stack = bare_stack()
    arn = CfnParameter(stack, "InstanceArn").value_as_string
    structure = HierarchyStructure(stack, "Structure", instance_arn=arn, levels=["A", "B"])
    sales = structure.add_group("Sales", name="Sales")
    sales.add_group("Inbound", name="Inbound")
    HierarchyTree(stack, "Tree", structure=structure, groups=["Support"])
    assert HierarchyProvider.get_or_create(stack) is HierarchyProvider.get_or_create(sales)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Lambda::Function", 1)
    template.resource_count_is("Custom::ConnectHierarchyTree", 1)
    assert len(find(stack, GROUP)) == 2


def test_a_provider_of_ones_own() -> None:
    """It is found by what comes after it, and a second one is refused."""
    stack = bare_stack()
    provider = HierarchyProvider(stack, "Provider", memory_size=512)
    structure = HierarchyStructure(stack, "S", instance_arn=INSTANCE_ARN, levels=["A"])
    assert structure.provider is provider
    with pytest.raises(ValueError, match="already uses the provider"):
        HierarchyProvider(stack, "Second")


def test_a_stack_that_only_its_constructs_know() -> None:
    """Whether the code keeps the stack in a variable makes no difference."""
    structure = HierarchyStructure(bare_stack(), "S", instance_arn=INSTANCE_ARN, levels=["A"])
    group = structure.add_group("Group", name="Group")
    Tags.of(structure).add("team", "sales")
    assert properties_of(group)["Tags"] == {"team": "sales"}
    with pytest.raises(ValueError, match="has the same name"):
        structure.add_group("Other", name="Group")


def test_two_stacks_know_nothing_of_each_other() -> None:
    """Each has an app of its own, so one instance can have a structure in each."""
    made = [
        HierarchyStructure(bare_stack(), "S", instance_arn=INSTANCE_ARN, levels=["A"])
        for _ in range(2)
    ]
    assert [structure.add_group("G", name="G").path for structure in made] == ["G", "G"]
