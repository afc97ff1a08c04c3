"""The target of a deployment: a stack that exists, or one that does not exist yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.plan.target import Target
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import PROGRAM
from connect_hierarchy_cli.stacks import DeployedStack, exports, find_stack
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import ResourceType, TreeProperty
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.ports.pace import Rate

_AS_IF_NEVER_MADE = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"})
"""Statuses of stacks that the next deployment creates again."""

_AT_REST = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
    | {"IMPORT_ROLLBACK_COMPLETE"}
)
_PLANNED_ID = "planned"


@dataclass(frozen=True)
class Deployable:
    """The inputs of a plan."""

    target: Target
    ledger: Ledger | None
    rate: Rate


def deployable(
    session: Session,
    name: str,
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    *,
    account: str | None = None,
) -> Deployable:
    """A template for a stack, whether or not the stack exists.

    Args:
        session: The session of the stack's Region.
        name: The name of the stack.
        template: The new template.
        parameters: Values for its parameters; the deployed stack's values are used for the others.
        account: The account of a stack that does not exist yet; None for that of the credentials.
    """
    stack = _there(session, name)
    if stack is None:
        return first_deployment(session, name, template, parameters, account=account)
    kept = {key: value for key, value in stack.parameters.items() if key not in parameters}
    return update(stack, template, {**kept, **parameters})


def update(
    stack: DeployedStack, template: Mapping[str, Any], parameters: Mapping[str, str]
) -> Deployable:
    """A new template for a stack that exists.

    Raises:
        CommandError: If the stack is not at rest.
    """
    if stack.status not in _AT_REST:
        raise CommandError(
            f"stack {stack.name} is in {stack.status}: it can be planned when it is at rest",
            f"aws cloudformation describe-stack-events --stack-name {stack.name}",
        )
    has_hierarchy = bool(stack.resources)
    target = Target(
        stack_id=stack.id,
        new_template=template,
        new_parameters=parameters,
        old_template=stack.template,
        old_parameters=stack.parameters,
        physical_ids=stack.physical_ids,
        imported=_exports_of(stack.session),
        output=_outputs_of(stack.session),
        importers=lambda name: _importers(stack.session, name),
    )
    told = stack.session.settings.requests_per_second is not None
    rate = stack.session.rate if told or not has_hierarchy else stack.function.rate
    return Deployable(target, stack.ledger if has_hierarchy else None, rate)


def first_deployment(
    session: Session,
    name: str,
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    *,
    account: str | None = None,
) -> Deployable:
    """A template for a stack that does not exist yet."""
    region = session.region or ""
    account = account or session.client("sts").get_caller_identity()["Account"]
    partition = session.client("cloudformation").meta.partition
    target = Target(
        stack_id=f"arn:{partition}:cloudformation:{region}:{account}:stack/{name}/{_PLANNED_ID}",
        new_template=template,
        new_parameters=parameters,
        imported=_exports_of(session),
        output=_outputs_of(session),
    )
    return Deployable(target, None, session.rate)


def with_groups(stack: DeployedStack, resource: str | None, groups: object) -> Mapping[str, Any]:
    """The template of a stack with other groups in one of its trees.

    Args:
        stack: The stack.
        resource: The logical id of the tree, None for the only one.
        groups: The nodes as the property has them.

    Raises:
        CommandError: If the stack has no such tree, or has several and `resource` is None.
    """
    trees = [one.logical_id for one in stack.resources if one.type is ResourceType.TREE]
    chosen = trees if resource is None else [name for name in trees if name == resource]
    if len(chosen) != 1:
        there = ", ".join(trees) or "none"
        which = "" if resource is None else f" {quoted(resource, 128)}"
        raise CommandError(
            f"stack {stack.name} does not have exactly one tree{which}, its trees are: {there}",
            f"{PROGRAM} plan FILE --stack {stack.name} --resource {trees[0] if trees else 'ID'}",
        )
    declaration = stack.declared[chosen[0]]
    properties = {**declaration["Properties"], TreeProperty.GROUPS.value: groups}
    changed = {chosen[0]: {**declaration, "Properties": properties}}
    return {**stack.template, "Resources": {**stack.declared, **changed}}


def _there(session: Session, name: str) -> DeployedStack | None:
    try:
        stack = find_stack(session, name)
    except CommandError:
        return None
    return None if stack.status in _AS_IF_NEVER_MADE else stack


def _exports_of(session: Session) -> Any:
    everything = cache(lambda: exports(session))
    return lambda name: everything().get(name)


def _outputs_of(session: Session) -> Any:
    @cache
    def outputs(stack: str) -> Mapping[str, str]:
        try:
            found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError:
            return {}
        return {one["OutputKey"]: str(one["OutputValue"]) for one in found.get("Outputs", ())}

    return lambda stack, name: outputs(stack).get(name)


def _importers(session: Session, export: str) -> list[str]:
    """The stacks that import an export; the service answers an error if there are none."""
    pages = session.client("cloudformation").get_paginator("list_imports")
    try:
        return [name for page in pages.paginate(ExportName=export) for name in page["Imports"]]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ValidationError":
            return []
        raise
