"""From the options of the command line and the deployed stack to a plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.instances import find_instance
from connect_hierarchy_cli.pacing import Observer
from connect_hierarchy_cli.plan.assembly import find_synthesised
from connect_hierarchy_cli.plan.deployed import (
    Deployable,
    deployable,
    first_deployment,
    update,
    with_groups,
)
from connect_hierarchy_cli.plan.deployment import DeploymentError
from connect_hierarchy_cli.plan.files import group_at, groups_of, template_of
from connect_hierarchy_cli.plan.planned_connect import PlannedConnect
from connect_hierarchy_cli.plan.planning import make_plan
from connect_hierarchy_cli.plan.pointers import LivePointers
from connect_hierarchy_cli.plan.result import Plan
from connect_hierarchy_cli.plan.source import LiveSource
from connect_hierarchy_cli.prompts import choose_instance
from connect_hierarchy_cli.quotas import group_quota
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import Settings
from connect_hierarchy_cli.stacks import find_stack
from connect_hierarchy_lambda.model.properties import AgentsOnDelete
from connect_hierarchy_lambda.ports.connect import Connect

_NEW_STACK = "NewStack"


@dataclass(frozen=True)
class Asked:
    """The options of the command line."""

    file: Path | None = None
    app: Path | None = None
    stack: str | None = None
    resource: str | None = None
    instance: str | None = None
    parent: str | None = None
    adopt_existing: bool = False
    agents_on_delete: str = AgentsOnDelete.FAIL


def planned(settings: Settings, asked: Asked, observer: Observer | None = None) -> Plan:
    """The plan for these options.

    Args:
        settings: Where to look.
        asked: The options.
        observer: Called with the pages that are read.

    Raises:
        CommandError: If there is no such stack, file or instance, or no plan can be made.
    """
    session = Session(settings)
    if asked.app is not None:
        session, what = _of_app(session, asked.app, asked.stack)
        return _plan(session, what, observer)
    assert asked.file is not None  # noqa: S101 - the command has checked it
    # the file first, since its errors need no AWS
    groups = groups_of(asked.file)
    if asked.stack is not None:
        stack = find_stack(session, asked.stack)
        template = with_groups(stack, asked.resource, groups)
        return _plan(session, update(stack, template, stack.parameters), observer)
    session, instance = find_instance(session, asked.instance, choose_instance)
    paced = session.paced(observer)
    source = LiveSource(Connect(session.client("connect"), paced))
    parent = asked.parent and group_at(source.groups(instance.arn), instance, asked.parent)
    template = template_of(
        groups,
        instance,
        parent or None,
        adopt_existing=asked.adopt_existing,
        agents_on_delete=AgentsOnDelete(asked.agents_on_delete),
    )
    what = first_deployment(session, _NEW_STACK, template, {}, account=instance.account)
    return _plan(session, what, observer, source)


def _of_app(session: Session, app: Path, name: str | None) -> tuple[Session, Deployable]:
    stack = find_synthesised(app, name)
    if stack.region is not None:
        session = session.in_region(stack.region)
    what = deployable(session, stack.name, stack.template, stack.parameters, account=stack.account)
    return session, what


def _plan(
    session: Session,
    what: Deployable,
    observer: Observer | None,
    source: LiveSource | None = None,
) -> Plan:
    paced = session.paced(observer)
    client = session.client("connect")
    quotas = session.client("service-quotas")
    try:
        return make_plan(
            what.target,
            what.ledger,
            PlannedConnect(
                source or LiveSource(Connect(client, paced)),
                quota_of=partial(group_quota, quotas),
            ),
            rate=what.rate,
            now=session.clock.now(),
            find_pointers=LivePointers(client, paced),
        )
    except DeploymentError as error:
        raise CommandError(f"no plan can be made: {error}", "cdk synth") from None
