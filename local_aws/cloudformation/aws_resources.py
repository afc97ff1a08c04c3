"""Resource types in moto, created through the same APIs that a person would call.

Properties that this module does not read are accepted and have no effect.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.utilities.utils import get_partition

from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    RecordedResource,
    ResourceFailedError,
    ResourceRequest,
    ResourceType,
    url_suffix,
)

MAX_INLINE_POLICIES = 10_240
"""Characters of all inline policies of a role together (IAM's quota, which cannot be raised)."""

_inline_policies = threading.Lock()
"""Held while one is measured and put, since several of one role may be put at a time."""

ClientFactory = Callable[[str], Any]
"""Returns the boto3 client of a service."""


def aws_resource_types(
    client: ClientFactory, *, account_id: str, region: str
) -> dict[str, ResourceType]:
    """The types besides Connect's that the CDK's bootstrap stack and stacks with a function use."""
    role_arn = f"arn:{get_partition(region)}:iam::{account_id}:role/{{}}"
    return {
        "AWS::S3::Bucket": _Bucket(client, region),
        # moto ignores the conditions of policies: one that denies only plain HTTP would
        # deny everything
        "AWS::S3::BucketPolicy": RecordedResource(),
        "AWS::ECR::Repository": _Repository(client, account_id, region),
        "AWS::SSM::Parameter": _Parameter(client),
        "AWS::IAM::Role": _Role(client, role_arn),
        "AWS::IAM::Policy": _Policy(client),
        "AWS::Logs::LogGroup": _LogGroup(client, account_id, region),
        "AWS::Lambda::Function": _Function(client),
        "AWS::Lambda::EventInvokeConfig": _EventInvokeConfig(client),
        "AWS::Lambda::Permission": _Permission(client),
        "AWS::Events::Rule": _Rule(client),
        "AWS::CloudWatch::Alarm": _Alarm(client, account_id, region),
        "AWS::CDK::Metadata": RecordedResource(),
    }


class _AwsResource:
    """Turns errors of the service into reasons, and treats missing things as removed."""

    identity: tuple[str, ...] = ()
    """The properties that are the resource's identity: a change of one replaces it."""

    missing: tuple[str, ...] = ()
    """The error codes for a resource that is gone."""

    def __init__(self, client: ClientFactory) -> None:
        self._client = client

    def create(self, request: ResourceRequest) -> Outcome:
        with _errors_as_reasons():
            name = self.name(request)
            self.make(request, name)
        try:
            with _errors_as_reasons():
                return self.change(request, name)
        except ResourceFailedError as error:
            # it exists partly; the rollback removes that
            raise ResourceFailedError(str(error), name) from None

    def update(self, request: ResourceRequest) -> Outcome:
        with _errors_as_reasons():
            return self.change(request, request.physical_id)

    def delete(self, request: ResourceRequest) -> None:
        with _errors_as_reasons(), _well_if(self.missing):
            self.remove(request, request.physical_id)

    def replaces(self, old: Properties, new: Properties) -> bool:
        return any(old.get(name) != new.get(name) for name in self.identity)

    def name(self, request: ResourceRequest) -> str:
        for key in self.identity:
            if isinstance(request.properties.get(key), str):
                return str(request.properties[key])
        return request.generated_name()

    def make(self, request: ResourceRequest, name: str) -> None:
        """Create it with this name, and fail if the name is taken; `change` follows."""

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        """Apply the properties, and return its attributes."""
        raise NotImplementedError

    def remove(self, request: ResourceRequest, name: str) -> None:
        """Remove it."""
        raise NotImplementedError


@contextlib.contextmanager
def _errors_as_reasons() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        raise ResourceFailedError(f"{message} (Service: {error.operation_name})") from None
    except KeyError as error:
        msg = f"Properties validation failed: required key [{error.args[0]}] not found"
        raise ResourceFailedError(msg) from None
    except (ValueError, BotoCoreError) as error:
        msg = f"Properties validation failed: {error}"
        raise ResourceFailedError(msg) from None


@contextlib.contextmanager
def _well_if(codes: Collection[str]) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def _tags(properties: Properties) -> list[dict[str, str]]:
    tags: list[dict[str, str]] = properties.get("Tags", [])
    return tags


class _Bucket(_AwsResource):
    identity = ("BucketName",)
    missing = ("NoSuchBucket",)

    def __init__(self, client: ClientFactory, region: str) -> None:
        super().__init__(client)
        self._region = region

    def name(self, request: ResourceRequest) -> str:
        return str(request.properties.get("BucketName") or request.generated_name(lower=True))

    def make(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        configuration = (
            {}
            if self._region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        )
        self._client("s3").create_bucket(Bucket=name, **configuration)

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        versioning = request.properties.get("VersioningConfiguration")
        if versioning:
            self._client("s3").put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": versioning["Status"]}
            )
        return Outcome(
            name,
            {
                "Arn": f"arn:{get_partition(self._region)}:s3:::{name}",
                "DomainName": f"{name}.s3.{url_suffix(self._region)}",
                "RegionalDomainName": f"{name}.s3.{self._region}.{url_suffix(self._region)}",
            },
        )

    def remove(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("s3").delete_bucket(Bucket=name)


class _Repository(_AwsResource):
    identity = ("RepositoryName",)
    missing = ("RepositoryNotFoundException",)

    def __init__(self, client: ClientFactory, account_id: str, region: str) -> None:
        super().__init__(client)
        self._arn = f"arn:{get_partition(region)}:ecr:{region}:{account_id}:repository/"
        self._uri = f"{account_id}.dkr.ecr.{region}.{url_suffix(region)}/"

    def make(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("ecr").create_repository(repositoryName=name)

    def change(self, request: ResourceRequest, name: str) -> Outcome:  # noqa: ARG002
        return Outcome(name, {"Arn": self._arn + name, "RepositoryUri": self._uri + name})

    def remove(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("ecr").delete_repository(repositoryName=name, force=True)


class _Parameter(_AwsResource):
    identity = ("Name",)
    missing = ("ParameterNotFound",)

    def make(self, request: ResourceRequest, name: str) -> None:
        value, kind = request.properties["Value"], request.properties["Type"]
        self._client("ssm").put_parameter(Name=name, Value=str(value), Type=kind)

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        value, kind = request.properties["Value"], request.properties["Type"]
        if request.old_properties:
            self._client("ssm").put_parameter(
                Name=name, Value=str(value), Type=kind, Overwrite=True
            )
        return Outcome(name, {"Value": value, "Type": kind})

    def remove(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("ssm").delete_parameter(Name=name)


class _Role(_AwsResource):
    identity = ("RoleName", "Path")
    missing = ("NoSuchEntity",)

    def __init__(self, client: ClientFactory, arn: str) -> None:
        super().__init__(client)
        self._arn = arn

    def make(self, request: ResourceRequest, name: str) -> None:
        properties = request.properties
        self._client("iam").create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            Description=properties.get("Description", ""),
            Tags=_tags(properties),
        )

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        iam, properties = self._client("iam"), request.properties
        trust = properties["AssumeRolePolicyDocument"]
        if request.old_properties.get("AssumeRolePolicyDocument", trust) != trust:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        old = {p["PolicyName"] for p in request.old_properties.get("Policies", [])}
        for policy in properties.get("Policies", []):
            old.discard(policy["PolicyName"])
            _put_role_policy(iam, name, policy["PolicyName"], policy["PolicyDocument"])
        for policy_name in old:
            # a policy that could not be put does not exist when that is undone
            with _well_if(self.missing):
                iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
        role_id = iam.get_role(RoleName=name)["Role"]["RoleId"]
        return Outcome(name, {"Arn": self._arn.format(name), "RoleId": role_id})

    def remove(self, request: ResourceRequest, name: str) -> None:
        iam = self._client("iam")
        for policy in request.properties.get("Policies", []):
            with _well_if(self.missing):
                iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])
        iam.delete_role(RoleName=name)


def _put_role_policy(iam: Any, role: str, name: str, document: Any) -> None:
    """Put an inline policy, within the limit for all policies of a role, blanks not counted."""
    with _inline_policies:
        others = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = [document] + [
            iam.get_role_policy(RoleName=role, PolicyName=other)["PolicyDocument"]
            for other in others
            if other != name
        ]
        size = sum(len(json.dumps(one, separators=(",", ":"))) for one in documents)
        if size > MAX_INLINE_POLICIES:
            msg = (
                f"Maximum policy size of {MAX_INLINE_POLICIES} bytes exceeded for role {role} "
                "(Service: Iam, Status Code: 409)"
            )
            raise ResourceFailedError(msg)
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


class _Policy(_AwsResource):
    identity = ("PolicyName",)
    missing = ("NoSuchEntity",)

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        iam, properties = self._client("iam"), request.properties
        roles = set(properties.get("Roles", []))
        for role in set(request.old_properties.get("Roles", [])) - roles:
            with _well_if(self.missing):
                iam.delete_role_policy(RoleName=role, PolicyName=name)
        for role in roles:
            _put_role_policy(iam, role, name, properties["PolicyDocument"])
        return Outcome(name)

    def remove(self, request: ResourceRequest, name: str) -> None:
        for role in request.properties.get("Roles", []):
            with _well_if(self.missing):
                self._client("iam").delete_role_policy(RoleName=role, PolicyName=name)


class _LogGroup(_AwsResource):
    identity = ("LogGroupName",)
    missing = ("ResourceNotFoundException",)

    def __init__(self, client: ClientFactory, account_id: str, region: str) -> None:
        super().__init__(client)
        self._arn = f"arn:{get_partition(region)}:logs:{region}:{account_id}:log-group:"

    def make(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("logs").create_log_group(logGroupName=name)

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        days = request.properties.get("RetentionInDays")
        if days is not None:
            self._client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(days))
        elif request.old_properties.get("RetentionInDays") is not None:
            self._client("logs").delete_retention_policy(logGroupName=name)
        return Outcome(name, {"Arn": f"{self._arn}{name}:*"})

    def remove(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("logs").delete_log_group(logGroupName=name)


class _Function(_AwsResource):
    identity = ("FunctionName",)
    missing = ("ResourceNotFoundException",)

    def make(self, request: ResourceRequest, name: str) -> None:
        properties = request.properties
        self._client("lambda").create_function(
            FunctionName=name,
            Code=_code(properties),
            Tags={tag["Key"]: tag["Value"] for tag in _tags(properties)},
            **_configuration(properties),
        )

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        function = self._client("lambda")
        if not request.old_properties:
            arn = function.get_function_configuration(FunctionName=name)["FunctionArn"]
            return Outcome(name, {"Arn": arn})
        function.update_function_code(FunctionName=name, **_code(request.properties))
        answer = function.update_function_configuration(
            FunctionName=name, **_configuration(request.properties)
        )
        return Outcome(name, {"Arn": answer["FunctionArn"]})

    def remove(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("lambda").delete_function(FunctionName=name)


def _code(properties: Properties) -> dict[str, str]:
    code: Mapping[str, str] = properties["Code"]
    return {key: code[key] for key in ("S3Bucket", "S3Key") if key in code}


def _configuration(properties: Properties) -> dict[str, Any]:
    as_they_are = ("Handler", "Role", "Runtime", "Description", "Environment", "LoggingConfig")
    configuration = {key: properties[key] for key in as_they_are if key in properties}
    for key in ("Timeout", "MemorySize"):
        if key in properties:
            configuration[key] = int(properties[key])
    return configuration


class _EventInvokeConfig(_AwsResource):
    identity = ("FunctionName", "Qualifier")
    missing = ("ResourceNotFoundException",)

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        properties = request.properties
        if request.old_properties:
            # moto keeps all that were ever put, and uses the first
            with _well_if(self.missing):
                self.remove(request, name)
        self._client("lambda").put_function_event_invoke_config(
            FunctionName=properties["FunctionName"],
            MaximumRetryAttempts=int(properties.get("MaximumRetryAttempts", 2)),
            MaximumEventAgeInSeconds=int(properties.get("MaximumEventAgeInSeconds", 21600)),
        )
        return Outcome(name)

    def remove(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("lambda").delete_function_event_invoke_config(
            FunctionName=request.properties["FunctionName"]
        )


class _Permission(_AwsResource):
    missing = ("ResourceNotFoundException",)

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        if request.old_properties:
            with _well_if(self.missing):
                self.remove(request, name)
        properties = request.properties
        self._client("lambda").add_permission(
            FunctionName=properties["FunctionName"],
            StatementId=name,
            Action=properties["Action"],
            Principal=properties["Principal"],
            **({"SourceArn": properties["SourceArn"]} if "SourceArn" in properties else {}),
        )
        return Outcome(name)

    def remove(self, request: ResourceRequest, name: str) -> None:
        properties = request.old_properties or request.properties
        self._client("lambda").remove_permission(
            FunctionName=properties["FunctionName"], StatementId=name
        )


class _Rule(_AwsResource):
    """A rule with its targets. Schedules never fire here."""

    identity = ("Name", "EventBusName")
    missing = ("ResourceNotFoundException",)

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        client, properties = self._client("events"), request.properties
        as_they_are = ("ScheduleExpression", "EventPattern", "State", "Description")
        rule = {key: properties[key] for key in as_they_are if key in properties}
        if "EventPattern" in rule:
            rule["EventPattern"] = json.dumps(rule["EventPattern"])
        arn = client.put_rule(Name=name, **rule)["RuleArn"]
        targets = properties.get("Targets", [])
        before = {target["Id"] for target in request.old_properties.get("Targets", [])}
        gone = before - {target["Id"] for target in targets}
        if gone:
            client.remove_targets(Rule=name, Ids=sorted(gone))
        if targets:
            client.put_targets(Rule=name, Targets=[_with_numbers(one) for one in targets])
        return Outcome(name, {"Arn": arn})

    def remove(self, request: ResourceRequest, name: str) -> None:
        client = self._client("events")
        ids = [target["Id"] for target in request.properties.get("Targets", [])]
        if ids:
            client.remove_targets(Rule=name, Ids=ids)
        client.delete_rule(Name=name)


def _with_numbers(target: Mapping[str, Any]) -> dict[str, Any]:
    """A target with numbers in its retry policy, which are texts in templates."""
    policy = {key: int(value) for key, value in target.get("RetryPolicy", {}).items()}
    return {**target, **({"RetryPolicy": policy} if policy else {})}


class _Alarm(_AwsResource):
    """An alarm. It is never evaluated and stays in INSUFFICIENT_DATA."""

    identity = ("AlarmName",)
    missing = ("ResourceNotFound",)

    _TEXTS = (
        "AlarmDescription",
        "MetricName",
        "Namespace",
        "Statistic",
        "Dimensions",
        "ComparisonOperator",
        "TreatMissingData",
        "AlarmActions",
        "OKActions",
        "InsufficientDataActions",
    )

    def __init__(self, client: ClientFactory, account_id: str, region: str) -> None:
        super().__init__(client)
        self._arn = f"arn:{get_partition(region)}:cloudwatch:{region}:{account_id}:alarm:"

    def change(self, request: ResourceRequest, name: str) -> Outcome:
        properties = request.properties
        alarm = {key: properties[key] for key in self._TEXTS if key in properties}
        for key in ("EvaluationPeriods", "DatapointsToAlarm", "Period"):
            if key in properties:
                alarm[key] = int(properties[key])
        if "Threshold" in properties:
            alarm["Threshold"] = float(properties["Threshold"])
        if "Metrics" in properties:
            alarm["Metrics"] = [_metric(one) for one in properties["Metrics"]]
        self._client("cloudwatch").put_metric_alarm(AlarmName=name, **alarm)
        return Outcome(name, {"Arn": f"{self._arn}{name}"})

    def remove(self, request: ResourceRequest, name: str) -> None:  # noqa: ARG002
        self._client("cloudwatch").delete_alarms(AlarmNames=[name])


def _metric(query: Mapping[str, Any]) -> dict[str, Any]:
    """A metric of an alarm with numbers and booleans, which can be texts in templates."""
    metric = dict(query)
    if "ReturnData" in metric:
        metric["ReturnData"] = str(metric["ReturnData"]).lower() == "true"
    if "Period" in metric:
        metric["Period"] = int(metric["Period"])
    if "MetricStat" in metric:
        stat = metric["MetricStat"]
        metric["MetricStat"] = {**stat, "Period": int(stat["Period"])}
    return metric
