"""`agents`: puts agents where a file says, or writes down where they are."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings

if TYPE_CHECKING:
    from connect_hierarchy_cli.placement.agent_file import AgentFile
    from connect_hierarchy_cli.placement.mover import Outcome
    from connect_hierarchy_cli.placement.paths import Paths
    from connect_hierarchy_cli.placement.plan import Plan
    from connect_hierarchy_cli.work import Work
    from connect_hierarchy_lambda.model.groups import Agent

_FILE = click.Path(path_type=Path, dir_okay=False)
_STANDARD_OUTPUT = Path("-")


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy agents --instance my-instance --export before.csv",
        "connect-hierarchy agents agents.csv --instance my-instance",
        "connect-hierarchy agents agents.csv --instance my-instance --apply --report moves.csv",
        "connect-hierarchy agents before.csv --instance my-instance --apply",
    ),
)
@click.argument("file", required=False, type=_FILE, help="CSV of user names and paths.")
@click.option("--instance", metavar="INSTANCE", help="Id, ARN or alias of the instance.")
@click.option("--apply", "is_applied", is_flag=True, help="Move the agents, not only a dry run.")
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write where all agents are now; - for standard output.",
)
@click.option("--report", type=_FILE, help="Write a line for each move into this CSV file.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(
    settings: Settings,
    file: Path | None,
    *,
    instance: str | None,
    is_applied: bool,
    export: Path | None,
    report: Path | None,
    as_json: bool,
) -> None:
    """Put agents into the groups that a file says.

    FILE is CSV with the columns username and path, such as "ada,Support/EMEA". An empty path takes
    the agent out of the hierarchy; agents that are not in FILE stay where they are. Where names
    have slashes, a path can be a list: ["24/7", "Night desk"].

    Nothing is changed without --apply. After Ctrl-C or a lost connection, run the same command
    again: it does the rest. --export writes such a file: applying it later undoes all moves since.
    """
    from connect_hierarchy_cli.placement.agent_file import read_agent_file
    from connect_hierarchy_cli.placement.plan import InvalidRowsError, plan_moves
    from connect_hierarchy_cli.work import refuse

    _check(settings, file, export)
    wished = None if file is None else read_agent_file(file)
    work, paths, agents = _read(settings, instance, None if export else wished)
    if export is not None:
        _export(export, agents.values(), paths)
        # a command that is run again finds its own file
        work.settings = settings.without("--export")
    if wished is None:
        return
    try:
        plan = plan_moves(wished.rows, agents, paths, wished.located, wished.problems)
    except InvalidRowsError as error:
        refuse(error.problems, wished.file.path.name, work.settings.again())
    if is_applied:
        _apply(work, plan, paths, report, as_json=as_json)
    else:
        _show(work, plan, paths, as_json=as_json)


def _check(settings: Settings, file: Path | None, export: Path | None) -> None:
    if file is None and export is None:
        raise click.UsageError("give a FILE, or --export to write one")
    if export is None:
        return
    if export == _STANDARD_OUTPUT:
        if file is not None:
            raise click.UsageError("--export - works only without FILE: give a file name")
    elif export.exists():
        told = f"{export} exists, it may say where agents were before: it is not overwritten"
        raise CommandError(told, settings.again("--export", "NEW-FILE.csv", without=("--export",)))


def _read(
    settings: Settings, instance: str | None, wished: AgentFile | None
) -> tuple[Work, Paths, dict[str, Agent]]:
    """The instance, its groups, and its agents by user name: all, or those of a file."""
    from connect_hierarchy_cli.placement.paths import Paths
    from connect_hierarchy_cli.placement.present import AgentSurvey, present_groups
    from connect_hierarchy_cli.progress import progress
    from connect_hierarchy_cli.work import Work

    work = Work(settings, instance)
    with output.reading_progress() as work.observer:
        groups = present_groups(work.connect, work.arn)
        survey = AgentSurvey.of(work.connect, work.arn)
    only = None if wished is None else {row.username for row in wished.rows}
    doubtful = survey.doubtful(work.clock.now(), only)
    with progress("reading agents that changed lately") as advance:
        agents = survey.settled(work.connect, doubtful, work.lanes, advance)
    return work, Paths(groups), agents


def _export(path: Path, agents: Iterable[Agent], paths: Paths) -> None:
    from connect_hierarchy_cli.placement.agent_file import as_text

    text = as_text(agents, paths)
    if path == _STANDARD_OUTPUT:
        output.write(text)
    else:
        output.write_file(path, text)


def _show(work: Work, plan: Plan, paths: Paths, *, as_json: bool) -> None:
    from connect_hierarchy_cli.placement.showing import as_table, as_value, in_words

    if as_json:
        output.write_json(as_value(work.arn, plan, paths))
        return
    if plan.moves:
        output.show(as_table(plan.moves, paths))
        output.write("\n")
    output.write(f"{in_words(plan, work.rate.per_second)}\n")
    if plan.moves:
        output.tell("Nothing was changed. Add --apply to move them.")


def _apply(work: Work, plan: Plan, paths: Paths, report: Path | None, *, as_json: bool) -> None:
    from connect_hierarchy_cli.placement.mover import Mover
    from connect_hierarchy_cli.placement.report import MoveReport
    from connect_hierarchy_cli.placement.showing import as_value, outcome_in_words
    from connect_hierarchy_cli.progress import progress

    outcomes: list[Outcome] = []
    with ExitStack() as open_things:
        written = None if report is None else open_things.enter_context(MoveReport(report, paths))
        advance = open_things.enter_context(progress("moving agents"))

        def tell(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if written is not None:
                written.add(outcome, work.clock.now())
            advance(len(outcomes), len(plan.moves))

        mover = Mover(work.connect, work.arn, clock=work.clock, lanes=work.lanes)
        work.carry_out(
            lambda: mover.carry_out(plan.moves, tell),
            lambda: f"{len(outcomes):,} of {len(plan.moves):,} agents are done",
        )
    if as_json:
        output.write_json(as_value(work.arn, plan, paths, outcomes))
    else:
        output.write(f"{outcome_in_words(outcomes)}\n")
    work.check(outcomes)
