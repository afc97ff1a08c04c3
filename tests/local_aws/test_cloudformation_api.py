"""CloudFormation over HTTP, with a real boto3 client, and the resource types that live in moto."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from local_aws.cloudformation.resource_types import Outcome, ResourceFailedError, ResourceRequest
from local_aws.faults import FaultKind

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """One local AWS for the module: every test has stacks of its own."""
    with LocalAws() as running:
        yield running


@pytest.fixture(name="cfn")
def make_client(aws: LocalAws) -> Any:
    """A real client."""
    return aws.client("cloudformation")


def deploy(aws: LocalAws, name: str, resources: Mapping[str, Any], **sections: Any) -> str:
    """Deploy by a change set, as the CDK CLI does, and tell the status."""
    cfn = aws.client("cloudformation")
    exists = aws.cloudformation.find(name) is not None
    made = cfn.create_change_set(
        StackName=name,
        ChangeSetName="change",
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateBody=json.dumps({"Resources": resources, **sections}),
        Parameters=[],
        Tags=[{"Key": "stage", "Value": "test"}],
    )
    cfn.execute_change_set(ChangeSetName=made["Id"])
    return at_rest(aws, made["StackId"])


def delete(aws: LocalAws, name: str) -> str:
    """Delete, and tell the status; a stack that is gone is known by its id only."""
    stack = aws.cloudformation.get(name)
    aws.client("cloudformation").delete_stack(StackName=name)
    return at_rest(aws, stack.stack_id)


def at_rest(aws: LocalAws, stack_id: str) -> str:
    """Wait without polling, and ask the API for the status."""
    aws.cloudformation.wait(aws.cloudformation.get(stack_id))
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
    return str(stack["StackStatus"])


def parameter(value: Any = "v", **properties: Any) -> dict[str, Any]:
    """An SSM parameter's resource."""
    declared = {"Type": "String", "Value": value, **properties}
    return {"Type": "AWS::SSM::Parameter", "Properties": declared}


