"""What the function may do: as much as its work needs, on one instance, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import cycle
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template as Synthesised

from app import ContactCentre
from connect_hierarchy import HierarchyProvider, HierarchyStructure
from local_aws.cloudformation.template import Template
from local_aws.connect import ConnectSettings, DuplicateScope
from tests.support.constructs_fixtures import (
    INSTANCE_ARN,
    OTHER_INSTANCE_ARN,
    new_app,
    new_instance,
    new_stack,
)
from tests.support.histories import HISTORIES, begin
from tests.support.iam import (
    Evaluator,
    Guard,
    SiteWithTables,
    UnknownPolicyError,
    role_of,
    statements_of,
)
from tests.support.iam import template_of_one_group as one_group

FUNCTION_ARN = "arn:aws:lambda:eu-west-2:123456789012:function:Site-Function"
STACKS_ARN = "arn:aws:cloudformation:eu-west-2:123456789012:stack"
STACK_ID = f"{STACKS_ARN}/Site/11111111-2222-3333-4444-555555555555"
LOGS_ARN = "arn:aws:logs:eu-west-2:123456789012:log-group"
OWN_LOGS = f"{LOGS_ARN}:Site-ConnectHierarchyFunctionLogs"
TABLES_ARN = "arn:aws:dynamodb:eu-west-2:123456789012:table"
LEDGER = f"{TABLES_ARN}/Site-ConnectHierarchyFunctionLedger"
LEDGER_ACTIONS = {
    f"dynamodb:{action}"
    for action in ("ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
}

# What no call of the in-process AWS uses. Lambda writes the function's logs on its behalf.
BY_LAMBDA = {("logs:CreateLogStream", "log-group"), ("logs:PutLogEvents", "log-group")}
# The Service Authorization Reference has several resource types for these; the local Connect checks
# the one that each call is about.
OTHER_RESOURCE_TYPES = {
    ("connect:CreateUserHierarchyGroup", "instance"),
    ("connect:ListUserProficiencies", "instance"),
    ("connect:UpdateUserHierarchy", "agent-group"),
}


def role(template: Template) -> Evaluator:
    """The function's role of a template that was deployed."""
    return role_of(
        template, instance_arn=INSTANCE_ARN, function_arn=FUNCTION_ARN, stack_id=STACK_ID
    )


def synthesised(stack: Stack) -> Template:
    """The template of a stack, as CloudFormation takes it apart."""
    return Template.parse(json.dumps(Synthesised.from_stack(stack).to_json()))


# the evaluation itself --------------------------------------------------------------------------


def evaluator(*statements: Mapping[str, Any]) -> Evaluator:
    """A role with these statements."""
    return Evaluator(statements_of({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: Any, resource: Any, **further: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **further}


GROUPS = f"{INSTANCE_ARN}/agent-group"


@pytest.mark.parametrize(
    ("pattern", "resource", "is_meant"),
    [
        ("*", f"{GROUPS}/1", True),
        (f"{GROUPS}/*", f"{GROUPS}/1", True),
        (f"{GROUPS}/*", f"{GROUPS}/1/2", True),
        (f"{GROUPS}/?", f"{GROUPS}/1", True),
        (f"{GROUPS}/?", f"{GROUPS}/12", False),
        (f"{GROUPS}/?", f"{GROUPS}/", False),
        (f"{GROUPS}/*", f"{GROUPS}", False),
        (f"{GROUPS}/*", f"{GROUPS}-level/1", False),
        (f"{GROUPS}/*", f"{GROUPS.upper()}/1", False),
        (f"{GROUPS}/a.c", f"{GROUPS}/abc", False),
        ("arn:aws:connect:*:123456789012:instance/1", "arn:aws:connect:x:y:z:instance/1", False),
        ("arn:aws:connect:*:*:instance/1", "arn:aws:connect:x:y:instance/1", True),
        ("arn:aws:connect:*:instance/*:*", "arn:aws:connect:x:y:instance/1", False),
    ],
)
def test_resources(pattern: str, resource: str, *, is_meant: bool) -> None:
    """Wildcards match any characters of a part of an ARN, case counts, the rest is literal."""
    assert (
        evaluator(allow("connect:*", pattern)).allows("connect:TagResource", resource) == is_meant
    )


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("connect:TagResource", True),
        ("CONNECT:tagresource", True),
        ("connect:Tag*", True),
        ("connect:?agResource", True),
        (["connect:DeleteUser", "connect:TagResource"], True),
        ("*", True),
        ("connect:Tag", False),
        ("connect:TagResources", False),
        ("lambda:TagResource", False),
    ],
)
def test_actions(pattern: Any, *, is_meant: bool) -> None:
    """Names of actions may have wildcards, and case does not count in them."""
    assert evaluator(allow(pattern, "*")).allows("connect:TagResource", GROUPS) == is_meant


