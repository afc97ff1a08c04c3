"""What will go wrong with a stack: all checks, and the remedies."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from connect_hierarchy_cli.quotas import group_quota
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import PROGRAM
from connect_hierarchy_cli.stacks import DeployedStack
from connect_hierarchy_cli.support_dates import CDK_NODES, LAMBDA_RUNTIMES, SOON_DAYS
from connect_hierarchy_lambda.core.view import path_of
from connect_hierarchy_lambda.model import actions
from connect_hierarchy_lambda.model.ledger import Phase, Record
from connect_hierarchy_lambda.model.messages import listed
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import (
    LEDGER_VARIABLE,
    GroupProperty,
)
from connect_hierarchy_lambda.ports.connect import Connect

_FEW_LEFT = 0.1
_ANY_ID = "00000000-0000-0000-0000-000000000000"
"""An id in place of any group's or agent's, since a simulation takes no wildcards."""

_NODE_SECONDS = 10


class Verdict(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    """Nothing is broken yet, or the check could not be made."""

    PROBLEM = "problem"
    """A deployment will fail, or data would be lost if something else failed."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    verdict: Verdict
    about: str
    why: str
    remedy: str = ""


def examine(stack: DeployedStack, today: date) -> Iterator[Finding]:
    """Make all checks, one after another.

    Args:
        stack: The stack.
        today: The day on which support of runtimes is judged.
    """
    records = stack.ledger.records()
    wishes = stack.ledger.last_wishes().values()
    written = {str(wish.properties.get(GroupProperty.INSTANCE_ARN, "")) for wish in wishes}
    instances = sorted({r.instance_arn for r in records.values()} | written - {""})
    connect = stack.session.connect()
    yield of_status(stack)
    for arn in instances:
        yield _asked(f"quota of groups of {_id(arn)}", of_quota, stack.session, connect, arn)
        yield _asked(f"other Region of {_id(arn)}", of_replica, stack.session, arn)
    yield _asked("permissions", of_permissions, stack, instances)
    yield of_left(records)
    yield _asked("ledger", of_backups, stack)
    yield of_runtime(stack.function.runtime, today)
    yield of_node(today)


def _asked(about: str, find: Callable[..., Finding], *arguments: Any) -> Finding:
    """A finding, also if the credentials do not allow the calls that it needs."""
    try:
        return find(*arguments)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        why = f"{error.operation_name} was refused ({code}), so this could not be checked"
        remedy = f"get the permission {_action_of(error)}, then run this again"
        return Finding(Verdict.WARNING, about, why, remedy)


def _action_of(error: ClientError) -> str:
    found = re.search(r"perform: ([\w-]+:\w+)", str(error))
    return found[1] if found else error.operation_name


def _id(instance_arn: str) -> str:
    return instance_arn.rsplit("/", 1)[-1]


def of_status(stack: DeployedStack) -> Finding:
    """Whether the stack can be deployed at all."""
    about, failed = "stack", stack.status.endswith("_FAILED")
    if failed:
        remedy = f"aws cloudformation describe-stack-events --stack-name {stack.name}"
        return Finding(Verdict.PROBLEM, about, f"it is {stack.status}", remedy)
    if stack.status.endswith("_IN_PROGRESS"):
        remedy = f"{PROGRAM} doctor --stack {stack.name} once it has ended"
        return Finding(Verdict.WARNING, about, f"it is {stack.status}", remedy)
    return Finding(Verdict.OK, about, f"it is {stack.status}")


def of_quota(session: Session, connect: Connect, instance_arn: str) -> Finding:
    """How many groups the instance may still get."""
    about = f"quota of groups of {_id(instance_arn)}"
    there = len(connect.names(instance_arn))
    quota = group_quota(session.client("service-quotas"), instance_arn)
    if quota is None:
        why = f"{there} groups exist, Service Quotas does not say how many are allowed"
        allow = "get the permission servicequotas:GetServiceQuota, then run this again"
        return Finding(Verdict.WARNING, about, why, allow)
    left = quota - there
    why = f"{there} of {quota} groups exist, {max(left, 0)} can be created"
    remedy = "ask for more of quota L-D68AAAE4 of Amazon Connect in Service Quotas"
    if left <= 0:
        return Finding(Verdict.PROBLEM, about, why, remedy)
    if left < quota * _FEW_LEFT:
        return Finding(Verdict.WARNING, about, why, remedy)
    return Finding(Verdict.OK, about, why)


def of_replica(session: Session, instance_arn: str) -> Finding:
    """Whether Global Resiliency mirrors the instance's groups into another Region."""
    instance_id = _id(instance_arn)
    about = f"other Region of {instance_id}"
    found: Any = session.client("connect").describe_instance(InstanceId=instance_id)
    replication = found.get("ReplicationConfiguration") or {}
    statuses = replication.get("ReplicationStatusSummaryList") or []
    regions = sorted({str(one["Region"]) for one in statuses})
    others = [region for region in regions if region != session.region]
    if not others:
        return Finding(Verdict.OK, about, "the instance is not replicated")
    where = listed(others)
    failed = [str(one["Region"]) for one in statuses if "FAILED" in str(one["ReplicationStatus"])]
    if failed:
        remedy = f"aws connect describe-instance --instance-id {instance_id}"
        return Finding(Verdict.PROBLEM, about, f"replication to {listed(failed)} failed", remedy)
    why = f"Global Resiliency mirrors levels and groups to {where}, with the same ids"
    return Finding(Verdict.WARNING, about, why, f"do not deploy one to {where}: it would collide")