def physical_id(cfn: Any, stack: str, name: str) -> str:
    """What the API says."""
    answer = cfn.describe_stack_resource(StackName=stack, LogicalResourceId=name)
    return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def test_a_deployment_from_change_set_to_deletion(aws: LocalAws, cfn: Any) -> None:
    """Every call that the CDK CLI makes on the way."""
    body = json.dumps(
        {
            "Description": "a test",
            "Parameters": {"P": {"Type": "String", "Default": "d"}},
            "Resources": {"A": parameter(), "B": parameter("x")},
            "Outputs": {"O": {"Value": {"Ref": "A"}, "Export": {"Name": "api-o"}}},
        }
    )
    made = cfn.create_change_set(
        StackName="whole", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
    )
    cfn.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    told = cfn.describe_change_set(ChangeSetName="first", StackName="whole")
    assert (told["Status"], told["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert [c["ResourceChange"]["Action"] for c in told["Changes"]] == ["Add", "Add"]
    (stack,) = cfn.describe_stacks(StackName="whole")["Stacks"]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    cfn.execute_change_set(ChangeSetName=made["Id"], ClientRequestToken="token")
    assert at_rest(aws, made["StackId"]) == "CREATE_COMPLETE"
    cfn.get_waiter("stack_create_complete").wait(StackName="whole")
    (stack,) = cfn.describe_stacks(StackName="whole")["Stacks"]
    assert stack["Description"] == "a test"
    assert stack["Parameters"] == [{"ParameterKey": "P", "ParameterValue": "d"}]
    name = physical_id(cfn, "whole", "A")
    assert stack["Outputs"] == [{"OutputKey": "O", "OutputValue": name, "ExportName": "api-o"}]
    assert {"ExportingStackId": made["StackId"], "Name": "api-o", "Value": name} in (
        cfn.list_exports()["Exports"]
    )
    summaries = cfn.list_stack_resources(StackName="whole")["StackResourceSummaries"]
    assert {s["LogicalResourceId"]: s["ResourceStatus"] for s in summaries} == {
        "A": "CREATE_COMPLETE",
        "B": "CREATE_COMPLETE",
    }
    assert cfn.get_template(StackName="whole")["TemplateBody"] == json.loads(body)
    events = cfn.describe_stack_events(StackName="whole")["StackEvents"]
    assert {e.get("ClientRequestToken") for e in events[:-1]} == {"token"}
    again = cfn.create_change_set(StackName="whole", ChangeSetName="same", TemplateBody=body)
    told = cfn.describe_change_set(ChangeSetName=again["Id"])
    assert (told["Status"], told["StatusReason"]) == (
        "FAILED",
        (
            "The submitted information didn't contain changes. "
            "Submit different information to create a change set."
        ),
    )
    cfn.delete_change_set(ChangeSetName="same", StackName="whole")
    cfn.delete_stack(StackName="whole")
    assert at_rest(aws, made["StackId"]) == "DELETE_COMPLETE"
    cfn.get_waiter("stack_delete_complete").wait(StackName="whole")
    assert all(s["StackName"] != "whole" for s in cfn.describe_stacks()["Stacks"])


def test_who_imports_an_export_is_told(aws: LocalAws, cfn: Any) -> None:
    """ListImports names the stacks; an export that none imports is an error."""
    output = {"Value": "v", "Export": {"Name": "given"}}
    giving = {"Resources": {"A": parameter()}, "Outputs": {"O": output}}
    taking = {"Resources": {"A": parameter(value={"Fn::ImportValue": "given"})}}
    for name, template in (("giving", giving), ("taking", taking)):
        if name == "taking":
            with pytest.raises(ClientError, match="not imported by any stack"):
                cfn.list_imports(ExportName="given")
        made = cfn.create_stack(StackName=name, TemplateBody=json.dumps(template))
        assert at_rest(aws, made["StackId"]) == "CREATE_COMPLETE"
    assert cfn.list_imports(ExportName="given")["Imports"] == ["taking"]


def test_events_come_in_pages_with_increasing_times(aws: LocalAws, cfn: Any) -> None:
    """More than a hundred, the latest first, each once, no two at the same time on the wire."""
    resources = {
        f"R{n}": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": str(n)}}
        for n in range(60)
    }
    assert deploy(aws, "pages", resources) == "CREATE_COMPLETE"
    assert len(cfn.describe_stack_events(StackName="pages")["StackEvents"]) == 100
    pages = cfn.get_paginator("describe_stack_events").paginate(StackName="pages")
    events = [event for page in pages for event in page["StackEvents"]]
    assert len(events) == 123
    assert len({event["EventId"] for event in events}) == 123
    times = [event["Timestamp"] for event in events]
    assert all(later > earlier for later, earlier in pairwise(times))
    assert events[0]["ResourceStatus"] == "CREATE_COMPLETE"
    assert events[-1]["ResourceStatus"] == "REVIEW_IN_PROGRESS"


@pytest.mark.parametrize(
    ("call", "arguments", "code", "message"),
    [
        ("describe_stacks", {}, "ValidationError", "Stack with id none does not exist"),
        ("describe_stack_events", {}, "ValidationError", "Stack with id none does not exist"),
        ("get_template", {}, "ValidationError", "Stack with id none does not exist"),
        ("rollback_stack", {}, "ValidationError", "Stack with id none does not exist"),
        (
            "describe_change_set",
            {"ChangeSetName": "no"},
            "ChangeSetNotFound",
            "ChangeSet [no] does not exist",
        ),
        (
            "create_change_set",
            {"ChangeSetName": "c", "TemplateBody": "{}", "ChangeSetType": "CREATE"},
            "ValidationError",
            "Template format error: At least one Resources member must be defined.",
        ),
    ],
)
def test_errors(cfn: Any, call: str, arguments: dict[str, str], code: str, message: str) -> None:
    """As AWS words them."""
    with pytest.raises(ClientError) as refused:
        getattr(cfn, call)(StackName="none", **arguments)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message)


def test_deleting_what_is_not_there_is_well(cfn: Any) -> None:
    """No error."""
    cfn.delete_stack(StackName="none")
    cfn.delete_change_set(StackName="none", ChangeSetName="none")


def test_rollback_stack_and_continue_update_rollback(aws: LocalAws, cfn: Any) -> None:
    """Over the API: a failed update is kept, rolled back, stuck, and continued with a skip."""

    class Stubborn:
        refuses = True

        def create(self, request: ResourceRequest) -> Outcome:
            return Outcome(request.generated_name())

        def update(self, request: ResourceRequest) -> Outcome:
            if self.refuses:
                msg = "not today"
                raise ResourceFailedError(msg)
            return Outcome(request.physical_id)

        def delete(self, request: ResourceRequest) -> None:
            """Well."""

        def replaces(self, *_: Any) -> bool:
            return False

    aws.cloudformation.engine._types["Test::Stubborn"] = Stubborn()  # type: ignore[index]
    made = cfn.create_stack(
        StackName="stuck",
        TemplateBody=json.dumps({"Resources": {"S": {"Type": "Test::Stubborn"}, "P": parameter()}}),
    )
    assert at_rest(aws, made["StackId"]) == "CREATE_COMPLETE"
    new = {
        "S": {"Type": "Test::Stubborn", "Properties": {"V": 2}, "DependsOn": "P"},
        "P": parameter("changed"),
    }
    body = json.dumps({"Resources": new})
    cfn.update_stack(StackName="stuck", TemplateBody=body, DisableRollback=True)
    assert at_rest(aws, "stuck") == "UPDATE_FAILED"
    cfn.rollback_stack(StackName="stuck")
    assert at_rest(aws, "stuck") == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ClientError, match="can not be rolled back"):
        cfn.rollback_stack(StackName="stuck")
    cfn.continue_update_rollback(StackName="stuck", ResourcesToSkip=["S"])
    assert at_rest(aws, "stuck") == "UPDATE_ROLLBACK_COMPLETE"
    name = physical_id(cfn, "stuck", "P")
    assert aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "v"


