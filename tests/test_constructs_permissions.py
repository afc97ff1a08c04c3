"""The policies of the function's role: few enough characters for IAM, and there until the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, NestedStack, Stack
from aws_cdk import aws_iam as iam

from connect_hierarchy import HierarchyProvider, HierarchyStructure
from tests.support.constructs_fixtures import (
    INSTANCE_ARN,
    find,
    new_app,
    new_instance,
    new_stack,
)

ROLE = "AWS::IAM::Role"
POLICY = "AWS::IAM::Policy"
QUOTA = 10_240
"""Characters of all inline policies of a role, white space not counted."""

MOST_INSTANCES = 14
"""In one stack, on literal ARNs of eu-west-2."""


def instance_arn(number: int) -> str:
    """A unique ARN."""
    return f"{INSTANCE_ARN[:-12]}{number:012}"


def with_instances(stack: Stack, *numbers: int, **options: Any) -> None:
    """Structures on literal ARNs."""
    for number in numbers:
        HierarchyStructure(
            stack,
            f"Structure{number}",
            instance_arn=instance_arn(number),
            levels=["Division"],
            **options,
        )


def policies(stack: Stack) -> dict[str, Any]:
    """The policies of a stack, by logical id."""
    return {name: policy["Properties"] for name, policy in find(stack, POLICY).items()}


def test_ten_instances_in_a_stack() -> None:
    """Each action stands once, on all instances: as little as for one, and short enough for IAM."""
    stack = new_stack()
    with_instances(stack, *range(10))
    (policy,) = policies(stack).values()
    arns = [instance_arn(number) for number in range(10)]
    on_instances, on_groups, on_agents = policy["PolicyDocument"]["Statement"]
    assert on_instances["Resource"] == arns
    assert on_groups["Resource"] == [f"{arn}/agent-group/*" for arn in arns]
    assert on_agents["Resource"] == [f"{arn}/agent/*" for arn in arns]
    assert "connect:TagResource" not in on_instances["Action"] + on_agents["Action"]


def test_ten_instances_that_the_stack_makes() -> None:
    """Their ARNs are not known at synth, but not longer than any ARN of an instance."""
    stack = new_stack()
    for number in range(10):
        HierarchyStructure(
            stack,
            f"Structure{number}",
            instance_arn=new_instance(stack, f"Instance{number}").attr_arn,
            levels=["Division"],
        )
    (policy,) = policies(stack).values()
    assert len(policy["PolicyDocument"]["Statement"][0]["Resource"]) == 10


def deployed_characters(stack: Stack) -> tuple[int, int]:
    """Of the role's own policy, and of that for the instances, as IAM will count them."""
    name = stack.stack_name
    where = "eu-west-2:123456789012"
    table, logs, stack_id = "Ledger", "Logs", {"Ref": "AWS::StackId"}
    deployed = {
        json.dumps(stack_id): f"arn:aws:cloudformation:{where}:stack/{name}/{'x' * 36}",
        **{
            json.dumps({"Fn::GetAtt": [f"ConnectHierarchyFunction{what}", "Arn"]}): arn
            for what, arn in {
                table: f"arn:aws:dynamodb:{where}:table/{name}-ConnectHierarchyFunctionLedger-123",
                logs: f"arn:aws:logs:{where}:log-group:{name}-ConnectHierarchyFunctionLogs-123:*",
            }.items()
        },
    }
    (role,) = find(stack, ROLE).values()
    (policy,) = policies(stack).values()
    lengths = []
    for document in (role["Properties"]["Policies"][0], policy):
        text = json.dumps(document["PolicyDocument"])
        for reference, arn in deployed.items():
            text = text.replace(reference, json.dumps(arn))
        assert "Fn::" not in text
        lengths.append(len("".join(text.split())))
    return lengths[0], lengths[1]


def test_what_synthesises_is_taken_by_iam() -> None:
    """Also while a deployment has the policy of before beside the new one."""
    stack = new_stack()
    with_instances(stack, *range(MOST_INSTANCES))
    own, of_instances = deployed_characters(stack)
    assert own + 2 * of_instances <= QUOTA
    assert own + 2 * of_instances > QUOTA * 0.9, "the estimate is not far too high"


