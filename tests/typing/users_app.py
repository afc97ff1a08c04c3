"""A user's app with all that `connect_hierarchy` exports, for type checkers; never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_connect as connect
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from connect_hierarchy import (
    AgentsOnDelete,
    HierarchyDriftCheck,
    HierarchyGroup,
    HierarchyGroupOptions,
    HierarchyProvider,
    HierarchyStructure,
    HierarchyTree,
    HierarchyTreeGroup,
    IHierarchyGroup,
    IHierarchyStructure,
)

INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/5b1c8e0a-1111-2222-3333-444455556666"
)


def hire(scope: Construct, name: str, group: IHierarchyGroup) -> connect.CfnSecurityProfile:
    """Refer to a group of whatever kind."""
    CfnOutput(scope, f"{name}Arn", value=group.hierarchy_group_arn)
    return connect.CfnSecurityProfile(
        scope,
        name,
        instance_arn=group.structure.instance_arn,
        security_profile_name=name,
        allowed_access_control_hierarchy_group_id=group.hierarchy_group_id,
    )


def teams(structure: IHierarchyStructure, names: Mapping[str, str]) -> list[HierarchyGroup]:
    """Add groups with the same options."""
    shared: HierarchyGroupOptions = {
        "name": "Team",
        "tags": {"cost-center": "42"},
        "agents_on_delete": AgentsOnDelete.MOVE_TO_PARENT,
        "removal_policy": RemovalPolicy.RETAIN,
    }
    made: list[HierarchyGroup] = []
    for group_id, name in names.items():
        options: HierarchyGroupOptions = {**shared, "name": name, "key": group_id}
        made.append(structure.add_group(group_id, **options))
    return made


class Centre(Stack):
    """Single groups, trees and imports, each argument once."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        provider = HierarchyProvider(
            self,
            "Provider",
            role=iam.Role.from_role_arn(self, "Role", "arn:aws:iam::123456789012:role/hierarchy"),
            log_group=logs.LogGroup(self, "Log"),
            ledger=dynamodb.Table(
                self,
                "Ledger",
                partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
                sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            ),
            timeout=Duration.minutes(15),
            memory_size=256,
            runtime=lambda_.Runtime.PYTHON_3_13,
            requests_per_second=2,
            burst=5.0,
        )
        function: lambda_.Function = provider.function
        CfnOutput(self, "Function", value=function.function_arn)
        structure = HierarchyStructure(
            self,
            "Structure",
            instance_arn=INSTANCE_ARN,
            levels=["Division", "Region", "Team"],
            adopt_existing=True,
            group_quota=600,
            removal_policy=RemovalPolicy.RETAIN,
            provider=provider,
        )
        check = HierarchyDriftCheck(
            self,
            "DriftCheck",
            schedule=events.Schedule.rate(Duration.hours(6)),
            repair=True,
            provider=provider,
        )
        CfnOutput(self, "Alarm", value=check.alarm.alarm_arn)
        support, sales = teams(structure, {"support": "Support", "sales": "Sales"})
        emea = support.add_group("Emea", name="EMEA", adopt_existing=True)
        chat = HierarchyGroup(self, "Chat", name="Chat", parent=emea, adopt_from_stack="Old")
        phone = HierarchyGroup(self, "Phone", name="Phone", structure=structure)
        night: HierarchyTreeGroup = {
            "name": "Night",
            "key": "night",
            "tags": {"shift": "night"},
            "agents_on_delete": "UNASSIGN",
            "children": ["East", {"name": "West"}],
        }
        tree = HierarchyTree(
            self, "Tree", parent=sales, groups=["Day", night], tags={"owner": "workforce"}
        )
        filed = HierarchyTree.from_file(self, "Filed", Path("tree.yaml"), structure=structure)
        schema: Path = HierarchyTree.schema_path()
        paths: tuple[str, ...] = filed.paths
        east: IHierarchyGroup = tree.group("Night/East")
        there = HierarchyStructure.from_instance_arn(self, "There", INSTANCE_ARN, levels=["One"])
        imported = HierarchyGroup.from_hierarchy_group_attributes(
            self,
            "Imported",
            hierarchy_group_arn=f"{INSTANCE_ARN}/agent-group/11112222-aaaa-bbbb-cccc-333344445555",
            structure=there,
            level=1,
            path="Field service",
        )
        groups: list[IHierarchyGroup] = [
            *(chat, phone, east, imported),
            tree.group_with_key("night"),
            HierarchyGroup.from_hierarchy_group_arn(self, "ByArn", imported.hierarchy_group_arn),
        ]
        for number, group in enumerate(groups):
            hire(self, f"Profile{number}", group)
            group.add_group("Below", name="Below")
        above: IHierarchyGroup | None = east.parent
        CfnOutput(self, "Texts", value=f"{schema} {paths} {above and above.hierarchy_group_id}")


if __name__ == "__main__":
    app = App()
    Centre(app, "Centre")
    app.synth()