def test_many_clients_at_once(aws: LocalAws, cfn: Any) -> None:
    """Of ten who create one stack, the stack is one; who looks meanwhile always gets an answer."""
    body = json.dumps({"Resources": {f"R{n}": {"Type": "AWS::CDK::Metadata"} for n in range(150)}})

    def prepare(number: int) -> str:
        made = cfn.create_change_set(
            StackName="busy", ChangeSetName=f"c{number}", ChangeSetType="CREATE", TemplateBody=body
        )
        return f"{made['StackId']} {made['Id']}"

    def look(number: int) -> int:
        calls = (
            cfn.describe_stack_resources,
            cfn.list_stack_resources,
            cfn.describe_stack_events,
            cfn.describe_stacks,
        )
        return int(calls[number % 4](StackName="busy")["ResponseMetadata"]["HTTPStatusCode"])

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(prepare, range(10)))
        assert len({ids.split(" ")[0] for ids in made}) == 1
        cfn.execute_change_set(ChangeSetName=made[0].split(" ")[1])
        assert set(pool.map(look, range(40))) == {200}
    assert at_rest(aws, "busy") == "CREATE_COMPLETE"


def test_ssm_parameters(aws: LocalAws) -> None:
    """Created, updated in place, replaced by another name, deleted; one that exists is kept."""
    ssm = aws.client("ssm")

    def value(name: str) -> str:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])

    deploy(aws, "ssm", {"P": parameter("one", Name="/p")})
    assert value("/p") == "one"
    deploy(aws, "ssm", {"P": parameter("two", Name="/p")})
    assert value("/p") == "two"
    assert deploy(aws, "ssm", {"P": parameter("two", Name="/q")}) == "UPDATE_COMPLETE"
    assert value("/q") == "two"
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        value("/p")
    ssm.put_parameter(Name="/foreign", Value="theirs", Type="String")
    assert deploy(aws, "ssm2", {"P": parameter("ours", Name="/foreign")}) == "ROLLBACK_COMPLETE"
    assert value("/foreign") == "theirs"
    ssm.delete_parameter(Name="/q")
    assert delete(aws, "ssm") == "DELETE_COMPLETE"


