"""Whole deployments: the real CDK CLI, the function in its own process, the local AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_cdk import (
    Duration,
    NestedStack,
    ReferenceStrength,
    RemovalPolicies,
    RemovalPolicy,
    Stack,
    Tags,
)
from aws_cdk import aws_connect as connect
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from connect_hierarchy import (
    HierarchyGroup,
    HierarchyProvider,
    HierarchyStructure,
    HierarchyTree,
)
from local_aws import LocalAws
from local_aws.connect import FaultKind
from tests.support.cdk_cli import CdkCli
from tests.support.instances import new_instance, unpaced_aws


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A local AWS for the tests of this module."""
    # these tests are about the deployments; pacing has its own
    with unpaced_aws() as running:
        yield running


@pytest.fixture(scope="module")
def cdk(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> CdkCli:
    """The CLI in a bootstrapped environment."""
    return CdkCli.bootstrapped(aws, tmp_path_factory.mktemp("cdk"))


@pytest.fixture
def instance_arn(aws: LocalAws) -> str:
    """An instance that no stack made."""
    backend = aws.connect.backend
    return backend.instance_arn(new_instance(backend))


def paths(aws: LocalAws, instance_arn: str) -> dict[str, str]:
    """The ids of an instance's groups by their paths of names."""
    hierarchy = aws.connect.backend.hierarchy(instance_arn.rsplit("/", 1)[-1])
    return {"/".join(path): group.id for path, group in hierarchy.by_path.items()}


def test_a_structure_and_groups_in_different_stacks(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """A structure and a parent of another stack are normal references, in deploy and destroy."""

    def build(app: Construct) -> None:
        base = Stack(app, "Base")
        structure = HierarchyStructure(
            base, "Structure", instance_arn=instance_arn, levels=["Division", "Team"]
        )
        sales = structure.add_group("Sales", name="Sales")
        teams = Stack(app, "Teams")
        Tags.of(teams).add("owner", "workforce")
        HierarchyGroup(teams, "Inbound", name="Inbound", parent=sales)
        HierarchyGroup(teams, "Support", name="Support", structure=structure)

    cdk.deploy(build)
    assert set(paths(aws, instance_arn)) == {"Sales", "Sales/Inbound", "Support"}
    hierarchy = aws.connect.backend.hierarchy(instance_arn.rsplit("/", 1)[-1])
    assert hierarchy.by_path[("Sales", "Inbound")].tags["owner"] == "workforce"
    cdk.run("destroy", "--app", cdk.assembly(build), "--all", "--force")
    assert paths(aws, instance_arn) == {}


def two_stacks(
    instance_arn: str, parent: str, *, strength: ReferenceStrength | None = None
) -> Callable[[Construct], None]:
    """A fresh app of two stacks: the second one uses a group and a log group of the first one."""

    def build(app: Construct) -> None:
        # what `cdk init` writes into cdk.json today
        app.node.set_context("@aws-cdk/core:defaultCrossStackReferences", "weak")
        base, users = Stack(app, "FreshBase"), Stack(app, "FreshUsers")
        structure = HierarchyStructure(
            base, "Structure", instance_arn=instance_arn, levels=["Division", "Team"]
        )
        divisions = {name: structure.add_group(name, name=name) for name in ("Sales", "Service")}
        chat = HierarchyGroup(base, "Chat", name="Chat", parent=divisions[parent])
        group_id = chat.hierarchy_group_id
        if strength is not None:
            group_id = Stack.consume_reference(group_id, strength)
        connect.CfnSecurityProfile(
            users,
            "Profile",
            instance_arn=instance_arn,
            security_profile_name="Supervisor",
            allowed_access_control_hierarchy_group_id=group_id,
        )
        log_group = logs.LogGroup(base, "Log", removal_policy=RemovalPolicy.DESTROY)
        ssm.StringParameter(
            users, "Copy", parameter_name="/copy", string_value=log_group.log_group_name
        )

    return build


def group_of_the_profile(aws: LocalAws, instance_arn: str) -> str:
    """The id that the instance's only security profile names."""
    client, instance_id = aws.client("connect"), instance_arn.rsplit("/", 1)[-1]
    (summary,) = client.list_security_profiles(InstanceId=instance_id)["SecurityProfileSummaryList"]
    profile = client.describe_security_profile(
        InstanceId=instance_id, SecurityProfileId=summary["Id"]
    )["SecurityProfile"]
    return str(profile["AllowedAccessControlHierarchyGroupId"])


def test_a_group_that_another_stack_uses_does_not_move(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """The move is refused and taken back, though the app's other references are weak."""
    cdk.deploy(two_stacks(instance_arn, "Sales"))
    before = paths(aws, instance_arn)
    # the reference to the log group is a weak one
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="FreshBase")["Stacks"]
    weak = [output for output in stack["Outputs"] if "ExportName" not in output]
    copy = aws.client("ssm").get_parameter(Name="/copy")["Parameter"]["Value"]
    assert [output["OutputValue"] for output in weak] == [copy]
    assert copy.startswith("FreshBase-Log")

    said = cdk.deploy(two_stacks(instance_arn, "Service"), fails=True)
    assert "cannot be updated as it is in use by FreshUsers" in said
    assert paths(aws, instance_arn) == before
    assert group_of_the_profile(aws, instance_arn) == before["Sales/Chat"]
    assembly = cdk.assembly(two_stacks(instance_arn, "Sales"))
    cdk.run("destroy", "--app", assembly, "--all", "--force")
    assert paths(aws, instance_arn) == {}


def test_a_weakened_reference_keeps_the_old_id(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """As the page has it, the group moves; the other stack has the old id until it changes."""
    cdk.deploy(two_stacks(instance_arn, "Sales"))
    before = paths(aws, instance_arn)
    cdk.deploy(two_stacks(instance_arn, "Sales", strength=ReferenceStrength.BOTH))
    said = cdk.deploy(two_stacks(instance_arn, "Service", strength=ReferenceStrength.WEAK))
    assert "FreshUsers (no changes)" in said
    moved = paths(aws, instance_arn)["Service/Chat"]
    assert moved != before["Sales/Chat"]
    assert group_of_the_profile(aws, instance_arn) == before["Sales/Chat"]

    def touched(app: Construct) -> None:
        two_stacks(instance_arn, "Service", strength=ReferenceStrength.WEAK)(app)
        users = app.node.find_child("FreshUsers")
        assert isinstance(users, Stack)
        ssm.StringParameter(users, "More", parameter_name="/more", string_value="more")

    cdk.deploy(touched)
    assert group_of_the_profile(aws, instance_arn) == moved
    cdk.run("destroy", "--app", cdk.assembly(touched), "--all", "--force")
    assert paths(aws, instance_arn) == {}


def test_drift_is_not_there(aws: LocalAws, cdk: CdkCli) -> None:
    """`cdk drift` ends at once, with a sentence that says so."""

    def build(app: Construct) -> None:
        logs.LogGroup(Stack(app, "Drifting"), "Log", removal_policy=RemovalPolicy.DESTROY)

    cdk.deploy(build)
    said = cdk.run("drift", "--app", cdk.assembly(build), "Drifting", fails=True)
    assert "the local AWS does not have the call DetectStackDrift of cloudformation" in said
    assert aws.cloudformation.get("Drifting").status == "CREATE_COMPLETE"


def test_groups_in_a_nested_stack(aws: LocalAws, cdk: CdkCli, instance_arn: str) -> None:
    """A nested stack gets its structure from its parent, and has a function of its own."""

    def build(app: Construct) -> None:
        outer = Stack(app, "Outer")
        structure = HierarchyStructure(
            outer, "Structure", instance_arn=instance_arn, levels=["Division", "Team"]
        )
        sales = structure.add_group("Sales", name="Sales")
        inner = NestedStack(outer, "Inner")
        HierarchyGroup(inner, "Inbound", name="Inbound", parent=sales)

    cdk.deploy(build)
    assert set(paths(aws, instance_arn)) == {"Sales", "Sales/Inbound"}
    cdk.run("destroy", "--app", cdk.assembly(build), "--all", "--force")
    assert paths(aws, instance_arn) == {}


def test_a_group_serves_users_and_security_profiles(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """Users take the ARN, security profiles the id; both follow the group."""

    def build(app: Construct) -> None:
        stack = Stack(app, "People")
        structure = HierarchyStructure(
            stack, "Structure", instance_arn=instance_arn, levels=["Division"]
        )
        sales = structure.add_group("Sales", name="Sales")
        profile = connect.CfnSecurityProfile(
            stack,
            "Profile",
            instance_arn=instance_arn,
            security_profile_name="Supervisor",
            allowed_access_control_hierarchy_group_id=sales.hierarchy_group_id,
        )
        connect.CfnUser(
            stack,
            "Ada",
            instance_arn=instance_arn,
            username="ada",
            phone_config=connect.CfnUser.UserPhoneConfigProperty(phone_type="SOFT_PHONE"),
            routing_profile_arn=f"{instance_arn}/routing-profile/1",
            security_profile_arns=[profile.attr_security_profile_arn],
            hierarchy_group_arn=sales.hierarchy_group_arn,
        )

    cdk.deploy(build)
    backend = aws.connect.backend
    instance_id = instance_arn.rsplit("/", 1)[-1]
    assert backend.hierarchy(instance_id).usernames("Sales") == ("ada",)
    (profile,) = backend.list_security_profiles(instance_id)
    assert profile.hierarchy_group_id == paths(aws, instance_arn)["Sales"]


def test_an_error_reaches_the_console(aws: LocalAws, cdk: CdkCli, instance_arn: str) -> None:
    """What the CLI shows names the thing, the cause and the remedy."""
    backend, instance_id = aws.connect.backend, instance_arn.rsplit("/", 1)[-1]
    backend.update_user_hierarchy_structure(instance_id, {"LevelOne": {"Name": "Land"}})

    def build(app: Construct) -> None:
        HierarchyStructure(
            Stack(app, "Console"), "Structure", instance_arn=instance_arn, levels=["Division"]
        )

    said = cdk.deploy(build, fails=True)
    assert "the instance has levels already: 'Land'" in said
    assert "adopt_existing=True" in said
    assert backend.hierarchy(instance_id).level_names == ("Land",)


def test_a_group_with_a_key_moves_with_its_line(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """`uk.add_group` becomes `de.add_group`: agents follow, and nothing is left behind.

    A group gets its key in a deployment of its own, and keeps its id.
    """
    backend, instance_id = aws.connect.backend, instance_arn.rsplit("/", 1)[-1]

    def build(app: Construct, *, key: str | None, moved: bool = False) -> None:
        structure = HierarchyStructure(
            Stack(app, "Moving"),
            "Structure",
            instance_arn=instance_arn,
            levels=["Country", "Channel", "Shift"],
        )
        uk, de = (structure.add_group(name, name=name) for name in ("UK", "DE"))
        chat = (de if moved else uk).add_group("Chat", name="Chat", key=key)
        chat.add_group("Night", name="Night")

    cdk.deploy(lambda app: build(app, key=None))
    before = paths(aws, instance_arn)
    assert set(before) == {"UK", "DE", "UK/Chat", "UK/Chat/Night"}
    for username, path in (("ada", "UK/Chat"), ("grace", "UK/Chat/Night")):
        backend.create_user(instance_id, username, hierarchy_group_id=before[path])
    cdk.deploy(lambda app: build(app, key="chat"))
    assert paths(aws, instance_arn) == before
    cdk.deploy(lambda app: build(app, key="chat", moved=True))
    after = paths(aws, instance_arn)
    assert set(after) == {"UK", "DE", "DE/Chat", "DE/Chat/Night"}
    assert (after["UK"], after["DE"]) == (before["UK"], before["DE"])
    hierarchy = backend.hierarchy(instance_id)
    assert hierarchy.usernames("DE", "Chat") == ("ada",)
    assert hierarchy.usernames("DE", "Chat", "Night") == ("grace",)


def test_no_rollback_and_a_rollback_later(aws: LocalAws, cdk: CdkCli, instance_arn: str) -> None:
    """`cdk rollback` restores a stack that stopped after a failure, with ids and agents."""
    instance_id = instance_arn.rsplit("/", 1)[-1]

    def build(app: Construct, *, moved: bool) -> None:
        stack = Stack(app, "Careful")
        structure = HierarchyStructure(
            stack, "Structure", instance_arn=instance_arn, levels=["Division", "Team"]
        )
        sales = structure.add_group("Sales", name="Sales")
        support = structure.add_group("Support", name="Support")
        team = HierarchyGroup(stack, "Team", name="Team", parent=support if moved else sales)
        if moved:
            taken = structure.add_group("Taken", name="Taken")
            taken.node.add_dependency(team)

    cdk.deploy(lambda app: build(app, moved=False))
    before = paths(aws, instance_arn)
    aws.connect.backend.create_user(instance_id, "ada", hierarchy_group_id=before["Sales/Team"])
    aws.connect.backend.create_user_hierarchy_group(instance_id, "Taken")
    said = cdk.deploy(lambda app: build(app, moved=True), "--no-rollback", fails=True)
    assert "exists already" in said
    halfway = aws.connect.backend.hierarchy(instance_id)
    assert halfway.usernames("Support", "Team") == ("ada",)
    cdk.run("rollback", "--app", cdk.assembly(lambda app: build(app, moved=True)), "Careful")
    after = paths(aws, instance_arn)
    assert after.pop("Taken")
    assert after == before
    assert aws.connect.backend.hierarchy(instance_id).usernames("Sales", "Team") == ("ada",)


def test_a_second_stack_uses_an_instance_by_its_arn(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """A stack that did not make the structure hangs its groups below what it is told of."""

    def build(app: Construct) -> None:
        first = Stack(app, "First")
        HierarchyStructure(
            first, "Structure", instance_arn=instance_arn, levels=["Division", "Team"]
        )

    def build_second(app: Construct) -> None:
        second = Stack(app, "Second")
        structure = HierarchyStructure.from_instance_arn(
            second, "Structure", instance_arn, levels=["Division", "Team"]
        )
        structure.add_group("Sales", name="Sales").add_group("Inbound", name="Inbound")

    cdk.deploy(build)
    cdk.deploy(build_second)
    assert set(paths(aws, instance_arn)) == {"Sales", "Sales/Inbound"}


def test_coming_from_native_groups(aws: LocalAws, cdk: CdkCli, instance_arn: str) -> None:
    """The page's recipe: retain, deploy, replace the constructs, deploy; ids and agents stay."""
    backend = aws.connect.backend
    instance_id = instance_arn.rsplit("/", 1)[-1]
    structure = {"LevelOne": {"Name": "Division"}, "LevelTwo": {"Name": "Team"}}
    backend.update_user_hierarchy_structure(instance_id, structure)

    def native(*, retained: bool) -> Callable[[Construct], None]:
        def build(app: Construct) -> None:
            stack = Stack(app, "Legacy")
            above = connect.CfnUserHierarchyGroup(
                stack, "Sales", instance_arn=instance_arn, name="Sales"
            )
            below = connect.CfnUserHierarchyGroup(
                stack,
                "Inbound",
                instance_arn=instance_arn,
                name="Inbound",
                parent_group_arn=above.attr_user_hierarchy_group_arn,
            )
            for group in (above, below) if retained else ():
                group.apply_removal_policy(RemovalPolicy.RETAIN)

        return build

    def ours(app: Construct, *, adopts: bool) -> None:
        stack = Stack(app, "Legacy")
        levels = HierarchyStructure(
            stack,
            "Structure",
            instance_arn=instance_arn,
            levels=["Division", "Team"],
            adopt_existing=True,
        )
        adoption: dict[str, Any] = (
            {"adopt_existing": True, "adopt_from_stack": "Legacy"} if adopts else {}
        )
        sales = levels.add_group("OurSales", name="Sales", **adoption)
        sales.add_group("OurInbound", name="Inbound", **adoption)

    cdk.deploy(native(retained=False))
    before = paths(aws, instance_arn)
    inbound = backend.hierarchy(instance_id).by_path[("Sales", "Inbound")].id
    backend.create_user(instance_id, "ada", hierarchy_group_id=inbound)
    cdk.deploy(native(retained=True))
    cdk.deploy(lambda app: ours(app, adopts=True))
    assert paths(aws, instance_arn) == before
    cdk.deploy(lambda app: ours(app, adopts=False))
    assert paths(aws, instance_arn) == before
    assert set(before) == {"Sales", "Sales/Inbound"}
    assert backend.hierarchy(instance_id).usernames("Sales", "Inbound") == ("ada",)


def test_a_tree_passes_to_another_stack(aws: LocalAws, cdk: CdkCli, instance_arn: str) -> None:
    """Retained in the one stack and adopted in the other, a tree keeps its ids and agents."""
    instance_id = instance_arn.rsplit("/", 1)[-1]

    def build(app: Construct, *, giver: RemovalPolicy | None, taker: dict[str, Any] | None) -> None:
        groups: list[Any] = [{"name": "Sales", "children": ["Inbound"]}]
        structure = HierarchyStructure(
            Stack(app, "Giver"),
            "Structure",
            instance_arn=instance_arn,
            levels=["Division", "Team"],
        )
        if giver is not None:
            HierarchyTree(
                structure, "Old", structure=structure, groups=groups, removal_policy=giver
            )
        if taker is not None:
            stack = Stack(app, "Taker")
            stack.add_dependency(structure.stack)
            levels = HierarchyStructure.from_instance_arn(stack, "Levels", instance_arn)
            HierarchyTree(stack, "New", structure=levels, groups=groups, **taker)

    cdk.deploy(lambda app: build(app, giver=RemovalPolicy.DESTROY, taker=None))
    before = paths(aws, instance_arn)
    aws.connect.backend.create_user(
        instance_id, "ada", hierarchy_group_id=before["Sales/Inbound"].rsplit("/", 1)[-1]
    )
    cdk.deploy(lambda app: build(app, giver=RemovalPolicy.RETAIN, taker=None))
    adopting = {"adopt_existing": True, "adopt_from_stack": "Giver"}
    cdk.deploy(lambda app: build(app, giver=None, taker=adopting))
    cdk.deploy(lambda app: build(app, giver=None, taker={}))
    hierarchy = aws.connect.backend.hierarchy(instance_id)
    assert paths(aws, instance_arn) == before
    assert hierarchy.usernames("Sales", "Inbound") == ("ada",)
    for group in hierarchy.by_path.values():
        assert group.tags["connect-hierarchy:stack"].startswith("Taker/")


def test_work_goes_on_in_another_run(aws: LocalAws, cdk: CdkCli, instance_arn: str) -> None:
    """A rename that is held up for longer than the function may run ends well all the same."""

    def build(app: Construct, name: str) -> None:
        stack = Stack(app, "Patient")
        HierarchyProvider(stack, "Provider", timeout=Duration.seconds(60))
        structure = HierarchyStructure(
            stack, "Structure", instance_arn=instance_arn, levels=["Division"]
        )
        structure.add_group("Sales", name=name)

    cdk.deploy(lambda app: build(app, "Sales"))
    before = paths(aws, instance_arn)
    runs_before = len(aws.awslambda.invocations)
    aws.connect.plan_fault("UpdateUserHierarchyGroupName", kind=FaultKind.THROTTLE, times=24)
    cdk.deploy(lambda app: build(app, "Revenue"))
    assert paths(aws, instance_arn) == {"Revenue": before["Sales"]}
    assert len(aws.awslambda.invocations) - runs_before == 2


def test_the_function_sees_only_its_own_instance_and_logs_no_url(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """Every call came from the stack's role, and CloudWatch Logs has JSON without the URL."""

    def build(app: Construct) -> None:
        structure = HierarchyStructure(
            Stack(app, "Logged"), "Structure", instance_arn=instance_arn, levels=["Division"]
        )
        structure.add_group("Sales", name="Sales")

    calls_before = len(aws.connect.calls)
    cdk.deploy(build)
    calls = aws.connect.calls[calls_before:]
    assert {call.instance_id for call in calls} == {instance_arn.rsplit("/", 1)[-1]}
    assert len({call.principal for call in calls}) == 1
    logs = aws.client("logs")
    (resources,) = [
        stack.resources
        for stack in aws.cloudformation.engine.stacks.values()
        if stack.name == "Logged"
    ]
    group = resources["ConnectHierarchyFunctionLogs"].physical_id
    messages = [
        event["message"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]
    text = "".join(messages)
    assert '"message": "creating hierarchy group' in text
    assert "X-Amz-Signature" not in text
    assert "cloudformation-custom-resource-response" not in text


def test_an_instance_leaves_the_stack(aws: LocalAws, cdk: CdkCli, instance_arn: str) -> None:
    """Its groups go in the clean-up, when the permissions for the others are there already."""
    other = aws.connect.backend.create_instance(
        "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True
    )
    arns = {"One": instance_arn, "Two": str(other["Arn"])}

    def build(app: Construct, *names: str) -> None:
        stack = Stack(app, "Instances")
        for name in names:
            structure = HierarchyStructure(
                stack,
                f"Structure{name}",
                instance_arn=arns[name],
                levels=["Division"],
                adopt_existing=True,  # levels stay when their structure leaves the stack
            )
            structure.add_group(f"Group{name}", name="Sales")

    cdk.deploy(lambda app: build(app, "One", "Two"))
    before = paths(aws, arns["One"])
    assert set(before) == set(paths(aws, arns["Two"])) == {"Sales"}
    cdk.deploy(lambda app: build(app, "One"))
    assert paths(aws, arns["One"]) == before
    assert paths(aws, arns["Two"]) == {}
    cdk.deploy(lambda app: build(app, "One", "Two"))
    assert set(paths(aws, arns["Two"])) == {"Sales"}
    assert paths(aws, arns["One"]) == before


def test_a_moved_group_leaves_no_ghost_under_a_policy_for_all(
    aws: LocalAws, cdk: CdkCli, instance_arn: str
) -> None:
    """`RemovalPolicies.of` keeps what leaves the stack, and not the original of what moves."""

    def build(app: Construct, *, moved: bool, here: bool = True) -> None:
        stack = Stack(app, "Retained")
        structure = HierarchyStructure(
            stack, "Structure", instance_arn=instance_arn, levels=["Division", "Team"]
        )
        first, second = (structure.add_group(name, name=name) for name in ("First", "Second"))
        if here:
            HierarchyGroup(stack, "Team", name="Team", parent=second if moved else first)
        RemovalPolicies.of(stack).retain()

    cdk.deploy(lambda app: build(app, moved=False))
    assert "First/Team" in paths(aws, instance_arn)
    cdk.deploy(lambda app: build(app, moved=True))
    assert set(paths(aws, instance_arn)) == {"First", "Second", "Second/Team"}
    cdk.deploy(lambda app: build(app, moved=True, here=False))
    assert set(paths(aws, instance_arn)) == {"First", "Second", "Second/Team"}
