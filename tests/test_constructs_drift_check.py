"""`HierarchyDriftCheck`: what is synthesised, and what may call and be called."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk.assertions import Match, Template

from connect_hierarchy import HierarchyDriftCheck, HierarchyProvider, HierarchyStructure
from tests.support.constructs_fixtures import INSTANCE_ARN, find, new_app, new_stack

RULE = "AWS::Events::Rule"
ALARM = "AWS::CloudWatch::Alarm"
PERMISSION = "AWS::Lambda::Permission"
FUNCTION_ARN = {"Fn::GetAtt": ["ConnectHierarchyFunction", "Arn"]}


def checked_stack(**options: Any) -> tuple[Stack, HierarchyDriftCheck]:
    """A stack with a structure, and a check of it."""
    stack = new_stack()
    HierarchyStructure(stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"])
    return stack, HierarchyDriftCheck(stack, "Check", **options)


def event_of(stack: Stack) -> Any:
    """What the rule sends, with the stack's id written as a text."""
    (rule,) = find(stack, RULE).values()
    (target,) = rule["Properties"]["Targets"]
    assert target["Arn"] == FUNCTION_ARN
    (empty, parts) = target["Input"]["Fn::Join"]
    text = empty.join(part if isinstance(part, str) else part["Ref"] for part in parts)
    return json.loads(text)


def test_the_stack_is_looked_at_every_hour() -> None:
    """By the one function that the stack has anyway, which is told for which stack."""
    stack, _ = checked_stack()
    Template.from_stack(stack).resource_count_is("AWS::Lambda::Function", 1)
    (rule,) = find(stack, RULE).values()
    assert rule["Properties"]["ScheduleExpression"] == "rate(1 hour)"
    assert event_of(stack) == {
        "ConnectHierarchyDriftCheck": {"StackId": "AWS::StackId", "Repair": False}
    }


def test_another_schedule_and_repairs() -> None:
    """Both are the event's and the rule's, and nothing else changes."""
    daily = events.Schedule.cron(hour="5", minute="0")
    stack, _ = checked_stack(schedule=daily, repair=True)
    (rule,) = find(stack, RULE).values()
    assert rule["Properties"]["ScheduleExpression"] == "cron(0 5 * * ? *)"
    assert event_of(stack)["ConnectHierarchyDriftCheck"]["Repair"] is True


def test_only_this_rule_may_call_the_function() -> None:
    """The permission names it, so no rule of somebody else's in the account can."""
    stack, check = checked_stack()
    rule = stack.resolve(check.rule.rule_arn)
    by_events = [
        one["Properties"]
        for one in find(stack, PERMISSION).values()
        if one["Properties"]["Principal"] == "events.amazonaws.com"
    ]
    assert by_events == [
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": FUNCTION_ARN,
            "Principal": "events.amazonaws.com",
            "SourceArn": rule,
        }
    ]


def test_the_function_gets_no_further_permission() -> None:
    """What a check reads the handlers read, and metrics come out of the log."""
    plain = new_stack()
    HierarchyStructure(plain, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"])
    stack, _ = checked_stack(repair=True)
    for kind in ("AWS::IAM::Role", "AWS::IAM::Policy"):
        assert find(stack, kind) == find(plain, kind)


def test_the_alarm_keeps_its_state_between_checks() -> None:
    """It adds differences and failed checks of this stack, whatever the schedule is."""
    stack, _ = checked_stack()
    Template.from_stack(stack).has_resource_properties(
        ALARM,
        {
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "TreatMissingData": "ignore",
            "Metrics": Match.array_with(
                [Match.object_like({"Expression": "differences + failed", "ReturnData": True})]
            ),
        },
    )
    (alarm,) = find(stack, ALARM).values()
    metrics = [m["MetricStat"] for m in alarm["Properties"]["Metrics"] if "MetricStat" in m]
    assert [one["Metric"]["MetricName"] for one in metrics] == ["Differences", "FailedChecks"]
    assert {one["Metric"]["Namespace"] for one in metrics} == {"ConnectHierarchy"}
    assert [one["Metric"]["Dimensions"] for one in metrics] == [
        [{"Name": "Stack", "Value": "Stack"}],
        [{"Name": "Stack", "Value": "Stack"}],
    ]


def test_metrics_are_there_for_other_alarms() -> None:
    """With the options that the CDK's own metrics have."""
    stack, check = checked_stack()
    metric = check.metric_repaired_differences(period=Duration.hours(1), statistic="Sum")
    metric.create_alarm(stack, "Repairs", threshold=5, evaluation_periods=1)
    Template.from_stack(stack).has_resource_properties(
        ALARM, {"MetricName": "RepairedDifferences", "Period": 3600, "Statistic": "Sum"}
    )


def test_a_function_of_another_stack_is_given() -> None:
    """The permission then stands beside the rule."""
    app = new_app()
    home, user = Stack(app, "Home"), Stack(app, "User")
    provider = HierarchyProvider(home, "Provider")
    check = HierarchyDriftCheck(user, "Check", provider=provider)
    assert check.provider is provider
    assert len(find(user, PERMISSION)) == 1
    Template.from_stack(home).resource_count_is(RULE, 0)


def test_the_second_function_of_a_stack_is_an_error() -> None:
    """As with structures and groups."""
    app = new_app()
    home, user = Stack(app, "Home"), Stack(app, "User")
    provider = HierarchyProvider(home, "Provider")
    HierarchyStructure(user, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"])
    with pytest.raises(ValueError, match=r"User/Check: provider is 'Home/Provider', the stack"):
        HierarchyDriftCheck(user, "Check", provider=provider)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "rate(1 hour)"}, "schedule"),
        ({"repair": "yes"}, "repair"),
        ({"provider": "mine"}, "provider"),
    ],
)
def test_arguments_of_other_types(options: dict[str, Any], message: str) -> None:
    """The argument is named."""
    with pytest.raises(ValueError, match=rf"Check: {message} is"):
        checked_stack(**options)