def test_dynamic_references(aws: LocalAws) -> None:
    """A property gets the value of a parameter, by version too, and of a secret."""
    ssm, secrets = aws.client("ssm"), aws.client("secretsmanager")
    ssm.put_parameter(Name="/arn", Value="first", Type="String")
    ssm.put_parameter(Name="/arn", Value="second", Type="String", Overwrite=True)
    secrets.create_secret(Name="pass", SecretString=json.dumps({"word": "s3cret"}))
    value = (
        "{{resolve:ssm:/arn}} {{resolve:ssm:/arn:1}} "
        "{{resolve:secretsmanager:pass:SecretString:word}}"
    )
    assert deploy(aws, "dynamic", {"P": parameter(value, Name="/copy")}) == "CREATE_COMPLETE"
    copy = ssm.get_parameter(Name="/copy")["Parameter"]["Value"]
    assert copy == "second first s3cret"
    for absent, reason in (
        ("{{resolve:ssm:/absent}}", "Unable to fetch parameters [/absent]"),
        ("{{resolve:ssm:/arn:7}}", "Unable to fetch parameters [/arn:7]"),
        ("{{resolve:secretsmanager:absent}}", "find the specified secret. (Service: Secrets"),
    ):
        name = f"absent-{len(absent)}"
        assert deploy(aws, name, {"P": parameter(absent)}) == "ROLLBACK_COMPLETE"
        failed = [e.reason for e in aws.cloudformation.get(name).events if "FAILED" in e.status]
        assert reason in failed[0]


def test_inline_policies_of_a_role_have_a_size(aws: LocalAws) -> None:
    """All together at most 10,240 characters, blanks aside; a changed one counts once."""
    iam = aws.client("iam")

    def document(size: int) -> dict[str, Any]:
        statement: dict[str, str] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ""}
        made = {"Version": "2012-10-17", "Statement": [statement]}
        rest = size - len(json.dumps(made, separators=(",", ":")))
        statement["Resource"] = "arn:aws:s3:::" + "x" * (rest - len("arn:aws:s3:::"))
        return made

    def resources(first: int, second: int, inline: int) -> dict[str, Any]:
        role: dict[str, Any] = {"AssumeRolePolicyDocument": TRUST, "RoleName": "full"}
        if inline:
            role["Policies"] = [{"PolicyName": "inline", "PolicyDocument": document(inline)}]
        policies = {
            name: {
                "Type": "AWS::IAM::Policy",
                "DependsOn": [] if name == "One" else ["One"],
                "Properties": {
                    "PolicyName": name,
                    "PolicyDocument": document(size),
                    "Roles": [{"Ref": "R"}],
                },
            }
            for name, size in (("One", first), ("Two", second))
        }
        return {"R": {"Type": "AWS::IAM::Role", "Properties": role}, **policies}

    assert deploy(aws, "full", resources(5000, 5240, 0)) == "CREATE_COMPLETE"
    assert deploy(aws, "full", resources(6000, 4240, 0)) == "UPDATE_ROLLBACK_COMPLETE"
    assert deploy(aws, "full", resources(4000, 5240, 1000)) == "UPDATE_ROLLBACK_COMPLETE"
    assert deploy(aws, "full", resources(4000, 5240, 0)) == "UPDATE_COMPLETE"
    assert deploy(aws, "full", resources(4000, 5240, 1000)) == "UPDATE_COMPLETE"
    assert deploy(aws, "full", resources(4000, 5241, 1000)) == "UPDATE_ROLLBACK_COMPLETE"
    failed = [e.reason for e in aws.cloudformation.get("full").events if "FAILED" in e.status]
    assert "Maximum policy size of 10240 bytes exceeded for role full" in failed[-1]
    assert deploy(aws, "inline", {"R": resources(0, 0, 10_241)["R"]}) == "ROLLBACK_COMPLETE"
    assert sorted(iam.list_role_policies(RoleName="full")["PolicyNames"]) == [
        "One",
        "Two",
        "inline",
    ]


def test_log_groups(aws: LocalAws) -> None:
    """Retention is set, changed and taken away; another name replaces."""
    logs = aws.client("logs")

    def groups() -> dict[str, int | None]:
        found = logs.describe_log_groups(logGroupNamePrefix="/api/")["logGroups"]
        return {group["logGroupName"]: group.get("retentionInDays") for group in found}

    def group(**properties: Any) -> dict[str, Any]:
        return {"G": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}

    deploy(aws, "logs", group(LogGroupName="/api/a", RetentionInDays=7))
    assert groups() == {"/api/a": 7}
    deploy(aws, "logs", group(LogGroupName="/api/a", RetentionInDays=30))
    assert groups() == {"/api/a": 30}
    deploy(aws, "logs", group(LogGroupName="/api/a"))
    assert groups() == {"/api/a": None}
    deploy(aws, "logs", group(LogGroupName="/api/b"))
    assert groups() == {"/api/b": None}
    assert delete(aws, "logs") == "DELETE_COMPLETE"
    assert groups() == {}


