"""`HierarchyProvider`: one function a stack, what it may do, and who else can use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aws_cdk import Duration, Environment, NestedStack, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from connect_hierarchy import HierarchyGroup, HierarchyProvider, HierarchyStructure, HierarchyTree
from connect_hierarchy.provider import HANDLER_RUNTIME
from connect_hierarchy_lambda.model.properties import HANDLER
from tests.support.constructs_fixtures import (
    INSTANCE_ARN,
    OTHER_INSTANCE_ARN,
    STRUCTURE,
    Resources,
    find,
    new_app,
    new_instance,
    new_stack,
    properties_of,
)

FUNCTION = "AWS::Lambda::Function"
ROLE = "AWS::IAM::Role"
POLICY = "AWS::IAM::Policy"
LOG_GROUP = "AWS::Logs::LogGroup"
INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"
TABLE = "AWS::DynamoDB::Table"
LEDGER_ACTIONS = [
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
]


def new_structure(stack: Stack, **options: Any) -> HierarchyStructure:
    """A structure of one level, for the function that comes with it."""
    return HierarchyStructure(
        stack, "Structure", **({"instance_arn": INSTANCE_ARN, "levels": ["Division"]} | options)
    )


def statements(resources: Resources) -> Iterator[dict[str, Any]]:
    """All statements of policies and of inline policies."""
    for resource in resources.values():
        yield from statements_in(resource)


def statements_in(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a policy, or of the inline policies of a role."""
    properties = resource["Properties"]
    documents = properties.get("Policies", [])
    for document in [properties] if "PolicyDocument" in properties else documents:
        yield from document["PolicyDocument"]["Statement"]


def as_list(value: Any) -> list[Any]:
    """An IAM element, which stands alone where it is the only one."""
    return value if isinstance(value, list) else [value]


def test_the_function_of_a_stack() -> None:
    """A structure brings its function, with a log group and times that fit the service timeout."""
    stack = new_stack()
    structure = new_structure(stack)
    structure.add_group("Group", name="Group")
    template = Template.from_stack(stack)
    template.resource_count_is(FUNCTION, 1)
    template.has_resource_properties(
        FUNCTION,
        {
            "Handler": HANDLER,
            "Runtime": HANDLER_RUNTIME.name,
            "Timeout": 900,
            "MemorySize": 256,
            "LoggingConfig": {"LogGroup": {"Ref": "ConnectHierarchyFunctionLogs"}},
            "Environment": {
                "Variables": {"LEDGER_TABLE_NAME": {"Ref": "ConnectHierarchyFunctionLedger"}}
            },
        },
    )
    (function,) = find(stack, FUNCTION).values()
    assert {"FunctionName", "ReservedConcurrentExecutions"}.isdisjoint(function["Properties"])
    template.has_resource(
        LOG_GROUP,
        {"Properties": {"RetentionInDays": 90}, "DeletionPolicy": "Delete"},
    )


@pytest.mark.parametrize("timeout", [60, 300, 900, 1800])
def test_an_answer_always_comes_before_the_service_timeout(timeout: int) -> None:
    """Maximum event age and timeout together stay below what CloudFormation waits."""
    stack = new_stack()
    provider = HierarchyProvider(stack, "Provider", timeout=Duration.seconds(timeout))
    structure = new_structure(stack)
    assert structure.provider is provider
    (function,) = find(stack, FUNCTION).values()
    (invoke_config,) = find(stack, INVOKE_CONFIG).values()
    assert function["Properties"]["Timeout"] == timeout
    assert invoke_config["Properties"]["MaximumRetryAttempts"] == 2
    age = invoke_config["Properties"]["MaximumEventAgeInSeconds"]
    assert age + timeout < int(properties_of(structure)["ServiceTimeout"])
    assert age >= 1740, "a throttled event still has time to be tried again"


@pytest.mark.parametrize("timeout", [59, 1801])
def test_timeout_outside_its_limits(timeout: int) -> None:
    """Lambda ends at 1,800 seconds, and less than a minute is no time to wait out a throttle."""
    with pytest.raises(
        ValueError, match=rf"Stack/P: timeout is {timeout} seconds, 60 to 1800 are allowed"
    ):
        HierarchyProvider(new_stack(), "P", timeout=Duration.seconds(timeout))


