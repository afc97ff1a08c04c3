"""The cloud assembly that `cdk synth` writes: a stack of it, and the stack's template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import ResourceType

_MANIFEST = "manifest.json"
_STACK = "aws:cloudformation:stack"
_STAGE = "cdk:cloud-assembly"
_NESTED = "AWS::CloudFormation::Stack"
_ASSET_PATH = "aws:asset:path"
_SHOWN = 10


@dataclass(frozen=True)
class SynthesisedStack:
    """A stack of an app, as it was synthesised."""

    name: str
    """The name in CloudFormation."""

    path: str
    """The path in the app: `Prod/ContactCentre`."""

    template: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None
    """None if the app does not say."""

    region: str | None = None


def find_synthesised(folder: Path, name: str | None) -> SynthesisedStack:
    """A stack of an app.

    Args:
        folder: The folder that `cdk synth` wrote, usually `cdk.out`.
        name: The name of the stack, its id in the app, or its path; None for the only stack that
            has a hierarchy.

    Raises:
        CommandError: If there is none, or more than one, or it has a hierarchy in a nested stack.
    """
    found = list(_stacks(folder))
    if name is None:
        matching = [one for one in found if _has_hierarchy(one.template)]
    else:
        matching = [one for one in found if name in {one.name, one.path}]
        matching = matching or [one for one in found if one.path.rsplit("/", 1)[-1] == name]
    if len(matching) == 1:
        _refuse_nested(folder, matching[0])
        return matching[0]
    there = ", ".join(sorted(one.path for one in found)[:_SHOWN]) or "no stacks"
    which = "with a hierarchy" if name is None else quoted(name, 128)
    told = f"{folder} has {len(matching)} stacks {which}, its stacks are {there}: give --stack"
    raise CommandError(told, "cdk list")


def _stacks(folder: Path, above: str = "") -> Iterator[SynthesisedStack]:
    for artifact_id, artifact in _artifacts(folder).items():
        properties = artifact.get("properties", {})
        if artifact.get("type") == _STAGE:
            below = f"{above}{artifact.get('displayName', artifact_id)}/"
            yield from _stacks(folder / properties["directoryName"], below)
        elif artifact.get("type") == _STACK:
            account, region = _environment(artifact.get("environment", ""))
            shown = str(artifact.get("displayName", artifact_id)).split(" (", 1)[0]
            yield SynthesisedStack(
                name=properties.get("stackName", artifact_id),
                path=shown if shown.startswith(above) else f"{above}{shown}",
                template=_json(folder / properties["templateFile"]),
                parameters=properties.get("parameters", {}),
                account=account,
                region=region,
            )


def _artifacts(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        raise CommandError(f"{folder} is not a cloud assembly: it has no {_MANIFEST}", "cdk synth")
    artifacts: Mapping[str, Mapping[str, Any]] = _json(manifest).get("artifacts", {})
    return artifacts


def _json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}", "cdk synth") from None
    if not isinstance(value, Mapping):
        raise CommandError(f"{path} is not a JSON object", "cdk synth")
    return value


def _environment(text: str) -> tuple[str | None, str | None]:
    account, _, region = text.removeprefix("aws://").partition("/")
    known = [
        None if not part or part.startswith("unknown-") else part for part in (account, region)
    ]
    return known[0], known[1]


def _has_hierarchy(template: Mapping[str, Any]) -> bool:
    resources = template.get("Resources", {}).values()
    return any(resource.get("Type") in list(ResourceType) for resource in resources)


def _refuse_nested(folder: Path, stack: SynthesisedStack) -> None:
    for name, resource in stack.template.get("Resources", {}).items():
        if resource.get("Type") != _NESTED:
            continue
        file = resource.get("Metadata", {}).get(_ASSET_PATH)
        inside = folder / str(file)
        if file is None or not inside.is_file() or _has_hierarchy(_json(inside)):
            raise CommandError(
                f"stack {stack.name} has a hierarchy in its nested stack {name}, and nested stacks "
                "cannot be planned: plan a stack that is not nested",
                "cdk diff",
            )