def test_what_nothing_allows_is_denied() -> None:
    """That is the rule of IAM; and what was asked can be looked up afterwards."""
    one = evaluator(allow("connect:TagResource", f"{GROUPS}/*"))
    assert not one.allows("connect:TagResource", INSTANCE_ARN)
    assert one.denied == [("connect:TagResource", INSTANCE_ARN)]
    assert one.allows("connect:TagResource", f"{GROUPS}/1")
    assert one.used == one.granted == {("connect:TagResource", f"{GROUPS}/*")}


def test_deny_wins_over_allow() -> None:
    """Whatever order they stand in."""
    deny = {"Effect": "Deny", "Action": "connect:*", "Resource": f"{GROUPS}/1"}
    for one in (evaluator(deny, allow("*", "*")), evaluator(allow("*", "*"), deny)):
        assert not one.allows("connect:TagResource", f"{GROUPS}/1")
        assert one.allows("connect:TagResource", f"{GROUPS}/2")


def test_not_action_is_every_other() -> None:
    """As an Allow and as a Deny."""
    others = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert evaluator(others).allows("connect:TagResource", GROUPS)
    assert not evaluator(others).allows("iam:PassRole", GROUPS)
    deny = {"Effect": "Deny", "NotAction": "connect:*", "Resource": "*"}
    assert evaluator(allow("*", "*"), deny).allows("connect:TagResource", GROUPS)
    assert not evaluator(allow("*", "*"), deny).allows("iam:PassRole", GROUPS)