def test_logical_ids_survive_a_tuned_provider() -> None:
    """CloudFormation lets no service token change: tuning later must keep the function."""
    by_itself, tuned = new_stack(), new_stack()
    new_structure(by_itself)
    HierarchyProvider(tuned, "Elsewhere", memory_size=512, runtime=lambda_.Runtime.PYTHON_3_12)
    new_structure(tuned)
    for resource_type in (FUNCTION, ROLE, LOG_GROUP, INVOKE_CONFIG, TABLE):
        assert set(find(by_itself, resource_type)) == set(find(tuned, resource_type))
    (function,) = find(tuned, FUNCTION).values()
    assert function["Properties"]["MemorySize"] == 512
    assert function["Properties"]["Runtime"] == "python3.12"


def test_permissions_name_their_resources() -> None:
    """No statement is on all resources, none has a wildcard action, no policy is AWS's."""
    stack = new_stack()
    new_structure(stack, instance_arn=new_instance(stack).attr_arn)
    roles, policies = find(stack, ROLE), find(stack, POLICY)
    assert all("ManagedPolicyArns" not in role["Properties"] for role in roles.values())
    for statement in [*statements(roles), *statements(policies)]:
        assert statement["Effect"] == "Allow"
        assert "*" not in as_list(statement["Resource"])
        assert not any("*" in action for action in as_list(statement["Action"]))


def test_permissions_on_the_instance() -> None:
    """Each action of Amazon Connect is limited to the instance, its groups or its agents."""
    stack = new_stack()
    new_structure(stack)
    allowed: dict[str, set[str]] = {}
    for statement in statements(find(stack, POLICY)):
        allowed.setdefault(statement["Resource"], set()).update(as_list(statement["Action"]))
    assert set(allowed) == {
        INSTANCE_ARN,
        f"{INSTANCE_ARN}/agent-group/*",
        f"{INSTANCE_ARN}/agent/*",
    }
    groups = allowed[f"{INSTANCE_ARN}/agent-group/*"]
    assert {"connect:DeleteUserHierarchyGroup", "connect:TagResource"} <= groups
    assert "connect:UpdateUserHierarchyStructure" in allowed[INSTANCE_ARN]
    assert "connect:DeleteUserHierarchyGroup" not in allowed[INSTANCE_ARN]
    assert allowed[f"{INSTANCE_ARN}/agent/*"] == {
        "connect:DescribeUser",
        "connect:ListUserProficiencies",
        "connect:UpdateUserHierarchy",
    }


def test_permissions_of_the_function_itself() -> None:
    """It writes into its own log group and its ledger, and reads its own stack."""
    stack = new_stack()
    new_structure(stack)
    assert list(statements(find(stack, ROLE))) == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": ["ConnectHierarchyFunctionLogs", "Arn"]},
        },
        {
            "Effect": "Allow",
            "Action": LEDGER_ACTIONS,
            "Resource": {"Fn::GetAtt": ["ConnectHierarchyFunctionLedger", "Arn"]},
        },
        {
            "Effect": "Allow",
            "Action": [
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
            ],
            "Resource": {"Ref": "AWS::StackId"},
        },
    ]


def test_the_function_may_start_itself_and_nothing_else() -> None:
    """What takes longer than one run goes on in another; Lambda must not take that for a loop."""
    stack = new_stack()
    new_structure(stack)
    (permission,) = find(stack, "AWS::Lambda::Permission").values()
    assert permission["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": ["ConnectHierarchyFunction", "Arn"]},
        "Principal": {"Fn::GetAtt": ["ConnectHierarchyFunctionRole", "Arn"]},
    }
    (function,) = find(stack, "AWS::Lambda::Function").values()
    assert function["Properties"]["RecursiveLoop"] == "Allow"


