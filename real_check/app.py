"""The app that the check deploys: a few groups below one of the check's, and the recorder.

Context:
    step: the step of the story, see `Step`.
    stack-name: name of the stack.
    group-arn: the group that everything is below.
    groups: "no" for the recorder alone.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from aws_cdk import App, CfnOutput, CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from connect_hierarchy import HierarchyGroup
from real_check.recorder.index import TABLE_VARIABLE

RECORDER = Path(__file__).with_name("recorder")
TABLE_OUTPUT = "Records"
PROBE, FAILING = "Probe", "Failing"
BY_HAND = "Made by hand"
"""Name of the group that the stack adopts."""


class Step(IntEnum):
    """The successive states of the stack."""

    CREATE = 1
    """North, North/Desk and South."""

    CHANGE = 2
    """North is renamed to Northern, and the desk moves to South."""

    ADOPT = 3
    """A group that was made by hand is adopted."""

    FAIL = 4
    """The desk moves back, South is renamed, a group is added; then the deployment fails."""


PROBE_IDS = {Step.CREATE: "one", Step.CHANGE: "two", Step.ADOPT: "two", Step.FAIL: "three"}


class CheckStack(Stack):
    """The groups of a step, and the recorder."""

    def __init__(
        self, scope: Construct, construct_id: str, *, step: Step, group_arn: str, groups: bool
    ) -> None:
        super().__init__(scope, construct_id, description="Check of cdk-connect-hierarchy")
        token = self._make_recorder()
        probe = self._probe(PROBE, token, PROBE_IDS[step])
        made: list[IDependable] = [probe]
        if groups:
            made += self._make_groups(group_arn, step)
        if step is Step.FAIL:
            failing = self._probe(FAILING, token, "failing", Fail="true")
            failing.node.add_dependency(*made)

    def _make_groups(self, group_arn: str, step: Step) -> list[IDependable]:
        top = HierarchyGroup.from_hierarchy_group_arn(self, "Top", group_arn)
        north = top.add_group(
            "North", name="North" if step is Step.CREATE else "Northern", key="north"
        )
        south = top.add_group(
            "South", name="Southern" if step is Step.FAIL else "South", key="south"
        )
        above = south if step in {Step.CHANGE, Step.ADOPT} else north
        made: list[IDependable] = [
            north,
            south,
            HierarchyGroup(self, "Desk", name="Desk", key="desk", parent=above),
        ]
        if step >= Step.ADOPT:
            made.append(top.add_group("Adopted", name=BY_HAND, key="adopted", adopt_existing=True))
        if step is Step.FAIL:
            made.append(top.add_group("New", name="New", key="new"))
        return made

    def _probe(self, name: str, token: str, physical_id: str, **properties: str) -> CustomResource:
        return CustomResource(
            self,
            name,
            service_token=token,
            resource_type="Custom::ConnectHierarchyCheck",
            service_timeout=Duration.minutes(5),
            properties={"Id": physical_id, **properties},
        )

    def _make_recorder(self) -> str:
        table = dynamodb.Table(
            self,
            "RecordsTable",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        CfnOutput(self, TABLE_OUTPUT, value=table.table_name)
        log_group = logs.LogGroup(
            self,
            "RecorderLogs",
            retention=logs.RetentionDays.ONE_WEEK,
            removal_policy=RemovalPolicy.DESTROY,
        )
        statements = [
            iam.PolicyStatement(actions=["dynamodb:PutItem"], resources=[table.table_arn]),
            iam.PolicyStatement(
                actions=[
                    "cloudformation:DescribeStacks",
                    "cloudformation:DescribeStackResource",
                    "cloudformation:GetTemplate",
                ],
                resources=[self.stack_id],
            ),
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[log_group.log_group_arn],
            ),
        ]
        role = iam.Role(
            self,
            "RecorderRole",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Recorder": iam.PolicyDocument(statements=statements)},
        )
        function = lambda_.Function(
            self,
            "Recorder",
            description="Writes down what CloudFormation sends and shows",
            code=lambda_.Code.from_asset(str(RECORDER), exclude=["__pycache__"]),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            # with the default role, the managed policy would allow every log group
            role=role.without_policy_updates(),
            log_group=log_group,
            timeout=Duration.minutes(1),
            environment={TABLE_VARIABLE: table.table_name},
        )
        return function.function_arn


if __name__ == "__main__":
    app = App()
    CheckStack(
        app,
        app.node.get_context("stack-name"),
        step=Step(int(app.node.get_context("step"))),
        group_arn=app.node.get_context("group-arn"),
        groups=app.node.get_context("groups") == "yes",
    )
    app.synth()
