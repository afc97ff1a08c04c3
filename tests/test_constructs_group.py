"""`HierarchyGroup`: what stands in the template, its order, and its attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aws_cdk import (
    App,
    CfnParameter,
    MissingRemovalPolicies,
    RemovalPolicies,
    RemovalPolicy,
    Stack,
)
from jsii._kernel.providers.process import _NodeProcess

from connect_hierarchy import AgentsOnDelete, HierarchyGroup, HierarchyStructure, HierarchyTree
from tests.support.constructs_fixtures import (
    GROUP,
    GROUP_ARN,
    INSTANCE_ARN,
    find,
    logical_id,
    new_app,
    new_instance,
    new_stack,
    properties_of,
    resource_of,
    waits_for,
)


@dataclass
class Stage:
    """A structure with groups of each kind."""

    stack: Stack
    structure: HierarchyStructure
    support: HierarchyGroup
    emea: HierarchyGroup
    by_parameter: HierarchyGroup
    below_parameter: HierarchyGroup
    retained: HierarchyGroup
    below_import: HierarchyGroup


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Synthesised once for the module."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack,
        "Structure",
        instance_arn=new_instance(stack).attr_arn,
        levels=["Division", "Region", "Team"],
    )
    support = structure.add_group("Support", name="Support")
    by_parameter = HierarchyGroup(
        stack,
        "ByParameter",
        name=CfnParameter(stack, "Name").value_as_string,
        structure=structure,
    )
    imported = HierarchyGroup.from_hierarchy_group_arn(stack, "Imported", GROUP_ARN)
    return Stage(
        stack=stack,
        structure=structure,
        support=support,
        emea=support.add_group(
            "Emea",
            name="EMEA",
            adopt_existing=True,
            agents_on_delete=AgentsOnDelete.MOVE_TO_PARENT,
        ),
        by_parameter=by_parameter,
        below_parameter=by_parameter.add_group("Below", name="Below"),
        retained=structure.add_group(
            "Retained",
            name="Retained",
            agents_on_delete=AgentsOnDelete.UNASSIGN,
            removal_policy=RemovalPolicy.RETAIN,
        ),
        below_import=HierarchyGroup(stack, "BelowImport", name="Below", parent=imported),
    )


def test_properties_at_level_one(stage: Stage) -> None:
    """What has a default is always written, what is empty is left out."""
    properties = dict(properties_of(stage.support))
    properties.pop("ServiceToken")
    assert properties == {
        "ServiceTimeout": "3600",
        "InstanceArn": {"Fn::GetAtt": [logical_id(stage.structure), "InstanceArn"]},
        "Name": "Support",
        "AdoptExisting": False,
        "AgentsOnDelete": "FAIL",
    }


def test_properties_below(stage: Stage) -> None:
    """A child refers to its parent, and so is made after it and deleted before it."""
    properties = properties_of(stage.emea)
    assert properties["ParentGroupArn"] == {"Ref": logical_id(stage.support)}
    assert properties["AdoptExisting"] is True
    assert properties["AgentsOnDelete"] == "MOVE_TO_PARENT"
    assert properties_of(stage.retained)["AgentsOnDelete"] == "UNASSIGN"


def test_deleted_by_default(stage: Stage) -> None:
    """A group goes when it leaves the stack."""
    support = resource_of(stage.support)
    assert (support["DeletionPolicy"], support["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_a_retained_group_leaves_no_ghost_when_moved(stage: Stage) -> None:
    """RETAIN keeps a group that leaves the stack, but not the original of a moved one."""
    retained = resource_of(stage.retained)
    assert (retained["DeletionPolicy"], retained["UpdateReplacePolicy"]) == ("Retain", "Delete")


@pytest.mark.parametrize(
    ("policy", "deletion"),
    [
        (RemovalPolicy.RETAIN, "Retain"),
        (RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, "RetainExceptOnCreate"),
    ],
)
def test_no_ghost_when_the_policy_comes_later(policy: RemovalPolicy, deletion: str) -> None:
    """`apply_removal_policy` says the same as the argument."""
    structure = HierarchyStructure(
        new_stack(), "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    group = structure.add_group("Group", name="Group")
    group.apply_removal_policy(policy)
    resource = resource_of(group)
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (deletion, "Delete")


@pytest.mark.parametrize(
    ("apply", "deletion"),
    [
        (lambda app: RemovalPolicies.of(app).retain(), "Retain"),
        (lambda app: RemovalPolicies.of(app).retain(priority=1), "Retain"),
        (lambda app: RemovalPolicies.of(app).retain(priority=1000), "Retain"),
        (lambda app: RemovalPolicies.of(app).destroy(), "Delete"),
        (lambda app: RemovalPolicies.of(app).retain_on_update_or_delete(), "RetainExceptOnCreate"),
        (lambda app: MissingRemovalPolicies.of(app).retain(), "Delete"),
        (lambda app: MissingRemovalPolicies.of(app).retain(priority=1), "Delete"),
        (lambda app: MissingRemovalPolicies.of(app).retain(priority=1000), "Delete"),
    ],
)
def test_no_ghost_when_the_policy_comes_for_all(
    apply: Callable[[App], None], deletion: str
) -> None:
    """A policy for all resources decides about what leaves the stack, not about originals.

    Groups have a policy of their own by default: what only fills gaps leaves them alone.
    """
    app = new_app()
    apply(app)
    stack = Stack(app, "Stack")
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    group = structure.add_group("Group", name="Group")
    tree = HierarchyTree(stack, "Tree", groups=["Top"], structure=structure)
    for construct in (group, tree):
        resource = resource_of(construct)
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (deletion, "Delete")


def test_calls_into_javascript(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of groups are many calls: two constructs, two settings and a reference a parent."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division", "Team"]
    )
    structure.add_group("First", name="First")
    calls: list[Any] = []
    send = _NodeProcess.send

    def counting(self: _NodeProcess, request: Any, response_type: Any) -> Any:
        calls.append(request)
        return send(self, request, response_type)

    monkeypatch.setattr(_NodeProcess, "send", counting)
    above = structure.add_group("Above", name="Above")
    assert len(calls) == 4
    above.add_group("Below", name="Below")
    assert len(calls) == 9
    HierarchyGroup(stack, "Beside", name="Beside", parent=above)
    # where a scope is seen for the first time, its stack is asked for
    assert len(calls) <= 15


def test_references(stage: Stage) -> None:
    """The ARN is the physical id, which a rename keeps; the id is an attribute."""
    resolve = stage.stack.resolve
    support = logical_id(stage.support)
    assert resolve(stage.support.hierarchy_group_arn) == {"Ref": support}
    assert resolve(stage.support.hierarchy_group_id) == {
        "Fn::GetAtt": [support, "HierarchyGroupId"]
    }


def test_level_and_path_are_literals_where_known(stage: Stage) -> None:
    """What is known at synth needs no deployment to be read."""
    assert (stage.support.level_id, stage.support.path) == ("1", "Support")
    assert (stage.emea.level_id, stage.emea.path) == ("2", "Support / EMEA")


def test_level_and_path_are_attributes_where_not_known(stage: Stage) -> None:
    """A name from a parameter, or a parent of unknown depth, leaves it to the handler."""
    resolve = stage.stack.resolve
    below = stage.below_parameter
    assert below.level_id == "2"
    assert resolve(below.path) == {"Fn::GetAtt": [logical_id(below), "Path"]}
    below_import = logical_id(stage.below_import)
    assert stage.below_import.level is None
    assert resolve(stage.below_import.level_id) == {"Fn::GetAtt": [below_import, "LevelId"]}
    assert resolve(stage.below_import.path) == {"Fn::GetAtt": [below_import, "Path"]}


def test_structure_and_parent(stage: Stage) -> None:
    """A group knows where it stands."""
    assert stage.support.structure is stage.structure
    assert stage.emea.structure is stage.structure
    assert stage.emea.parent is stage.support
    assert stage.support.parent is None


def test_below_an_import(stage: Stage) -> None:
    """The parent and its instance are taken from the imported ARN."""
    properties = properties_of(stage.below_import)
    assert properties["InstanceArn"] == INSTANCE_ARN
    assert properties["ParentGroupArn"] == GROUP_ARN


def test_every_group_is_served_by_one_function(stage: Stage) -> None:
    """All groups of a stack have the same service token."""
    tokens = [group["Properties"]["ServiceToken"] for group in find(stage.stack, GROUP).values()]
    assert len(tokens) == 6
    assert tokens == [{"Fn::GetAtt": ["ConnectHierarchyFunction", "Arn"]}] * 6


def test_the_policy_goes_after_the_groups(stage: Stage) -> None:
    """Structure and groups of all instances wait for the one policy of the stack."""
    (policy,) = find(stage.stack, "AWS::IAM::Policy")
    for construct in (stage.structure, stage.support, stage.emea, stage.below_import):
        assert policy in waits_for(stage.stack, logical_id(construct))


@pytest.mark.parametrize("imported", [True, False])
def test_groups_in_another_stack_than_their_structure(*, imported: bool) -> None:
    """Groups wait for policy and function of their own stack, be it through the group above."""
    app = new_app()
    one, two = Stack(app, "One"), Stack(app, "Two")
    structure = (
        HierarchyStructure.from_instance_arn(two, "S", INSTANCE_ARN)
        if imported
        else HierarchyStructure(one, "S", instance_arn=INSTANCE_ARN, levels=["A", "B", "C"])
    )
    above = HierarchyGroup(one, "Above", name="Above", structure=structure)
    groups = [HierarchyGroup(two, "Top", name="Top", parent=above)]
    groups.append(groups[0].add_group("Below", name="Below"))
    tree = HierarchyTree(two, "Tree", parent=above, groups=["Node"])
    groups.append(tree.group("Node").add_group("BelowTree", name="BelowTree"))
    (policy,) = find(two, "AWS::IAM::Policy")
    for group in groups:
        needs = waits_for(two, logical_id(group))
        assert {"ConnectHierarchyFunctionInvokeConfig", policy} <= needs
