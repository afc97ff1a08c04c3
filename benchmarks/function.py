"""The size of the function, its start-up time, and its memory."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from benchmarks.apps import fill_with_trees
from benchmarks.organisation import LEVELS, organisation
from benchmarks.processes import rounds, size_of
from connect_hierarchy.bundling import HandlerBundling
from connect_hierarchy_lambda.model.properties import (
    HANDLER,
    LEDGER_VARIABLE,
    LedgerKey,
    PaceVariable,
    ResourceType,
)
from local_aws import LocalAws
from local_aws.awslambda.environment import link_runtime_modules

_MIB = 1024 * 1024
_MEMORY_USED = re.compile(r"Max Memory Used: ([0-9]+) MB")

_LONGEST_WAIT = 60.0

_BASE = "import boto3; boto3.client('connect')"
_OURS = (
    "from connect_hierarchy_lambda.entry.function import _Clients; "
    "from connect_hierarchy_lambda.entry import handler; _Clients()('connect')"
)


@dataclass(frozen=True)
class Weight:
    """Bytes of the function's code.

    Args:
        files: Unpacked, as Lambda has them.
        archive: Packed, as it is uploaded.
    """

    files: int
    archive: int


@dataclass(frozen=True)
class ColdStart:
    """The least seconds of many starts of a clean interpreter.

    Args:
        base: With boto3 imported and one Connect client made.
        ours: With the handler imported and its Connect client made, from sources as in Lambda,
            where nothing is compiled beforehand.
    """

    base: float
    ours: float


@dataclass(frozen=True)
class Memory:
    """The peak memory of the function's process while it creates groups.

    Args:
        groups: How many it creates, in one tree.
        others: How many existed already.
        peak_bytes: Resident memory, in full MiB as Lambda reports it.
    """

    groups: int
    others: int
    peak_bytes: int


def weight() -> Weight:
    """Build the asset, and measure its size."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        archive = _packed(Path(name))
        return Weight(size_of(Path(name) / "asset"), archive.stat().st_size)


def cold_start(repetitions: int = 15) -> ColdStart:
    """Start interpreters that see only the asset, Lambda's runtime and the standard library."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folders = _lambda_folders(Path(name))
        prologue = f"import sys; sys.path[:0] = {folders!r}; "
        commands = {
            # -B: Lambda cannot write to /var/task, so it stores nothing compiled there
            what: ["-I", "-S", "-B", "-c", prologue + code]
            for what, code in {"base": _BASE, "ours": _OURS}.items()
        }
        took = rounds(commands, repetitions, {"AWS_DEFAULT_REGION": "eu-west-2"})
    least = {what: min(one.seconds for one in runs) for what, runs in took.items()}
    return ColdStart(least["base"], least["ours"])


def memory(sizes: Sequence[tuple[int, int]] = ((50, 0), (500, 0), (500, 4500))) -> list[Memory]:
    """Let the function create trees, in its own process, as in Lambda.

    Args:
        sizes: How many groups are created, and how many exist already.

    Raises:
        RuntimeError: If it does not create them.
    """
    with LocalAws() as aws:
        aws.connect.settings.default_rate = None
        aws.connect.settings.group_quota = sum(max(pair) for pair in sizes)
        return [Memory(groups, others, _peak(aws, groups, others)) for groups, others in sizes]


def _lambda_folders(folder: Path) -> list[str]:
    runtime, code = folder / "runtime", folder / "code"
    link_runtime_modules(runtime)
    code.mkdir()
    HandlerBundling().try_bundle(str(code))
    return [str(code), str(runtime)]


def _packed(folder: Path) -> Path:
    asset, archive = folder / "asset", folder / "asset.zip"
    asset.mkdir()
    HandlerBundling().try_bundle(str(asset))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(asset.rglob("*")):
            packed.write(path, path.relative_to(asset))
    return archive


def _peak(aws: LocalAws, groups: int, others: int) -> int:
    """Deploy a tree with a function of its own, and read what its log reports."""
    backend = aws.connect.backend
    instance = backend.create_instance(
        "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True
    )
    keys = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour")
    backend.update_user_hierarchy_structure(
        instance["Id"],
        {key: {"Name": level} for key, level in zip(keys, LEVELS, strict=True)},
    )
    for number in range(others):
        backend.create_user_hierarchy_group(instance["Id"], f"Other {number}")
    name = f"making-{groups}-beside-{others}"
    function_arn = _make_function(aws, name)
    tree = {**_tree(instance["Arn"], groups), "ServiceToken": function_arn}
    resources = {"Tree": {"Type": ResourceType.TREE.value, "Properties": tree}}
    stack = aws.cloudformation.deploy(name, {"Resources": resources})
    if stack.status != "CREATE_COMPLETE":
        why = [event.reason for event in stack.events if event.status == "CREATE_FAILED"]
        msg = f"making {groups} groups failed: {why}"
        raise RuntimeError(msg)
    return _reported(aws, name) * _MIB


def _reported(aws: LocalAws, name: str) -> int:
    """The largest number of MiB in a function's log; the report comes after the answer."""
    ends_at = aws.clock.now() + _LONGEST_WAIT
    while aws.clock.now() < ends_at:
        events = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        used = [_MEMORY_USED.search(event["message"]) for event in events]
        reported = [int(found[1]) for found in used if found]
        if reported:
            return max(reported)
        aws.clock.sleep(0.05)
    msg = f"the log of the function {name} has no report after {_LONGEST_WAIT:g} seconds"
    raise RuntimeError(msg)


def _make_function(aws: LocalAws, name: str) -> str:
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        archive = _packed(Path(folder)).read_bytes()
    function = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role["Arn"],
        Handler=HANDLER,
        Code={"ZipFile": archive},
        Timeout=900,
        MemorySize=256,
        # Connect is not paced here, so neither is the function
        Environment={
            "Variables": {
                PaceVariable.REQUESTS_PER_SECOND.value: "1000",
                PaceVariable.BURST.value: "1000",
                LEDGER_VARIABLE: _make_table(aws, name),
            }
        },
    )
    return str(function["FunctionArn"])


def _make_table(aws: LocalAws, name: str) -> str:
    aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": LedgerKey.PARTITION.value, "KeyType": "HASH"},
            {"AttributeName": LedgerKey.SORT.value, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": key.value, "AttributeType": "S"} for key in LedgerKey
        ],
    )
    return name


def _tree(instance_arn: str, groups: int) -> dict[str, Any]:
    """Properties of a tree as the constructs write them."""
    app = App(analytics_reporting=False, context={"aws:cdk:bundling-stacks": []})
    stack = Stack(app, "Organisation")
    fill_with_trees(stack, instance_arn, LEVELS, organisation(groups).groups)
    trees = Template.from_stack(stack).find_resources(ResourceType.TREE.value)
    properties: dict[str, Any] = next(iter(trees.values()))["Properties"]
    return {**properties, "InstanceArn": instance_arn}
