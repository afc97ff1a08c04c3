"""Deployments that have to end in one way, what people do, and what is there afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pytest

from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope
from tests.support.stacks import Site

LEVELS = ("Division", "Region", "Team")
WRITES = (
    "CreateUserHierarchyGroup",
    "UpdateUserHierarchyGroupName",
    "DeleteUserHierarchyGroup",
    "TagResource",
    "UntagResource",
    "UpdateUserHierarchy",
)


def worlds(
    scopes: Iterable[DuplicateScope] = DuplicateScope, **settings: Any
) -> pytest.MarkDecorator:
    """Run a test on a site of each position of the switches that matter for names and moves.

    Args:
        scopes: The positions of one of them; the other has all.
        settings: Those of the site's Connect.
    """
    return pytest.mark.parametrize(
        "site",
        [
            pytest.param(
                partial(of_world, scope, reversed_id, **settings),
                id=f"{scope.value}-{reversed_id.value}",
            )
            for scope in scopes
            for reversed_id in ReversedUpdateId
        ],
        indirect=True,
    )


def of_world(scope: DuplicateScope, reversed_id: ReversedUpdateId, **settings: Any) -> Site:
    """A site with these switches, and these settings of its Connect."""
    return Site(
        connect_settings=ConnectSettings(duplicate_scope=scope, **settings),
        engine_settings=EngineSettings(reversed_update_id=reversed_id),
    )


def unpaced(**settings: Any) -> Site:
    """A site whose Connect takes any number of requests."""
    return Site(connect_settings=ConnectSettings(default_rate=None, **settings))


def up(site: Site, resources: Mapping[str, Any]) -> Stack:
    """Deploy, which has to go well."""
    stack = site.up(resources)
    assert stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, site.reasons(stack)
    return stack


def failing(site: Site, resources: Mapping[str, Any]) -> Mapping[str, Any]:
    """These resources with one that fails after all of them but the structure."""
    after = [name for name in resources if name != "Structure"]
    return {**resources, "Failing": site.failing(*after)}


def fail(site: Site, resources: Mapping[str, Any]) -> Stack:
    """Deploy to a stack that is there, with something that fails after all else."""
    stack = site.up(failing(site, resources))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    return stack


def cancel(site: Site, resources: Mapping[str, Any], seconds: float) -> Stack:
    """Deploy to a stack that is there, with something that fails after so many seconds."""
    stack = site.up({**resources, "Failing": site.failing_later(seconds)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    return stack


def tags_of(site: Site, path: str) -> dict[str, str]:
    """All tags of a group."""
    group = site.connect.backend.hierarchy(site.instance_id).by_path[tuple(path.split("/"))]
    return dict(group.tags)


def user_tags(site: Site, path: str) -> dict[str, str]:
    """The tags of a group that are not ours."""
    tags = tags_of(site, path)
    return {key: value for key, value in tags.items() if not key.startswith(RESERVED_PREFIX)}


def owner(site: Site, path: str) -> str | None:
    """The logical id of the resource that owns a group."""
    return tags_of(site, path).get(f"{RESERVED_PREFIX}resource")


def state(site: Site) -> tuple[Any, ...]:
    """Everything that a rollback has to bring back."""
    return site.ids, site.agents, {path: owner(site, path) for path in site.ids}


def by_hand(site: Site, name: str, *above: str, tags: dict[str, str] | None = None) -> str:
    """Make a group as an operator would; its id."""
    backend = site.connect.backend
    parent = backend.hierarchy(site.instance_id).by_path[above].id if above else None
    return backend.create_user_hierarchy_group(site.instance_id, name, parent, tags).id


def rename_by_hand(site: Site, path: str, name: str) -> None:
    """Give a group another name, as an operator would."""
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, site.ids[path], name)


def delete_by_hand(site: Site, *paths: str) -> None:
    """Delete groups as an operator would, one after the other."""
    for path in paths:
        site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids[path])


def group_arn(site: Site, path: str) -> str:
    """The ARN of a group that is there."""
    return f"{site.instance_arn}/agent-group/{site.ids[path]}"


def take_away(site: Site, path: str) -> None:
    """Remove our tags from a group, as an operator could."""
    ours = [key for key in tags_of(site, path) if key.startswith(RESERVED_PREFIX)]
    site.connect.backend.untag_resource(group_arn(site, path), ours)


def deliver_again(site: Site, request_type: str, logical_id: str) -> None:
    """Let Lambda deliver the last event of a kind once more, and wait till it is served."""
    events = [i.event for i in site.invocations if i.event["LogicalResourceId"] == logical_id]
    event = [event for event in events if event["RequestType"] == request_type][-1]
    site._invoke_async(site.function_arn, dict(event))
    site.clock.sleep(1000)


def writes(site: Site) -> int:
    """How many calls that change something were made so far."""
    return len(site.calls(*WRITES))