def of_permissions(stack: DeployedStack, instances: Sequence[str]) -> Finding:
    """Whether the function's role has all permissions that it needs, by IAM's simulation."""
    about, role = "permissions", stack.function.role
    table = stack.function.environment.get(LEDGER_VARIABLE, "")
    _, partition, _, region, account, *_ = stack.function.arn.split(":")
    table_arn = f"arn:{partition}:dynamodb:{region}:{account}:table/{table}"
    needed = [(actions.ON_LEDGER, table_arn), (actions.ON_OWN_STACK, stack.id)]
    for instance_arn in instances:
        needed += [
            (actions.ON_INSTANCE, instance_arn),
            (actions.ON_GROUPS, f"{instance_arn}/agent-group/{_ANY_ID}"),
            (actions.ON_AGENTS, f"{instance_arn}/agent/{_ANY_ID}"),
        ]
    client = stack.session.client("iam")
    denied = [
        f"{result['EvalActionName']} on {resource}"
        for names, resource in needed
        for result in client.simulate_principal_policy(
            PolicySourceArn=role, ActionNames=list(names), ResourceArns=[resource]
        )["EvaluationResults"]
        if result["EvalDecision"] != "allowed"
    ]
    if denied:
        why = f"the role is not allowed to {listed(denied)}"
        remedy = f"look for a boundary or a service control policy on {role}, or deploy again"
        return Finding(Verdict.PROBLEM, about, why, remedy)
    number = sum(len(names) for names, _ in needed)
    return Finding(Verdict.OK, about, f"the role has all {number} permissions that it needs")


def of_left(records: dict[str, Record]) -> Finding:
    """Groups that a deployment could not delete."""
    left = [record for record in records.values() if record.phase is Phase.LEFT]
    if not left:
        return Finding(Verdict.OK, "groups left behind", "there are none")
    names = listed([quoted(path_of(records, record)) for record in left])
    remedy = "move their agents and child groups away, then delete them in Amazon Connect"
    return Finding(Verdict.WARNING, "groups left behind", f"{names}: {left[0].why}", remedy)


def of_backups(stack: DeployedStack) -> Finding:
    """Whether the ledger can be restored if somebody damages it."""
    table = stack.function.environment[LEDGER_VARIABLE]
    client = stack.session.client("dynamodb")
    found = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    state = found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if state == "ENABLED":
        return Finding(Verdict.OK, "ledger", "point-in-time recovery is on")
    return Finding(
        Verdict.WARNING,
        "ledger",
        f"table {table} has no point-in-time recovery: its content can be lost",
        "turn it on in the table that HierarchyProvider(ledger=…) gets, then deploy",
    )


def of_runtime(runtime: str, today: date) -> Finding:
    """Whether Lambda still supports the function's runtime."""
    about, ends = "runtime", LAMBDA_RUNTIMES.get(runtime)
    remedy = "deploy with a newer release of the library, or HierarchyProvider(runtime=…)"
    if ends is None:
        why = f"it is {runtime}, which this release does not know"
        return Finding(Verdict.WARNING, about, why, "pip install --upgrade cdk-connect-hierarchy")
    return _supported(about, runtime, "Lambda", ends, today, remedy)


def of_node(today: date) -> Finding:
    """Whether the CDK supports the Node.js of this machine."""
    about, path = "Node.js", shutil.which("node")
    remedy = f"install Node.js {max(CDK_NODES)}: https://nodejs.org"
    if path is None:
        why = "there is no node on this machine's path, which the CDK needs to deploy"
        return Finding(Verdict.WARNING, about, why, remedy)
    told = subprocess.run(  # noqa: S603 - found on the user's own path
        [path, "--version"], capture_output=True, text=True, check=False, timeout=_NODE_SECONDS
    ).stdout.strip()
    release = re.match(r"v(\d+)\.", told)
    major = int(release[1]) if release else 0
    if major > max(CDK_NODES):
        return Finding(Verdict.OK, about, f"it is {told}")
    ends = CDK_NODES.get(major)
    if ends is None:
        why = f"it is {told or 'unknown'}, which has no long-term support"
        return Finding(Verdict.WARNING, about, why, remedy)
    return _supported(about, told, "the CDK", ends, today, remedy)


def _supported(
    about: str, what: str, supporter: str, ends: date, today: date, remedy: str
) -> Finding:
    days = (ends - today).days
    if days < 0:
        why = f"it is {what}, which {supporter} has not supported since {ends}"
        return Finding(Verdict.PROBLEM, about, why, remedy)
    why = f"it is {what}, which {supporter} supports until {ends}"
    if days < SOON_DAYS:
        return Finding(Verdict.WARNING, about, why, remedy)
    return Finding(Verdict.OK, about, why)
