"""Plans of deployments to a site, made in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connect_hierarchy_cli.plan.planned_connect import PlannedConnect
from connect_hierarchy_cli.plan.planning import make_plan
from connect_hierarchy_cli.plan.pointers import LivePointers
from connect_hierarchy_cli.plan.result import Plan
from connect_hierarchy_cli.plan.source import LiveSource
from connect_hierarchy_cli.plan.target import Target
from connect_hierarchy_lambda.ports.calls import call
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.ledger import Ledger
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.cloudformation.stacks import Stack
from tests.support.scenarios import Resources
from tests.support.stacks import Site

NEW_STACK = "arn:aws:cloudformation:eu-west-2:123456789012:stack/site/planned"


def planned_target(
    site: Site,
    template: Mapping[str, Any],
    stack: Stack | None,
    *,
    importers: Callable[[str], Sequence[str]] = lambda _: (),
) -> tuple[Target, Ledger | None]:
    """What a plan is about, and its ledger: a new stack, or this template for one that is there."""
    if stack is None:
        return Target(NEW_STACK, template), None
    assert stack.template is not None
    target = Target(
        stack.stack_id,
        template,
        old_template=stack.template.document,
        physical_ids={name: one.physical_id for name, one in stack.resources.items()},
        importers=importers,
    )
    return target, site.ledger_of(stack.stack_id)


def planned(site: Site, resources: Resources, stack: Stack | None = None, **options: Any) -> Plan:
    """The plan of these resources, for a new stack or for one that is there."""
    client = site.client("connect")
    quota_of: Callable[[str], int | None] = options.pop("quota_of", lambda _: None)
    template = {"Resources": dict(resources), **options.pop("template", {})}
    importers = options.pop("importers", lambda _: ())
    target, ledger = planned_target(site, template, stack, importers=importers)
    connect = PlannedConnect(LiveSource(Connect(client)), quota_of=quota_of)
    options = {"rate": Rate(), "find_pointers": LivePointers(client, call), **options}
    before = len(site.connect.calls)
    plan = make_plan(target, ledger, connect, now=site.clock.now(), **options)
    made = [one.api for one in site.connect.calls[before:]]
    assert all(api.startswith(("Describe", "List", "Search", "Get")) for api in made)
    return plan
