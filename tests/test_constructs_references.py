"""Groups where others take one: in the CDK's own constructs, across stacks, in imports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import CfnOutput, NestedStack, ReferenceStrength, Stack
from aws_cdk import aws_connect as connect
from aws_cdk.assertions import Template

from connect_hierarchy import HierarchyGroup, HierarchyProvider, HierarchyStructure, HierarchyTree
from connect_hierarchy_lambda.model.arns import GroupArn
from tests.support.constructs_fixtures import (
    GROUP,
    GROUP_ARN,
    INSTANCE_ARN,
    Resources,
    find,
    logical_id,
    new_app,
    new_instance,
    new_stack,
    properties_of,
    resource_of,
    waits_for,
)

POLICY = "AWS::IAM::Policy"


def new_user(stack: Stack, hierarchy_group_arn: str) -> connect.CfnUser:
    """An agent in a group."""
    return connect.CfnUser(
        stack,
        "Ada",
        instance_arn=INSTANCE_ARN,
        hierarchy_group_arn=hierarchy_group_arn,
        username="ada",
        routing_profile_arn="routing-profile",
        security_profile_arns=["security-profile"],
        phone_config=connect.CfnUser.UserPhoneConfigProperty(phone_type="SOFT_PHONE"),
    )


def policy_resources(policies: Resources) -> list[Any]:
    """What the statements of all policies are about."""
    return [
        statement["Resource"]
        for policy in policies.values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_in_constructs_of_the_cdk() -> None:
    """A user takes the ARN, a security profile the id, and what takes any group takes ours."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    group = structure.add_group("Group", name="Group")
    new_user(stack, group.hierarchy_group_arn)
    connect.CfnSecurityProfile(
        stack,
        "SecurityProfile",
        instance_arn=INSTANCE_ARN,
        security_profile_name="Supervisors",
        allowed_access_control_hierarchy_group_id=group.hierarchy_group_id,
    )
    arn = connect.CfnUserHierarchyGroup.arn_for_user_hierarchy_group(group)

    reference = {"Ref": logical_id(group)}
    assert stack.resolve(arn) == reference
    assert stack.resolve(group.user_hierarchy_group_ref.user_hierarchy_group_arn) == reference
    (user,) = find(stack, "AWS::Connect::User").values()
    assert user["Properties"]["HierarchyGroupArn"] == reference
    (profile,) = find(stack, "AWS::Connect::SecurityProfile").values()
    assert profile["Properties"]["AllowedAccessControlHierarchyGroupId"] == {
        "Fn::GetAtt": [logical_id(group), "HierarchyGroupId"]
    }


def test_across_stacks() -> None:
    """Groups of another stack import instance and parent; the agent there its group."""
    app = new_app()
    core, teams = Stack(app, "Core"), Stack(app, "Teams")
    structure = HierarchyStructure(
        core,
        "Structure",
        instance_arn=new_instance(core).attr_arn,
        levels=["Division", "Region"],
    )
    division = structure.add_group("Support", name="Support")
    level_one = HierarchyGroup(teams, "Sales", name="Sales", structure=structure)
    region = HierarchyGroup(teams, "Emea", name="EMEA", parent=division)
    new_user(teams, division.hierarchy_group_arn)

    assert "Fn::ImportValue" in properties_of(level_one)["InstanceArn"]
    assert "Fn::ImportValue" in properties_of(region)["ParentGroupArn"]
    (user,) = find(teams, "AWS::Connect::User").values()
    assert user["Properties"]["HierarchyGroupArn"] == properties_of(region)["ParentGroupArn"]
    assert (region.level_id, region.path) == ("2", "Support / EMEA")
    assert core in teams.dependencies
    # one policy there, on the ARN that the groups import anyway
    (policy,) = find(teams, POLICY)
    assert properties_of(level_one)["InstanceArn"] in policy_resources(find(teams, POLICY))
    assert len(find(core, POLICY)) == 1
    assert policy not in find(core, POLICY), "two instances can have one logical id in two stacks"


@pytest.mark.parametrize("structure_outside", [True, False])
def test_nested_stacks(structure_outside: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """A structure outside with groups in a nested stack works, and so does the reverse."""
    outer = new_stack()
    nested = NestedStack(outer, "Nested")
    home, elsewhere = (outer, nested) if structure_outside else (nested, outer)
    structure = HierarchyStructure(
        home,
        "Structure",
        instance_arn=new_instance(outer).attr_arn,
        levels=["Division", "Region"],
    )
    division = structure.add_group("Support", name="Support")
    region = HierarchyGroup(elsewhere, "Emea", name="EMEA", parent=division)
    properties = properties_of(region)
    if structure_outside:
        assert "Ref" in properties["InstanceArn"], "a parameter of the nested stack"
    else:
        output = properties["InstanceArn"]["Fn::GetAtt"][1]
        assert output.startswith("Outputs."), "an output of the nested stack"
    assert len(find(outer, GROUP)) == len(find(nested, GROUP)) == 1
    assert len(find(outer, POLICY)) == len(find(nested, POLICY)) == 1


def test_an_attribute_of_a_structure_means_its_instance() -> None:
    """Importing `instance_arn` of a structure in its own stack shares the policy: no cycle."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack,
        "Structure",
        instance_arn=new_instance(stack).attr_arn,
        levels=["Division"],
    )
    imported = HierarchyStructure.from_instance_arn(stack, "Imported", structure.instance_arn)
    group = imported.add_group("Group", name="Group")
    assert properties_of(group)["InstanceArn"] == {
        "Fn::GetAtt": [logical_id(structure), "InstanceArn"]
    }
    assert policy_resources(find(stack, POLICY))[0] == {"Fn::GetAtt": ["Instance", "Arn"]}


def test_an_arn_that_comes_late_has_a_policy_of_its_own() -> None:
    """It refers to a group of the stack, which cannot wait for a policy that does."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division", "Team"]
    )
    support = structure.add_group("Support", name="Support")
    imported = HierarchyGroup.from_hierarchy_group_arn(
        stack, "Imported", support.hierarchy_group_arn
    )
    below = imported.add_group("Below", name="Below")
    policies = find(stack, POLICY)
    (late,) = set(policies) & set(resource_of(below)["DependsOn"])
    (early,) = set(policies) - {late}
    assert logical_id(support) in str(policies[late])
    assert logical_id(support) not in str(policies[early])
    assert policies.keys() & waits_for(stack, logical_id(support)) == {early}


