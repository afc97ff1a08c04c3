"""Apps, templates and a bare Lambda runtime for the tests of the constructs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_connect as connect
from aws_cdk.assertions import Template
from constructs import Construct

from connect_hierarchy_lambda.model.properties import ResourceType

STRUCTURE = ResourceType.STRUCTURE.value
GROUP = ResourceType.GROUP.value

INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/5b1c8e0a-1111-2222-3333-444455556666"
)
OTHER_INSTANCE_ARN = INSTANCE_ARN.replace("5b1c8e0a", "0a8e1c5b")
GROUP_ARN = f"{INSTANCE_ARN}/agent-group/11112222-aaaa-bbbb-cccc-333344445555"

_RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "dateutil", "s3transfer", "urllib3", "six")

Resources = Mapping[str, Mapping[str, Any]]


def new_app(**context: object) -> App:
    """An app that leaves the function's code alone: copying it takes time in each test."""
    return App(context={"aws:cdk:bundling-stacks": [], **context})


def new_stack() -> Stack:
    """A stack in an app of its own."""
    return Stack(new_app(), "Stack")


def new_instance(scope: Construct, id: str = "Instance") -> connect.CfnInstance:  # noqa: A002 - the CDK's name for it
    """An instance that is made in the app, so that its ARN is a token."""
    return connect.CfnInstance(
        scope,
        id,
        attributes=connect.CfnInstance.AttributesProperty(inbound_calls=True, outbound_calls=True),
        identity_management_type="CONNECT_MANAGED",
        instance_alias="contact-centre",
    )


def find(stack: Stack, resource_type: str) -> Resources:
    """The resources of a type in the stack's template, by logical id."""
    return Template.from_stack(stack).find_resources(resource_type)


def logical_id(construct: Construct) -> str:
    """The logical id of the custom resource behind a structure or a group."""
    child = construct.node.find_child("Resource")
    # a CustomResource has the resource in it
    resource = child.node.default_child or child
    return str(Stack.of(construct).resolve(getattr(resource, "ref"))["Ref"])  # noqa: B009 - typed as any construct


def resource_of(construct: Construct) -> Mapping[str, Any]:
    """The custom resource behind a structure or a group, as it stands in the template."""
    template = Template.from_stack(Stack.of(construct)).to_json()
    resource: Mapping[str, Any] = template["Resources"][logical_id(construct)]
    return resource


def properties_of(construct: Construct) -> Mapping[str, Any]:
    """The properties of the custom resource behind a structure or a group."""
    properties: Mapping[str, Any] = resource_of(construct)["Properties"]
    return properties


def lambda_runtime(folder: Path) -> Path:
    """Fill a folder with what Lambda's runtime brings, and nothing else of this environment."""
    for name in _RUNTIME_PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin)
        if source.name == "__init__.py":
            source = source.parent
        (folder / source.name).symlink_to(source)
    return folder


def run_isolated(code: str, *paths: Path) -> str:
    """Run code in an interpreter that sees these folders and the standard library only."""
    prologue = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", prologue + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"AWS_DEFAULT_REGION": "eu-west-2"},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def waits_for(stack: Stack, name: str) -> set[str]:
    """The resources that are there before a resource of the stack, and go after it."""
    resources = Template.from_stack(stack).to_json()["Resources"]
    found: set[str] = set()
    due = [name]
    while due:
        text = json.dumps(resources[due.pop()])
        named = {other for other in resources if f'"{other}"' in text} - found
        found |= named
        due += named
    return found