def test_more_instances_than_iam_takes() -> None:
    """The error has the number, the limit, the stack and the remedy."""
    stack = new_stack()
    with_instances(stack, *range(MOST_INSTANCES + 1))
    with pytest.raises(
        RuntimeError,
        match=r"\[Stack/ConnectHierarchyProvider\] the role of the function has policies of "
        r"10\d\d\d characters .* at most 10240 are allowed: it serves 15 instances in 'Stack', "
        r"spread them over more stacks",
    ):
        find(stack, POLICY)


def test_the_remedy() -> None:
    """A nested stack has a function of its own, and so a role of its own."""
    stack = new_stack()
    with_instances(stack, *range(MOST_INSTANCES))
    with_instances(NestedStack(stack, "More"), MOST_INSTANCES)
    assert len(policies(stack)) == 1


def test_stacks_that_share_a_function_count_together() -> None:
    """They attach their policies to one role."""
    app = new_app()
    home = Stack(app, "Home")
    provider = HierarchyProvider(home, "Provider")
    for name, numbers in (("One", range(10)), ("Two", range(10, 20))):
        with_instances(Stack(app, name), *numbers, provider=provider)
    with pytest.raises(RuntimeError, match="it serves 20 instances in 'One', 'Two', spread"):
        find(home, ROLE)


def test_what_the_app_grants_counts_as_well() -> None:
    """The role's default policy is an inline one, too."""
    stack = new_stack()
    provider = HierarchyProvider(stack, "Provider")
    with_instances(stack, *range(10))
    for number in range(40):
        provider.role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt"],
                resources=[f"arn:aws:kms:eu-west-2:123456789012:key/{number:036}"],
                conditions={"StringEquals": {"kms:ViaService": f"{number}.amazonaws.com"}},
            )
        )
    with pytest.raises(RuntimeError, match="it serves 10 instances in 'Stack'"):
        find(stack, POLICY)


def test_other_instances_are_another_policy() -> None:
    """A changed policy would lose an instance before the clean-up deletes its groups."""
    names: dict[tuple[int, ...], set[str]] = {}
    for numbers in [(1, 2), (2, 1), (1,), (2,), (1, 2, 3)]:
        stack = new_stack()
        with_instances(stack, *numbers)
        names[numbers] = set(policies(stack))
        (policy,) = policies(stack).values()
        assert policy["PolicyName"] in names[numbers]
    assert names[1, 2] == names[2, 1]
    assert len({name for ids in names.values() for name in ids}) == 4


def test_every_resource_waits_for_the_policy() -> None:
    """Also those that were made when the policy was about fewer instances."""
    stack = new_stack()
    with_instances(stack, 1, 2)
    (name,) = policies(stack)
    structures = find(stack, "Custom::ConnectHierarchyStructure").values()
    assert len(structures) == 2
    assert all(name in structure["DependsOn"] for structure in structures)


@pytest.mark.parametrize("role_name", ["hierarchies", None], ids=["a role", "no role yet"])
def test_customised_roles(role_name: str | None) -> None:
    """The report for people who may not create roles has the permissions for each instance."""
    app = App(context={"aws:cdk:bundling-stacks": []})
    path = "Stack/ConnectHierarchyProvider/Role"
    iam.Role.customize_roles(
        app, use_precreated_roles=None if role_name is None else {path: role_name}
    )
    stack = Stack(app, "Stack")
    with_instances(stack, 1, 2)
    assert find_in(app, ROLE) == find_in(app, POLICY) == {}
    (function,) = find_in(app, "AWS::Lambda::Function")
    assert function == "ConnectHierarchyFunction"
    report = json.loads((Path(app.synth().directory) / "iam-policy-report.json").read_text())
    (role,) = (role for role in report["roles"] if role["roleConstructPath"] == path)
    assert role["roleName"] == (role_name or "missing role")
    allowed = {
        (action, statement["Resource"])
        for statement in role["identityPolicyStatements"]
        for action in statement["Action"]
    }
    for number in (1, 2):
        assert ("connect:SearchUsers", instance_arn(number)) in allowed
        assert ("connect:TagResource", f"{instance_arn(number)}/agent-group/*") in allowed
        assert ("connect:DescribeUser", f"{instance_arn(number)}/agent/*") in allowed
    assert {"dynamodb:Query", "logs:PutLogEvents", "cloudformation:DescribeStacks"} <= {
        action for action, _ in allowed
    }


def find_in(app: App, resource_type: str) -> dict[str, Any]:
    """The resources of a type in the app's stack, by logical id.

    Not by way of the assertions, which refuse an app whose roles are missing.
    """
    template: dict[str, Any] = app.synth().get_stack_by_name("Stack").template
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == resource_type
    }