def test_import_by_arn() -> None:
    """An imported group gives id and ARN, and says what it cannot know."""
    group = HierarchyGroup.from_hierarchy_group_arn(new_stack(), "Group", GROUP_ARN)
    assert group.hierarchy_group_arn == GROUP_ARN
    assert group.hierarchy_group_id == GroupArn.parse(GROUP_ARN).group_id
    assert group.structure.instance_arn == INSTANCE_ARN
    assert group.parent is None
    with pytest.raises(ValueError, match=r"Stack/Group: the level of an imported .* give level"):
        _ = group.level_id
    with pytest.raises(ValueError, match=r"Stack/Group: the path of an imported .* give path"):
        _ = group.path


def test_import_by_token() -> None:
    """The parts of an ARN that comes at deployment are taken apart at deployment."""
    stack = new_stack()
    arn = connect.CfnUserHierarchyGroup(
        stack, "Native", instance_arn=INSTANCE_ARN, name="Native"
    ).attr_user_hierarchy_group_arn
    group = HierarchyGroup.from_hierarchy_group_arn(stack, "Group", arn)
    native = {"Fn::GetAtt": ["Native", "UserHierarchyGroupArn"]}
    parts = {"Fn::Split": ["/agent-group/", native]}
    assert stack.resolve(group.hierarchy_group_id) == {"Fn::Select": [1, parts]}
    child = group.add_group("Child", name="Child")
    assert properties_of(child)["InstanceArn"] == {"Fn::Select": [0, parts]}
    assert properties_of(child)["ParentGroupArn"] == native


def test_import_with_attributes() -> None:
    """What is said about an imported group holds for the groups below it."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division", "Region", "Team"]
    )
    group = HierarchyGroup.from_hierarchy_group_attributes(
        stack,
        "Group",
        hierarchy_group_arn=GROUP_ARN,
        structure=structure,
        level=2,
        path="Support / EMEA",
    )
    child = group.add_group("Child", name="London")
    assert (group.level_id, group.path) == ("2", "Support / EMEA")
    assert (child.level_id, child.path) == ("3", "Support / EMEA / London")
    assert properties_of(child)["InstanceArn"] == {
        "Fn::GetAtt": [logical_id(structure), "InstanceArn"]
    }


STRENGTH = "@aws-cdk/core:defaultCrossStackReferences"


@pytest.mark.parametrize("flag", [{}, {STRENGTH: "strong"}, {STRENGTH: "weak"}, {STRENGTH: "both"}])
def test_other_stacks_refer_by_exports_whatever_the_flag_says(flag: dict[str, str]) -> None:
    """An id that changes is then refused, where a weak reference would keep the old one."""
    app = new_app(**flag)
    base, user = Stack(app, "Base"), Stack(app, "User")
    provider = HierarchyProvider(base, "Provider")
    structure = HierarchyStructure(
        base, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    group = structure.add_group("Group", name="Group")
    # more than one answer carries, so that a resource of its own answers for the last
    names = [f"Team {number}" for number in range(70)]
    tree = HierarchyTree(base, "Tree", structure=structure, groups=names)
    values = {
        "Arn": group.hierarchy_group_arn,
        "Id": group.hierarchy_group_id,
        "Token": provider.service_token,
        "Instance": structure.instance_arn,
        **{f"Tree{number}": tree.group(n).hierarchy_group_id for number, n in enumerate(names)},
        "TreeArn": tree.group(names[-1]).hierarchy_group_arn,
    }
    for name, value in values.items():
        CfnOutput(user, name, value=value)

    outputs = Template.from_stack(user).to_json()["Outputs"]
    assert outputs.keys() == values.keys()
    written = json.dumps(outputs)
    assert "Fn::GetStackOutput" not in written
    assert written.count("Fn::ImportValue") == len(values) + 1  # the ARN has two parts


def test_a_reference_can_be_weakened() -> None:
    """A weak reference, at the user or at the group, still lets the group move."""
    app = new_app(**{STRENGTH: "weak"})
    base, user = Stack(app, "Base"), Stack(app, "User")
    structure = HierarchyStructure(
        base, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    by_use, by_group = (structure.add_group(name, name=name) for name in ("A", "B"))
    by_group.apply_cross_stack_reference_strength(ReferenceStrength.WEAK)
    weak = Stack.consume_reference(by_use.hierarchy_group_arn, ReferenceStrength.WEAK)
    CfnOutput(user, "A", value=weak)
    CfnOutput(user, "B", value=by_group.hierarchy_group_arn)
    for output in Template.from_stack(user).to_json()["Outputs"].values():
        assert output["Value"]["Fn::GetStackOutput"]["StackName"] == "Base"