def test_rules(aws: LocalAws) -> None:
    """A rule and its targets follow the template; another name replaces."""
    events = aws.client("events")

    def rule(name: str, schedule: str, *targets: str, **further: Any) -> dict[str, Any]:
        policy = {"MaximumEventAgeInSeconds": "900"}
        properties = {
            "Name": name,
            "ScheduleExpression": schedule,
            "State": "ENABLED",
            "Targets": [
                {"Id": one, "Arn": "arn:aws:lambda:x", "Input": "{}", "RetryPolicy": policy}
                for one in targets
            ],
            **further,
        }
        return {"R": {"Type": "AWS::Events::Rule", "Properties": properties}}

    def rules() -> dict[str, tuple[str, list[str]]]:
        return {
            one["Name"]: (
                one["ScheduleExpression"],
                [t["Id"] for t in events.list_targets_by_rule(Rule=one["Name"])["Targets"]],
            )
            for one in events.list_rules()["Rules"]
        }

    output = {"Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["R", "Arn"]}}}}
    deploy(aws, "rules", rule("a", "rate(1 hour)", "one", "two"), **output)
    assert rules() == {"a": ("rate(1 hour)", ["one", "two"])}
    assert aws.cloudformation.get("rules").outputs["Arn"].value.endswith(":rule/a")
    deploy(aws, "rules", rule("a", "rate(2 hours)", "two"))
    assert rules() == {"a": ("rate(2 hours)", ["two"])}
    deploy(aws, "rules", rule("b", "rate(2 hours)"))
    assert rules() == {"b": ("rate(2 hours)", [])}
    assert delete(aws, "rules") == "DELETE_COMPLETE"
    assert rules() == {}


def test_alarms(aws: LocalAws) -> None:
    """An alarm on one metric or on an expression, with numbers as texts, as templates may have."""
    cloudwatch = aws.client("cloudwatch")

    def alarm(**properties: Any) -> dict[str, Any]:
        common = {
            "AlarmName": "alarm",
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": "1",
            "Threshold": "0",
            "TreatMissingData": "ignore",
        }
        return {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {**common, **properties}}}

    def alarms() -> list[Any]:
        found: list[Any] = cloudwatch.describe_alarms()["MetricAlarms"]
        return found

    metric = {"Metric": {"MetricName": "m", "Namespace": "n"}, "Period": "300", "Stat": "Maximum"}
    expression = {"Id": "e", "Expression": "m + 1", "ReturnData": "true"}
    deploy(
        aws,
        "alarms",
        alarm(Metrics=[expression, {"Id": "m", "MetricStat": metric, "ReturnData": False}]),
    )
    (one,) = alarms()
    assert (one["Threshold"], one["EvaluationPeriods"], one["TreatMissingData"]) == (0, 1, "ignore")
    assert {m["Id"]: m["ReturnData"] for m in one["Metrics"]} == {"e": True, "m": False}
    deploy(
        aws,
        "alarms",
        alarm(MetricName="m", Namespace="n", Statistic="Maximum", Period="60", Threshold="5"),
    )
    (one,) = alarms()
    assert (one["MetricName"], one["Period"], one["Threshold"]) == ("m", 60, 5)
    assert delete(aws, "alarms") == "DELETE_COMPLETE"
    assert alarms() == []