@pytest.mark.parametrize(
    "statement",
    [
        allow("connect:*", "*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
        allow("connect:*", "*", Principal="*"),
        {"Effect": "Allow", "Action": "connect:*", "NotResource": GROUPS},
        {"Effect": "Allow", "Action": "a:b", "NotAction": "c:d", "Resource": "*"},
        {"Effect": "allow", "Action": "connect:*", "Resource": "*"},
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Allow", "Action": "connect:*"},
        allow([], "*"),
        allow("connect:*", []),
        allow("connect:*", "instance/*"),
        allow("connect:*", "arn:aws:connect:*"),
        allow("connect:*", f"{INSTANCE_ARN}/agent/${{aws:username}}"),
        allow("connect:*", {"Ref": "Instance"}),
    ],
)
def test_what_is_not_known_is_an_error(statement: dict[str, Any]) -> None:
    """Nothing is ever allowed by leaving out what this evaluation does not understand."""
    with pytest.raises(UnknownPolicyError):
        evaluator(statement)


@pytest.mark.parametrize(
    "document",
    [
        {"Statement": [allow("*", "*")]},
        {"Version": "2008-10-17", "Statement": [allow("*", "*")]},
        {"Version": "2012-10-17", "Statement": []},
        {"Version": "2012-10-17"},
        {"Version": "2012-10-17", "Statement": ["x"]},
        {"Version": "2012-10-17", "Statement": [allow("*", "*")], "Other": 1},
    ],
)
def test_a_document_that_is_not_known_is_an_error(document: dict[str, Any]) -> None:
    """The same for what stands around the statements."""
    with pytest.raises(UnknownPolicyError):
        statements_of(document)


def test_policies_that_are_not_evaluated_are_an_error() -> None:
    """A managed policy, a boundary and a permission with conditions would change the decision."""
    resources = json.loads(one_group().body)["Resources"]
    function_role = "ConnectHierarchyFunctionRole"
    (permission,) = (
        name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Permission"
    )
    managed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"Roles": [{"Ref": function_role}]}}
    for name, properties in (
        (function_role, {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
        (function_role, {"PermissionsBoundary": "arn:aws:iam::123456789012:policy/Boundary"}),
        (permission, {"SourceAccount": "123456789012"}),
    ):
        changed = {**resources[name], "Properties": {**resources[name]["Properties"], **properties}}
        template = Template.parse(json.dumps({"Resources": {**resources, name: changed}}))
        with pytest.raises(UnknownPolicyError):
            role(template)
    with pytest.raises(UnknownPolicyError):
        role(Template.parse(json.dumps({"Resources": {**resources, "Managed": managed}})))


def test_a_policy_of_another_role_counts_for_nothing() -> None:
    """Only what is attached to the function's own role is its own."""
    resources = json.loads(one_group().body)["Resources"]
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::Policy":
            resource["Properties"]["Roles"] = [{"Ref": "SomebodyElse"}]
    document = {"Resources": resources, "Parameters": {"InstanceArn": {"Type": "String"}}}
    one = role(Template.parse(json.dumps(document)))
    assert not one.allows("connect:SearchUsers", INSTANCE_ARN)
    assert one.allows("cloudformation:DescribeStacks", STACK_ID)


# the policy -------------------------------------------------------------------------------------


@pytest.fixture(params=["a parameter", "a literal", "made in the stack", "sample app"])
def template(request: pytest.FixtureRequest) -> Template:
    """Templates that come by their instance in different ways."""
    if request.param == "a parameter":
        return one_group()
    if request.param == "sample app":
        return synthesised(ContactCentre(new_app(), "Site"))
    stack = new_stack()
    arn = INSTANCE_ARN
    if request.param == "made in the stack":
        arn = new_instance(stack).attr_arn
    HierarchyStructure(stack, "Structure", instance_arn=arn, levels=["Division"])
    return synthesised(stack)


ALLOWED = [
    ("connect:CreateUserHierarchyGroup", f"{INSTANCE_ARN}/agent-group/*"),
    ("connect:UpdateUserHierarchyStructure", INSTANCE_ARN),
    ("connect:UpdateUserHierarchy", f"{INSTANCE_ARN}/agent/1"),
    ("connect:TagResource", f"{INSTANCE_ARN}/agent-group/1"),
    ("cloudformation:DescribeStacks", STACK_ID),
    ("cloudformation:GetTemplate", STACK_ID),
    ("lambda:InvokeFunction", FUNCTION_ARN),
    ("logs:CreateLogStream", f"{OWN_LOGS}:log-stream:"),
    ("logs:PutLogEvents", f"{OWN_LOGS}:log-stream:2026/1/1/[$LATEST]1"),
    *((action, LEDGER) for action in sorted(LEDGER_ACTIONS)),
]

# each action that is allowed, on what it must not be
ELSEWHERE = [
    ("connect:CreateUserHierarchyGroup", OTHER_INSTANCE_ARN),
    ("connect:CreateUserHierarchyGroup", f"{OTHER_INSTANCE_ARN}/agent-group/*"),
    ("connect:DescribeUserHierarchyStructure", OTHER_INSTANCE_ARN),
    ("connect:UpdateUserHierarchyStructure", OTHER_INSTANCE_ARN),
    ("connect:UpdateUserHierarchyStructure", f"{INSTANCE_ARN}0"),
    ("connect:ListUserHierarchyGroups", OTHER_INSTANCE_ARN),
    ("connect:SearchUserHierarchyGroups", OTHER_INSTANCE_ARN),
    ("connect:SearchUsers", OTHER_INSTANCE_ARN),
    ("connect:SearchUsers", INSTANCE_ARN.replace("eu-west-2", "us-east-1")),
    ("connect:SearchUsers", INSTANCE_ARN.replace("123456789012", "210987654321")),
    ("connect:DescribeUserHierarchyGroup", f"{OTHER_INSTANCE_ARN}/agent-group/1"),
    ("connect:DeleteUserHierarchyGroup", f"{OTHER_INSTANCE_ARN}/agent-group/1"),
    ("connect:DeleteUserHierarchyGroup", INSTANCE_ARN),
    ("connect:UpdateUserHierarchyGroupName", f"{OTHER_INSTANCE_ARN}/agent-group/1"),
    ("connect:UpdateUserHierarchy", f"{OTHER_INSTANCE_ARN}/agent/1"),
    ("connect:UpdateUserHierarchy", INSTANCE_ARN),
    ("connect:DescribeUser", f"{OTHER_INSTANCE_ARN}/agent/1"),
    ("connect:TagResource", f"{OTHER_INSTANCE_ARN}/agent-group/1"),
    ("connect:TagResource", INSTANCE_ARN),
    ("connect:TagResource", f"{INSTANCE_ARN}/agent/1"),
    ("connect:TagResource", f"{INSTANCE_ARN}/agent-group-level/1"),
    ("connect:TagResource", f"{INSTANCE_ARN}/queue/1"),
    ("connect:UntagResource", f"{INSTANCE_ARN}/security-profile/1"),
    ("cloudformation:DescribeStacks", f"{STACKS_ARN}/Other/11111111-2222-3333-4444-555555555555"),
    ("cloudformation:DescribeStacks", f"{STACKS_ARN}/Site/99999999-2222-3333-4444-555555555555"),
    ("cloudformation:DescribeStacks", "*"),
    ("cloudformation:GetTemplate", f"{STACKS_ARN}/Other/1"),
    ("lambda:InvokeFunction", f"{FUNCTION_ARN}2"),
    ("lambda:InvokeFunction", f"{FUNCTION_ARN.rsplit(':', 1)[0]}:other"),
    ("logs:CreateLogStream", f"{LOGS_ARN}:/aws/lambda/other:log-stream:"),
    ("logs:PutLogEvents", f"{LOGS_ARN}:/aws/lambda/other:log-stream:1"),
    ("logs:PutLogEvents", f"{OWN_LOGS}2:log-stream:1"),
    *(
        (action, resource)
        for action in sorted(LEDGER_ACTIONS)
        for resource in (f"{TABLES_ARN}/other", f"{LEDGER}2", f"{LEDGER}/index/by-name")
    ),
]

# what no handler does, on the very things that it works with
NEVER = [
    (f"connect:{action}", resource)
    for resource in (INSTANCE_ARN, f"{INSTANCE_ARN}/agent/1", f"{INSTANCE_ARN}/agent-group/1")
    for action in (
        "AssociateApprovedOrigin",
        "AssociateLambdaFunction",
        "AssociateSecurityKey",
        "CreateInstance",
        "CreateSecurityProfile",
        "CreateUser",
        "DeleteInstance",
        "DeleteUser",
        "DescribeInstance",
        "DisassociateSecurityKey",
        "GetFederationToken",
        "GetContactAttributes",
        "ListUsers",
        "StartOutboundVoiceContact",
        "UpdateInstanceAttribute",
        "UpdateSecurityProfile",
        "UpdateUserIdentityInfo",
        "UpdateUserPhoneConfig",
        "UpdateUserRoutingProfile",
        "UpdateUserSecurityProfiles",
    )
] + [
    ("iam:PassRole", "arn:aws:iam::123456789012:role/Site-ConnectHierarchyFunctionRole"),
    ("iam:AttachRolePolicy", "arn:aws:iam::123456789012:role/Site-ConnectHierarchyFunctionRole"),
    ("iam:CreateUser", "arn:aws:iam::123456789012:user/x"),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/Admin"),
    ("cloudformation:DeleteStack", STACK_ID),
    ("cloudformation:DescribeStackResource", STACK_ID),
    ("cloudformation:DescribeStackResources", STACK_ID),
    ("cloudformation:ListStackResources", STACK_ID),
    ("cloudformation:UpdateStack", STACK_ID),
    ("cloudformation:GetTemplateSummary", STACK_ID),
    ("cloudformation:SignalResource", STACK_ID),
    ("lambda:UpdateFunctionCode", FUNCTION_ARN),
    ("lambda:UpdateFunctionConfiguration", FUNCTION_ARN),
    ("lambda:AddPermission", FUNCTION_ARN),
    ("events:PutRule", "arn:aws:events:eu-west-2:123456789012:rule/x"),
    ("logs:CreateLogGroup", f"{OWN_LOGS}:log-stream:"),
    ("logs:DeleteLogGroup", f"{OWN_LOGS}:log-stream:"),
    ("logs:GetLogEvents", f"{OWN_LOGS}:log-stream:1"),
    *(
        (f"dynamodb:{action}", LEDGER)
        for action in (
            "BatchGetItem",
            "BatchWriteItem",
            "CreateTable",
            "DeleteTable",
            "DescribeTable",
            "ExportTableToPointInTime",
            "PartiQLSelect",
            "Scan",
            "UpdateTable",
        )
    ),
    ("s3:GetObject", "arn:aws:s3:::bucket/key"),
    ("s3:PutObject", "arn:aws:s3:::cloudformation-custom-resource-response-euwest2/key"),
    ("kms:Decrypt", "arn:aws:kms:eu-west-2:123456789012:key/1"),
    ("ec2:CreateNetworkInterface", "arn:aws:ec2:eu-west-2:123456789012:network-interface/*"),
]


def test_what_the_role_may_and_may_not_do(template: Template) -> None:
    """Other instances, other things of this one, other stacks, functions and logs are closed."""
    one = role(template)
    for action, resource in ALLOWED:
        assert one.allows(action, resource), (action, resource)
    assert one.denied == []
    for action, resource in ELSEWHERE + NEVER:
        assert not one.allows(action, resource), (action, resource)


def test_each_action_is_tried_elsewhere() -> None:
    """The list above leaves out no action that the role has."""
    granted = {action for action, _ in role(one_group()).granted}
    # SearchUsers needs it for its answers, and nothing else is called that does
    assert granted - {action for action, _ in ELSEWHERE} == {"connect:ListUserProficiencies"}


def test_a_network_adds_network_interfaces_only() -> None:
    """What Lambda asks for in a VPC, and nothing that touches other things of EC2."""
    stack = new_stack()
    HierarchyProvider(stack, "Provider", vpc=ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0))
    HierarchyStructure(stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"])
    one = role(synthesised(stack))
    account = "arn:aws:ec2:eu-west-2:123456789012"
    assert one.allows("ec2:CreateNetworkInterface", f"{account}:network-interface/*")
    assert not one.allows("ec2:RunInstances", f"{account}:instance/*")
    assert {action for action, _ in one.granted if action.startswith("ec2:")} == {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    }


# the policy and what the handlers do --------------------------------------------------------------


def test_the_role_has_what_the_handlers_use_and_no_more() -> None:
    """No call of any history is denied, and each action is used on what it is granted on."""
    used: set[tuple[str, str]] = set()
    unused: set[tuple[str, str]] = set()
    # where a name may stand twice decides about few calls: each history has one of the two
    for (name, play), scope in zip(HISTORIES.items(), cycle(DuplicateScope), strict=False):
        site = SiteWithTables(connect_settings=ConnectSettings(duplicate_scope=scope))
        guard = Guard(site, site.instance_arn, site.other_arn)
        play(site)
        assert guard.denied == [], name
        assert all(call.allowed for call in site.service_calls), name
        used |= guard.used
        unused |= guard.unused
    assert unused - used == BY_LAMBDA | OTHER_RESOURCE_TYPES
    # of those, each action is used on another resource type all the same
    assert {action for action, _ in OTHER_RESOURCE_TYPES} <= {action for action, _ in used}


def test_a_guarded_function_is_really_refused() -> None:
    """With the policies of another instance alone, a deployment ends with IAM's refusal."""
    site = SiteWithTables()
    guard = Guard(site, site.new_instance())
    stack = site.up(begin(site))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any(" is denied" in reason for reason in site.reasons(stack))
    assert (stack.stack_id, "connect:DescribeUserHierarchyStructure", site.instance_arn) in (
        guard.denied
    )
    assert guard.actions - LEDGER_ACTIONS == {"cloudformation:DescribeStacks"}
