"""A plan as a value for JSON."""

from __future__ import annotations

from typing import Any

from connect_hierarchy_cli.plan.result import ByHand, GroupPlan, InstancePlan, Plan


def as_value(plan: Plan) -> dict[str, Any]:
    """The plan, without unchanged groups."""
    return {
        "stack": plan.stack,
        "first_deployment": plan.is_first,
        "refusal": plan.refusal or None,
        "refused_by": plan.refused_by or None,
        "changes": {str(change): number for change, number in plan.count().items()},
        "instances": [_instance(one) for one in plan.instances],
        "resources": [
            {
                "logical_id": one.logical_id,
                "type": one.type,
                "action": one.action,
                "clean_up": one.is_clean_up,
                "failure": one.why_failed or None,
            }
            for one in plan.resources
        ],
        "calls": [
            {
                "api": call.api,
                "what": call.what,
                "resource": call.resource,
                "clean_up": call.is_clean_up,
                "refused_with": call.error or None,
            }
            for call in plan.calls
        ],
        "calls_by_api": dict(plan.calls_by_api),
        "seconds": round(plan.seconds, 1),
        "requests_per_second": plan.rate,
        "changed_by_hand": [_by_hand(one) for one in plan.by_hand],
        "points_at_what_goes": [
            {
                "kind": str(one.kind),
                "name": one.name,
                "group": list(one.group),
                "group_id": one.group_id,
            }
            for one in plan.pointers
        ],
        "not_read": list(plan.not_read),
        "known_after_deployment": list(plan.unknown),
        "warnings": list(plan.warnings),
    }


def _by_hand(one: ByHand) -> dict[str, Any]:
    difference = one.difference
    return {
        "kind": str(difference.kind),
        "path": difference.path,
        "resource": difference.resource,
        "group_id": difference.group_id or None,
        "was": difference.was or None,
        "now": difference.now or None,
        "fate": str(one.fate),
        "left_at": list(one.left_at) or None,
        "agents_left": one.agents_left,
    }


def _instance(instance: InstancePlan) -> dict[str, Any]:
    return {
        "arn": instance.arn,
        "new": instance.is_new,
        "levels_before": list(instance.levels_before),
        "levels": list(instance.levels),
        "groups": [_group(group) for group in instance.changed],
    }


def _group(group: GroupPlan) -> dict[str, Any]:
    return {
        "id": None if group.is_new else group.id,
        "old_id": group.old_id or None,
        "path": list(group.path),
        "was": list(group.was) or None,
        "resource": group.resource,
        "changes": [str(change) for change in group.changes],
        "agents": group.agents,
        "agents_go": [
            {"agents": one.number, "to": None if one.to is None else list(one.to)}
            for one in group.agents_go
        ],
        "tags": {key: {"before": old, "after": new} for key, (old, new) in group.tags.items()},
        "note": group.note or None,
    }