def test_roles_and_policies(aws: LocalAws) -> None:
    """Inline and separate policies follow the template; both are gone at the end."""
    iam = aws.client("iam")

    def resources(*inline: str, separate: bool) -> dict[str, Any]:
        policies = [{"PolicyName": name, "PolicyDocument": ALLOW} for name in inline]
        role = {"AssumeRolePolicyDocument": TRUST, "RoleName": "api-role", "Policies": policies}
        policy = {"PolicyName": "separate", "PolicyDocument": ALLOW, "Roles": [{"Ref": "R"}]}
        made: dict[str, Any] = {"R": {"Type": "AWS::IAM::Role", "Properties": role}}
        if separate:
            made["P"] = {"Type": "AWS::IAM::Policy", "Properties": policy}
        return made

    def names() -> list[str]:
        return sorted(iam.list_role_policies(RoleName="api-role")["PolicyNames"])

    deploy(aws, "iam", resources("a", "b", separate=True))
    assert names() == ["a", "b", "separate"]
    deploy(aws, "iam", resources("b", "c", separate=False))
    assert names() == ["b", "c"]
    broken = {"Roles": [{"Ref": "R"}], "PolicyName": "separate", "PolicyDocument": {"a": "b"}}
    wrong = resources("b", separate=False) | {
        "P": {"Type": "AWS::IAM::Policy", "Properties": broken}
    }
    assert deploy(aws, "iam", wrong) == "UPDATE_ROLLBACK_COMPLETE"
    assert names() == ["b", "c"]
    assert delete(aws, "iam") == "DELETE_COMPLETE"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="api-role")


def test_a_role_whose_policy_is_refused_is_removed_by_the_rollback(aws: LocalAws) -> None:
    """A resource that was created partly is removed, so that its name is free again."""
    role = {
        "AssumeRolePolicyDocument": TRUST,
        "RoleName": "half",
        "Policies": [{"PolicyName": "broken", "PolicyDocument": {"no": "policy"}}],
    }
    resources = {"R": {"Type": "AWS::IAM::Role", "Properties": role}}
    assert deploy(aws, "half", resources) == "ROLLBACK_COMPLETE"
    iam = aws.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="half")


def test_functions(aws: LocalAws) -> None:
    """Code from S3; code and configuration change in place; another name replaces."""
    s3, functions = aws.client("s3"), aws.client("lambda")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": aws.region})
    for key in ("one", "two"):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", f"def handler(event, context):\n    return '{key}'\n")
        s3.put_object(Bucket="code", Key=key, Body=package.getvalue())

    def resources(key: str, name: str, timeout: int) -> dict[str, Any]:
        return {
            "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": name,
                    "Code": {"S3Bucket": "code", "S3Key": key},
                    "Handler": "index.handler",
                    "Runtime": "python3.12",
                    "Role": {"Fn::GetAtt": ["R", "Arn"]},
                    "Timeout": timeout,
                },
            },
            "C": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": {"Ref": "F"},
                    "Qualifier": "$LATEST",
                    "MaximumEventAgeInSeconds": 60 + timeout,
                },
            },
        }

    def told(name: str) -> tuple[Any, int, int]:
        answer = functions.invoke(FunctionName=name)
        configuration = functions.get_function_configuration(FunctionName=name)
        events = functions.get_function_event_invoke_config(FunctionName=name)
        age = int(events["MaximumEventAgeInSeconds"])
        return json.loads(answer["Payload"].read()), int(configuration["Timeout"]), age

    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["F", "Arn"]}}}
    deploy(aws, "functions", resources("one", "first", 5), Outputs=outputs)
    assert told("first") == ("one", 5, 65)
    deploy(aws, "functions", resources("two", "first", 9), Outputs=outputs)
    assert told("first") == ("two", 9, 69)
    assert deploy(aws, "functions", resources("two", "second", 9)) == "UPDATE_COMPLETE"
    assert told("second") == ("two", 9, 69)
    names = [f["FunctionName"] for f in functions.list_functions()["Functions"]]
    assert names == ["second"]
    assert delete(aws, "functions") == "DELETE_COMPLETE"
    assert functions.list_functions()["Functions"] == []