def test_the_parts_can_be_reached() -> None:
    """Function, role, ledger and log group are there for alarms, boundaries and subscriptions."""
    stack = new_stack()
    provider = HierarchyProvider.get_or_create(stack)
    resolve = stack.resolve
    assert resolve(provider.service_token) == {"Fn::GetAtt": ["ConnectHierarchyFunction", "Arn"]}
    assert resolve(provider.function.function_name) == {"Ref": "ConnectHierarchyFunction"}
    assert resolve(provider.role.role_name) == {"Ref": "ConnectHierarchyFunctionRole"}
    assert resolve(provider.log_group.log_group_name) == {"Ref": "ConnectHierarchyFunctionLogs"}
    assert resolve(provider.ledger.table_name) == {"Ref": "ConnectHierarchyFunctionLedger"}
    assert HierarchyProvider.get_or_create(new_structure(stack)) is provider


def test_a_second_provider_is_refused() -> None:
    """Its options would be ignored: the error names both and the way out."""
    stack = new_stack()
    new_structure(stack)
    with pytest.raises(
        ValueError,
        match=r"Stack/Late: the stack 'Stack' already uses the provider "
        r"'Stack/ConnectHierarchyProvider', one is allowed .* make this one before",
    ):
        HierarchyProvider(stack, "Late", memory_size=1024)


def test_another_provider_for_a_structure_is_refused() -> None:
    """A stack whose groups use one function cannot have a structure that uses another."""
    app = new_app()
    stack, other = Stack(app, "Stack"), Stack(app, "Other")
    imported = HierarchyStructure.from_instance_arn(stack, "Imported", INSTANCE_ARN)
    imported.add_group("Group", name="Group")
    with pytest.raises(
        ValueError, match=r"Stack/Structure: provider is 'Other/P', .* 'Stack' already uses '"
    ):
        new_structure(stack, provider=HierarchyProvider(other, "P"))


def test_a_given_role_and_log_group_are_used() -> None:
    """No role or log group of ours is made beside them, and the role gets what is needed."""
    stack = new_stack()
    role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group = logs.LogGroup(stack, "Log")
    HierarchyProvider(stack, "Provider", role=role, log_group=log_group)
    new_structure(stack)
    assert len(find(stack, ROLE)) == 1
    assert len(find(stack, LOG_GROUP)) == 1
    policies = find(stack, POLICY)
    actions = {action for s in statements(policies) for action in as_list(s["Action"])}
    assert {"logs:PutLogEvents", "connect:TagResource", "cloudformation:DescribeStacks"} <= actions
    mine = stack.resolve(role.role_name)
    assert all(policy["Properties"]["Roles"] == [mine] for policy in policies.values())


def test_an_immutable_role_stays_as_it_is() -> None:
    """An immutable imported role gets no permissions."""
    stack = new_stack()
    arn = "arn:aws:iam::123456789012:role/hierarchy"
    HierarchyProvider(stack, "P", role=iam.Role.from_role_arn(stack, "R", arn, mutable=False))
    structure = new_structure(stack)
    assert find(stack, POLICY) == {}
    assert properties_of(structure)["Levels"] == ["Division"]


def test_in_a_network() -> None:
    """Only what EC2 describes is on all resources, and the function waits for the permissions."""
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["eu-west-2a"],
        private_subnet_ids=["subnet-1"],
    )
    HierarchyProvider(stack, "Provider", vpc=vpc)
    (function,) = find(stack, FUNCTION).values()
    assert function["Properties"]["VpcConfig"]["SubnetIds"] == ["subnet-1"]
    policies = find(stack, POLICY)
    assert set(policies) <= set(function["DependsOn"])
    assert all("ManagedPolicyArns" not in r["Properties"] for r in find(stack, ROLE).values())
    everywhere = [s for s in statements(policies) if "*" in as_list(s["Resource"])]
    assert [s["Action"] for s in everywhere] == [
        ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    ]


def public_network(stack: Stack) -> ec2.Vpc:
    """A network of public subnets only."""
    return ec2.Vpc(
        stack,
        "Vpc",
        max_azs=1,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        ],
    )


