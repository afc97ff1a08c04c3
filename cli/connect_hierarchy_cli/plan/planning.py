"""From a deployment to its plan: the one entrance to this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connect_hierarchy_cli.plan.by_hand import changed_by_hand
from connect_hierarchy_cli.plan.changes import Changes
from connect_hierarchy_cli.plan.cost import Calls, Duration, calls_by_api
from connect_hierarchy_cli.plan.deployment import Deployment, Played, copied, is_ours
from connect_hierarchy_cli.plan.planned_connect import (
    NotReadError,
    PlannedConnect,
    PlannedInstance,
)
from connect_hierarchy_cli.plan.pointers import FindPointers, Pointers
from connect_hierarchy_cli.plan.result import ByHand, GroupPlan, InstancePlan, Plan, ResourcePlan
from connect_hierarchy_cli.plan.target import Target
from connect_hierarchy_lambda.model.declared import nodes_as_declared
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.model.properties import ResourceType, TreeProperty
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.ports.pace import Rate

_TOO_LONG = (
    "{resource} takes longer than the hour that CloudFormation waits for it: deploy it in parts, "
    "or raise the account's rate"
)


def make_plan(
    target: Target,
    ledger: Ledger | None,
    connect: PlannedConnect,
    *,
    rate: Rate,
    now: float,
    find_pointers: FindPointers | None = None,
    alias_of: Callable[[str], str] = lambda _: "",
) -> Plan:
    """What a deployment will do; nothing is written.

    Args:
        target: The template and the stack.
        ledger: The stack's ledger; None for the first deployment of a stack.
        connect: The planned Amazon Connect, without any call yet.
        rate: The requests that the account's APIs take.
        now: In seconds since 1970.
        find_pointers: Finds what points at groups whose ids change; None to skip this.
        alias_of: The alias of an instance by its ARN.

    Raises:
        DeploymentError: If the wish is not known before the deployment.
        Refusal: If Amazon Connect cannot be read; or PassingError, or BotoCoreError.
    """
    declared = {
        **((target.old_template or {}).get("Resources") or {}),
        **(target.new_template.get("Resources") or {}),
    }
    copy = copied(ledger)
    before = copy.records()
    deployment = Deployment(target, connect, copy, now)
    played = deployment.play()
    duration = Duration(connect.calls, played.waits, rate)
    refusal, refused_by = played.refusal, played.refused_by
    if not refusal:
        refusal, refused_by = _export_in_use(target, played)
    if not refusal and (refused_by := duration.too_long(played)):
        refusal = _TOO_LONG.format(resource=refused_by)
    new_instances = set(target.new_instances())

    def changes(instance: PlannedInstance) -> Changes:
        stack = stack_name_and_uuid(target.stack_id)
        return Changes(instance, stack, before, copy.records(), _keyless(declared))

    try:
        instances = [
            InstancePlan(
                arn=instance.arn,
                levels_before=instance.levels_before,
                levels=tuple(instance.levels),
                groups=changes(instance).groups() if instance.has_read_groups() else (),
                is_new=instance.arn in new_instances,
                alias=alias_of(instance.arn),
            )
            for instance in connect.instances.values()
            # nothing happens in an instance that no request has read
            if instance.has_read_groups() or instance.has_read_levels()
        ]
        pointers = Pointers()
        if find_pointers is not None and not refusal:
            pointers = find_pointers(_vanishing(instances), connect)
        calls = Calls(connect, played).planned()
    except NotReadError as error:
        raise error.cause from None
    by_hand: tuple[ByHand, ...] = ()
    try:
        if ledger is not None and not refusal:
            by_hand = changed_by_hand(target, ledger, copy, connect)
    except NotReadError as error:
        played.warnings.append(f"what was changed by hand is not known: {error}")
    return Plan(
        stack=target.name,
        is_first=target.is_first,
        instances=tuple(one for one in instances if one.groups or one.levels or one.levels_before),
        resources=_resources(played),
        calls=calls,
        calls_by_api=calls_by_api(connect.calls),
        seconds=duration.seconds,
        rate=rate.per_second,
        by_hand=by_hand,
        pointers=pointers.found,
        not_read=pointers.not_read,
        unknown=tuple(played.unknown),
        warnings=tuple(played.warnings),
        refusal=refusal,
        refused_by=refused_by,
    )


def _export_in_use(target: Target, played: Played) -> tuple[str, str]:
    """Why CloudFormation refuses to change an output that another stack uses; or empty."""
    for name, (output, is_there) in played.exports.items():
        if users := target.importers(name):
            verb = "updated" if is_there else "deleted"
            used = " and ".join(users)
            return f"Export {name} cannot be {verb} as it is in use by {used}", output
    return "", ""


def _vanishing(instances: Sequence[InstancePlan]) -> dict[str, GroupPlan]:
    """The groups whose ids end, by these ids."""
    return {
        (group.old_id or group.id): group
        for instance in instances
        for group in instance.groups
        if group.old_id or group.goes
    }


def _resources(played: Played) -> tuple[ResourcePlan, ...]:
    """The requests of CloudFormation; a clean-up that is repeated is included once."""
    return tuple(
        {
            (served.logical_id, served.physical_id_before, served.type): ResourcePlan(
                served.logical_id,
                served.resource_type,
                served.type,
                served.is_clean_up,
                served.why_failed,
            )
            for served in played.requests
        }.values()
    )


def _keyless(declared: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The marks of the nodes without a key of their own, by logical id of the tree."""
    found = {}
    for name, declaration in declared.items():
        if not is_ours(declaration) or declaration["Type"] != ResourceType.TREE:
            continue
        try:
            nodes = nodes_as_declared(declaration.get("Properties", {}).get(TreeProperty.GROUPS))
        except InvalidHierarchyError:
            continue  # the deployment reports its errors
        found[name] = frozenset(node.mark for node in nodes if not node.has_own_key)
    return found