def test_connect_resources(aws: LocalAws) -> None:
    """An instance with users and a security profile: made, changed, replaced, removed."""
    connect = aws.client("connect")

    def resources(first: str, second: str, permissions: list[str]) -> dict[str, Any]:
        instance = {"Fn::GetAtt": ["I", "Arn"]}

        def user(name: str) -> dict[str, Any]:
            return {
                "Type": "AWS::Connect::User",
                "Properties": {
                    "InstanceArn": instance,
                    "Username": name,
                    "PhoneConfig": {"PhoneType": "SOFT_PHONE"},
                    "RoutingProfileArn": {"Ref": "R"},
                    "SecurityProfileArns": [{"Ref": "S"}],
                },
            }

        return {
            "I": {
                "Type": "AWS::Connect::Instance",
                "Properties": {
                    "IdentityManagementType": "CONNECT_MANAGED",
                    "InstanceAlias": "api",
                    "Attributes": {"InboundCalls": True, "OutboundCalls": True},
                },
            },
            "R": {"Type": "AWS::Connect::RoutingProfile", "Properties": {"InstanceArn": instance}},
            "S": {
                "Type": "AWS::Connect::SecurityProfile",
                "Properties": {
                    "InstanceArn": instance,
                    "SecurityProfileName": "profile",
                    "Permissions": permissions,
                    "HierarchyRestrictedResources": ["User"],
                },
            },
            "A": user(first),
            "B": user(second),
        }

    deploy(aws, "connect", resources("ada", "bob", []), Outputs={"I": {"Value": {"Ref": "I"}}})
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="connect")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    instance_id = stack["Outputs"][0]["OutputValue"].rsplit("/", 1)[-1]

    def users() -> dict[str, str]:
        found = connect.list_users(InstanceId=instance_id)["UserSummaryList"]
        return {user["Username"]: user["Id"] for user in found}

    before = users()
    assert sorted(before) == ["ada", "bob"]
    changed = resources("ada", "eve", ["BasicAgentAccess"])
    assert deploy(aws, "connect", changed) == "UPDATE_COMPLETE"
    assert sorted(users()) == ["ada", "eve"]
    assert users()["ada"] == before["ada"]
    (profile,) = connect.list_security_profiles(InstanceId=instance_id)[
        "SecurityProfileSummaryList"
    ]
    described = connect.describe_security_profile(
        InstanceId=instance_id, SecurityProfileId=profile["Id"]
    )
    assert described["SecurityProfile"]["HierarchyRestrictedResources"] == ["User"]
    assert delete(aws, "connect") == "DELETE_COMPLETE"
    assert connect.list_instances()["InstanceSummaryList"] == []


_WRITER = """
import os

import boto3


def handler(event, context):
    table, key = os.environ["TABLE"], {"pk": {"S": "a"}}
    ledger = boto3.client("dynamodb")
    put = {"TableName": table, "Item": {**key, "n": {"N": "1"}}}
    ledger.transact_write_items(TransactItems=[{"Put": put}])
    ledger.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET n = n + :one",
        ConditionExpression="n = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    return ledger.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]["n"]["N"]
"""


def test_a_function_reaches_the_table_of_its_stack(aws: LocalAws) -> None:
    """From its own process, by the address that it is given; botocore tries again by itself."""
    s3, package = aws.client("s3"), io.BytesIO()
    s3.create_bucket(Bucket="writer", CreateBucketConfiguration={"LocationConstraint": aws.region})
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", _WRITER)
    s3.put_object(Bucket="writer", Key="code", Body=package.getvalue())
    resources = {
        "T": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        },
        "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "F": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "writer",
                "Code": {"S3Bucket": "writer", "S3Key": "code"},
                "Handler": "index.handler",
                "Runtime": "python3.12",
                "Role": {"Fn::GetAtt": ["R", "Arn"]},
                "Timeout": 30,
                "Environment": {"Variables": {"TABLE": {"Ref": "T"}}},
            },
        },
    }
    assert deploy(aws, "writer", resources) == "CREATE_COMPLETE"
    aws.dynamodb.plan_fault("TransactWriteItems", kind=FaultKind.CUT_AFTER)
    answer = aws.client("lambda").invoke(FunctionName="writer")
    assert json.loads(answer["Payload"].read()) == "2"
    outcomes = [(call.api, call.outcome) for call in aws.dynamodb.calls]
    assert outcomes == [
        ("TransactWriteItems", "ConnectionCut"),
        ("TransactWriteItems", "ok"),
        ("UpdateItem", "ok"),
        ("GetItem", "ok"),
    ]
    assert delete(aws, "writer") == "DELETE_COMPLETE"
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