@pytest.mark.parametrize("chosen", [None, ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)])
def test_a_network_without_a_way_out(chosen: ec2.SubnetSelection | None) -> None:
    """The error has arguments of this construct for remedies, and they are remedies."""
    stack = new_stack()
    vpc = public_network(stack)
    with pytest.raises(
        ValueError,
        match=r"Stack/P: the subnets of vpc 'Stack/Vpc' are public, .* vpc_subnets, or set "
        "allow_public_subnet=True",
    ):
        HierarchyProvider(stack, "P", vpc=vpc, vpc_subnets=chosen)
    HierarchyProvider(stack, "Q", vpc=vpc, vpc_subnets=chosen, allow_public_subnet=True)
    (function,) = find(stack, FUNCTION).values()
    assert len(function["Properties"]["VpcConfig"]["SubnetIds"]) == 1


def test_private_subnets_beside_public_ones() -> None:
    """Chosen ones are used, and private ones are chosen by themselves."""
    for chosen in (None, ec2.SubnetSelection(subnet_group_name="Inner")):
        stack = new_stack()
        vpc = ec2.Vpc(
            stack,
            "Vpc",
            max_azs=1,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetConfiguration(name="Inner", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        HierarchyProvider(stack, "P", vpc=vpc, vpc_subnets=chosen)
        (function,) = find(stack, FUNCTION).values()
        (subnet,) = function["Properties"]["VpcConfig"]["SubnetIds"]
        assert "Inner" in subnet["Ref"]


def test_a_provider_of_another_stack() -> None:
    """A provider of another stack serves, with the policy in the using stack and no cycle."""
    app = new_app()
    home, one, two = Stack(app, "Home"), Stack(app, "One"), Stack(app, "Two")
    provider = HierarchyProvider(home, "Provider")
    structure = new_structure(one, provider=provider)
    group = structure.add_group("Group", name="Group")
    new_structure(two, provider=provider, instance_arn=OTHER_INSTANCE_ARN)
    assert find(one, FUNCTION) == {}
    assert properties_of(group)["ServiceToken"] == properties_of(structure)["ServiceToken"]
    assert "Fn::ImportValue" in properties_of(structure)["ServiceToken"]
    (policy,) = find(one, POLICY).values()
    assert "Fn::ImportValue" in policy["Properties"]["Roles"][0]
    looks = [s for s in statements(find(one, POLICY)) if s["Resource"] == {"Ref": "AWS::StackId"}]
    assert len(looks) == 1, "the function must see the stack whose events it gets"
    assert find(home, POLICY) == {}
    assert home in one.dependencies
    assert home.dependencies == []


def test_a_provider_of_the_outer_stack() -> None:
    """A nested stack can be served by the function of the stack around it."""
    outer = new_stack()
    nested = NestedStack(outer, "Nested")
    structure = new_structure(nested, provider=HierarchyProvider(outer, "Provider"))
    assert "Ref" in properties_of(structure)["ServiceToken"], "a parameter of the nested stack"
    assert find(nested, FUNCTION) == {}
    assert len(find(nested, POLICY)) == 1


@pytest.mark.parametrize("runtime", [lambda_.Runtime.PYTHON_3_10, lambda_.Runtime.NODEJS_22_X])
def test_a_runtime_that_cannot_run_the_handlers(runtime: lambda_.Runtime) -> None:
    """A function that dies at import would leave the stack hanging for an hour."""
    with pytest.raises(ValueError, match=rf"Stack/P: runtime is {runtime.name}, .* 3.11 or newer"):
        HierarchyProvider(new_stack(), "P", runtime=runtime)


def test_policies_on_a_shared_role_have_names_of_their_own() -> None:
    """Two stacks with one instance and one role must not overwrite each other's policy."""
    arn = "arn:aws:iam::123456789012:role/hierarchy"
    names = []
    for _ in range(2):
        stack = new_stack()
        HierarchyProvider(stack, "Provider", role=iam.Role.from_role_arn(stack, "Role", arn))
        new_structure(stack)
        names += [
            policy["Properties"]["PolicyName"]
            for logical_id, policy in find(stack, POLICY).items()
            if logical_id.startswith("ConnectHierarchyPolicy")
        ]
    assert len(names) == 2
    assert all(
        name["Fn::Join"][1][1]["Fn::Select"][1]["Fn::Split"][1] == {"Ref": "AWS::StackId"}
        for name in names
    )


def test_a_provider_of_another_region_is_refused() -> None:
    """CloudFormation calls functions of its own Region only."""
    app = new_app()
    here = Stack(app, "Here", env=Environment(region="eu-west-2"))
    there = Stack(app, "There", env=Environment(region="us-east-1"))
    with pytest.raises(ValueError, match=r"Here/Structure: provider 'There/P' is in Region us-"):
        new_structure(here, provider=HierarchyProvider(there, "P"))


def test_each_stack_has_its_own_function() -> None:
    """Also a nested one: no stack keeps another from being deleted."""
    app = new_app()
    outer = Stack(app, "Outer")
    nested = NestedStack(outer, "Nested")
    structure = new_structure(outer)
    HierarchyGroup(nested, "Group", name="Group", structure=structure)
    for stack in (outer, nested):
        assert set(find(stack, FUNCTION)) == {"ConnectHierarchyFunction"}
    assert len(find(outer, STRUCTURE)) == 1


def test_the_pace_is_set_in_the_environment() -> None:
    """For accounts with raised quotas; without it the function has no variables about it."""
    stack = new_stack()
    HierarchyProvider(stack, "Provider", requests_per_second=10, burst=25)
    (function,) = find(stack, "AWS::Lambda::Function").values()
    ledger = {"LEDGER_TABLE_NAME": {"Ref": "ConnectHierarchyFunctionLedger"}}
    assert function["Properties"]["Environment"]["Variables"] == {
        "CONNECT_REQUESTS_PER_SECOND": "10",
        "CONNECT_BURST": "25",
        **ledger,
    }
    plain = new_stack()
    HierarchyProvider(plain, "Provider")
    (function,) = find(plain, "AWS::Lambda::Function").values()
    assert function["Properties"]["Environment"]["Variables"] == ledger


@pytest.mark.parametrize("options", [{"requests_per_second": 0}, {"burst": -1}])
def test_a_pace_that_cannot_be(options: dict[str, Any]) -> None:
    """The error has the value and the limit."""
    (name,) = options
    with pytest.raises(ValueError, match=f"Stack/Provider: {name} is .* more than 0"):
        HierarchyProvider(new_stack(), "Provider", **options)


# the ledger ---------------------------------------------------------------------------------------


def depends_on(resources: Mapping[str, Any], logical_id: str) -> set[str]:
    """All that CloudFormation makes before a resource and removes after it."""
    before: set[str] = set()
    ahead = [logical_id]
    while ahead:
        resource = resources[ahead.pop()]
        found = {*resource.get("DependsOn", []), *referred_to(resource)} & resources.keys()
        ahead += found - before
        before |= found
    return before


def referred_to(value: Any) -> Iterator[str]:
    """The logical ids in a template's value."""
    if isinstance(value, list):
        for item in value:
            yield from referred_to(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "Ref":
                yield item
            elif name == "Fn::GetAtt":
                yield item[0]
            else:
                yield from referred_to(item)


def new_ledger(stack: Stack, **options: Any) -> dynamodb.Table:
    """A table that can be a ledger."""
    text = dynamodb.AttributeType.STRING
    keys = {
        "partition_key": dynamodb.Attribute(name="pk", type=text),
        "sort_key": dynamodb.Attribute(name="sk", type=text),
    }
    return dynamodb.Table(stack, "Mine", **(keys | options))


def test_the_ledger_comes_and_goes_with_the_function() -> None:
    """On demand, recoverable, encrypted as DynamoDB does by itself, without a name or an index."""
    stack = new_stack()
    new_structure(stack)
    (table,) = find(stack, TABLE).values()
    assert table == {
        "Type": TABLE,
        "Properties": {
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


@pytest.mark.parametrize("given", ["nothing", "a role", "a table", "both"])
def test_the_ledger_can_be_used_from_the_first_event_to_the_last(given: str) -> None:
    """Whatever was given, table and permission come before each custom resource, and go after."""
    stack = new_stack()
    options: dict[str, Any] = {}
    if given in {"a role", "both"}:
        options["role"] = iam.Role(
            stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
    if given in {"a table", "both"}:
        options["ledger"] = new_ledger(stack)
    HierarchyProvider(stack, "Provider", **options)
    structure = new_structure(stack)
    structure.add_group("Group", name="Group")
    HierarchyTree(stack, "Tree", groups=["Top"], structure=structure)
    resources = Template.from_stack(stack).to_json()["Resources"]
    (table,) = find(stack, TABLE)
    (granting,) = (
        logical_id
        for logical_id, resource in resources.items()
        if resource["Type"] in {ROLE, POLICY}
        and any(s["Action"] == LEDGER_ACTIONS for s in statements_in(resource))
    )
    for logical_id, resource in resources.items():
        if resource["Type"].startswith("Custom::"):
            assert {table, granting} <= depends_on(resources, logical_id)


def test_a_ledger_of_ones_own() -> None:
    """It is used in place of one of ours, also where the app knows no more than its name."""
    stack = new_stack()
    ledger = dynamodb.Table.from_table_name(stack, "Ledger", "hierarchies")
    provider = HierarchyProvider(stack, "Provider", ledger=ledger)
    assert provider.ledger is ledger
    new_structure(stack)
    assert find(stack, TABLE) == {}
    (function,) = find(stack, FUNCTION).values()
    variables = function["Properties"]["Environment"]["Variables"]
    assert variables == {"LEDGER_TABLE_NAME": "hierarchies"}
    (granting,) = (s for s in statements(find(stack, ROLE)) if s["Action"] == LEDGER_ACTIONS)
    assert granting["Resource"]["Fn::Join"][1][-1] == ":table/hierarchies"


def test_a_ledger_of_another_stack() -> None:
    """A table that several stacks keep their groups in is referred to from each."""
    app = new_app()
    stack, other = Stack(app, "Stack"), Stack(app, "Other")
    HierarchyProvider(stack, "Provider", ledger=new_ledger(other))
    new_structure(stack)
    assert find(stack, TABLE) == {}
    (granting,) = (s for s in statements(find(stack, ROLE)) if s["Action"] == LEDGER_ACTIONS)
    assert "Fn::ImportValue" in granting["Resource"]
    assert other in stack.dependencies


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ({"sort_key": None}, r"pk \(STRING\)"),
        (
            {"partition_key": dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)},
            r"id \(STRING\), sk \(STRING\)",
        ),
        (
            {"sort_key": dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.NUMBER)},
            r"pk \(STRING\), sk \(NUMBER\)",
        ),
    ],
)
def test_a_ledger_with_other_keys_is_refused(keys: dict[str, Any], shown: str) -> None:
    """Every call to it would fail once deployed."""
    stack = new_stack()
    ledger = new_ledger(stack, **keys)
    with pytest.raises(
        ValueError, match=rf"Stack/P: ledger 'Stack/Mine' has the keys {shown}, the partition key"
    ):
        HierarchyProvider(stack, "P", ledger=ledger)


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"region": "us-east-1"}, "Region us-east-1, the stack in eu-west-2"),
        ({"account": "210987654321"}, "account 210987654321, the stack in 123456789012"),
    ],
)
def test_a_ledger_elsewhere_is_refused(env: dict[str, str], shown: str) -> None:
    """The function looks for the name of its table in its own account and Region."""
    app, here = new_app(), {"account": "123456789012", "region": "eu-west-2"}
    stack = Stack(app, "Stack", env=Environment(**here))
    other = Stack(app, "Other", env=Environment(**(here | env)))
    ledger = new_ledger(other)
    with pytest.raises(ValueError, match=rf"Stack/P: ledger 'Other/Mine' is in {shown}"):
        HierarchyProvider(stack, "P", ledger=ledger)
