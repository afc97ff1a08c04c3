"""`copy`: creates the levels and groups of an instance in another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings

if TYPE_CHECKING:
    from connect_hierarchy_cli.copying.plan import CopyPlan, Instance
    from connect_hierarchy_cli.placement.mover import Outcome
    from connect_hierarchy_cli.work import Work
    from connect_hierarchy_lambda.model.groups import Agent


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy copy --from my-instance --to my-test-instance",
        "connect-hierarchy copy --from my-instance --to other --to-region us-east-1 --apply",
        "connect-hierarchy copy --from a --from-profile prod --to b --to-profile test --agents",
    ),
)
@click.option(
    "--from", "source", metavar="INSTANCE", required=True, help="Id, ARN or alias of the source."
)
@click.option(
    "--to", "target", metavar="INSTANCE", required=True, help="Id, ARN or alias of the target."
)
@click.option("--from-profile", metavar="NAME", help="Profile for the source, if not --profile.")
@click.option("--from-region", metavar="REGION", help="Region of the source, if not --region.")
@click.option("--from-endpoint-url", metavar="URL", help="Address to call for the source.")
@click.option("--to-profile", metavar="NAME", help="Profile for the target, if not --profile.")
@click.option("--to-region", metavar="REGION", help="Region of the target, if not --region.")
@click.option("--to-endpoint-url", metavar="URL", help="Address to call for the target.")
@click.option("--agents", "with_agents", is_flag=True, help="Place agents too, by user name.")
@click.option(
    "--keep-levels", is_flag=True, help="Copy even if levels of the target have other names."
)
@click.option(
    "--group-quota",
    type=click.IntRange(min=1),
    help="Groups that the target may have; Service Quotas is asked otherwise.",
)
@click.option("--apply", "is_applied", is_flag=True, help="Make the changes, not only a dry run.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(
    settings: Settings,
    /,
    *,
    source: str,
    target: str,
    with_agents: bool,
    keep_levels: bool,
    group_quota: int | None,
    is_applied: bool,
    as_json: bool,
    **connections: str | None,
) -> None:
    """Create the levels and groups of an instance in another one.

    The other one may be in another Region or account. Groups with the same path are kept, and the
    command names those whose tags differ. Groups that only the other instance has stay as they are.
    Tags that say which stack owns a group are not copied. With --agents, users go to the groups
    that users of the same names are in.

    Nothing is changed without --apply. After Ctrl-C or a lost connection, run the same command
    again: it does the rest.
    """
    from connect_hierarchy_cli.copying.plan import CopyRefusedError, plan_copy
    from connect_hierarchy_cli.copying.showing import as_value, notes
    from connect_hierarchy_cli.work import refuse
    from connect_hierarchy_lambda.model.messages import printable

    _, there = _read(_side(settings, connections, "from"), source, with_agents=with_agents)
    work, here = _read(_side(settings, connections, "to"), target, with_agents=with_agents)
    if there.arn == here.arn:
        raise click.UsageError("--from and --to are the same instance: give another one")
    if group_quota is None:
        group_quota = _group_quota(work)
    try:
        plan = plan_copy(there, here, group_quota=group_quota, keep_levels=keep_levels)
    except CopyRefusedError as error:
        refuse(error.problems, "the plan", settings.again())
    for note in notes(plan):
        output.tell(f"note: {printable(note)}")
    if is_applied:
        _apply(work, here, plan, as_json=as_json)
    if as_json:
        output.write_json(as_value(there.arn, here.arn, plan))
    elif not is_applied:
        _show(work, plan)


def _side(settings: Settings, connections: Mapping[str, str | None], side: str) -> Settings:
    """The settings for the source or the target."""
    own = {
        name: value
        for name in ("profile", "region", "endpoint_url")
        if (value := connections[f"{side}_{name}"]) is not None
    }
    return replace(settings, **own)  # type: ignore[arg-type] # all three are text


def _read(settings: Settings, instance: str, *, with_agents: bool) -> tuple[Work, Instance]:
    from connect_hierarchy_cli.copying.plan import Instance
    from connect_hierarchy_cli.placement.present import AgentSurvey, present_groups
    from connect_hierarchy_cli.progress import progress
    from connect_hierarchy_cli.work import Work

    agents: dict[str, Agent] = {}
    survey = None
    work = Work(settings, instance)
    with output.reading_progress() as work.observer:
        levels = work.connect.levels(work.arn)
        groups = present_groups(work.connect, work.arn)
        if with_agents:
            survey = AgentSurvey.of(work.connect, work.arn)
    if survey is not None:
        doubtful = survey.doubtful(work.clock.now())
        with progress("reading agents that changed lately") as advance:
            agents = survey.settled(work.connect, doubtful, work.lanes, advance)
    return work, Instance(work.arn, levels, groups, agents)


def _group_quota(work: Work) -> int:
    from connect_hierarchy_cli.quotas import group_quota
    from connect_hierarchy_lambda.model.limits import DEFAULT_GROUP_QUOTA

    found = group_quota(work.session.client("service-quotas"), work.arn)
    if found is None:
        output.tell(
            f"note: Service Quotas does not say how many groups {work.instance.label} may have; "
            f"{DEFAULT_GROUP_QUOTA} are assumed, use --group-quota for another number"
        )
        return DEFAULT_GROUP_QUOTA
    return found


def _show(work: Work, plan: CopyPlan) -> None:
    from connect_hierarchy_cli.copying.showing import as_table, in_words

    if not plan.is_empty:
        output.show(as_table(plan))
    output.write(f"{in_words(plan, work.rate.per_second)}\n")
    if not plan.is_empty:
        output.tell("Nothing was changed. Add --apply to make the changes.")


def _apply(work: Work, target: Instance, plan: CopyPlan, *, as_json: bool) -> None:
    from connect_hierarchy_cli.copying.copier import Copier
    from connect_hierarchy_cli.placement.showing import outcome_in_words
    from connect_hierarchy_cli.progress import progress

    copier = Copier(work.connect, target, clock=work.clock, lanes=work.lanes)
    made = 0
    outcomes: list[Outcome] = []

    def so_far() -> str:
        told = f"{made:,} of {len(plan.groups):,} groups are made"
        return f"{told}, {len(outcomes):,} of {len(plan.agents):,} agents are done"

    with progress("making groups") as advance:

        def tell_group(_: object) -> None:
            nonlocal made
            made += 1
            advance(made, len(plan.groups))

        def make() -> None:
            copier.make_levels(plan)
            copier.make_groups(plan.groups, tell_group)

        work.carry_out(make, so_far)
    with progress("moving agents") as advance:

        def tell_agent(outcome: Outcome) -> None:
            outcomes.append(outcome)
            advance(len(outcomes), len(plan.agents))

        work.carry_out(lambda: copier.place_agents(plan.agents, tell_agent), so_far)
    if not as_json:
        groups = "1 group is" if made == 1 else f"{made:,} groups are"
        agents = f"; {outcome_in_words(outcomes)}" if plan.agents else ""
        output.write(f"{groups} made{agents}\n")
    work.check(outcomes)
