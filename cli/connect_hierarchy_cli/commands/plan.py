"""`plan`: shows what a deployment will do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import PROGRAM, Settings

if TYPE_CHECKING:
    from connect_hierarchy_cli.plan.result import Plan


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy plan organisation.yaml --stack ContactCentre",
        "connect-hierarchy plan organisation.yaml --instance acme --adopt-existing",
        "cdk synth --quiet && connect-hierarchy plan --app cdk.out --stack ContactCentre",
        "connect-hierarchy plan --app cdk.out --markdown > plan.md",
    ),
)
@click.argument(
    "file",
    required=False,
    type=click.Path(path_type=Path),
    help="File that ends in .yaml, .yml, .json or .csv.",
)
@click.option(
    "--app",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The folder that cdk synth wrote.",
)
@click.option("--stack", help="The stack: its name, or with --app its id or path in the app.")
@click.option("--resource", help="The logical id of the tree, if the stack has several.")
@click.option("--instance", help="For a first deployment of FILE: id, ARN or alias.")
@click.option("--parent", help="For a first deployment: path or id of the group above.")
@click.option(
    "--adopt-existing/--no-adopt-existing",
    default=False,
    help="For a first deployment: take over existing groups.",
)
@click.option(
    "--agents-on-delete",
    type=click.Choice(["FAIL", "MOVE_TO_PARENT", "UNASSIGN"]),
    default="FAIL",
    help="For a first deployment: the policy for agents.",
)
@click.option("--all", "everything", is_flag=True, help="Show unchanged groups, too.")
@click.option("--calls", is_flag=True, help="Show each call.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option("--markdown", is_flag=True, help="Write Markdown, for a pull request.")
@click.option(
    "--svg",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a picture into a file, too.",
)
@click.pass_obj
def command(
    settings: Settings,
    file: Path | None,
    app: Path | None,
    stack: str | None,
    resource: str | None,
    instance: str | None,
    parent: str | None,
    *,
    adopt_existing: bool,
    agents_on_delete: str,
    everything: bool,
    calls: bool,
    as_json: bool,
    markdown: bool,
    svg: Path | None,
) -> int:
    """Show what a deployment will do. Nothing is written.

    The function's own engine runs on a copy of the stack's ledger, against what is in Amazon
    Connect now. The plan shows the groups that change, the calls and how long they take, what
    points at groups that get another id, and why a deployment will fail.

    With FILE and --stack: the deployed stack with this file in its tree. With FILE alone: the file
    as a new stack on an instance. With --app: the stack of a synthesised CDK app.

    The exit code is 0 if nothing changes, 2 if something does, and 1 for an error, also if the
    deployment will fail.
    """
    from connect_hierarchy_cli.plan.asking import Asked, planned

    if (file is None) == (app is None):
        raise click.UsageError("give FILE, or --app with the folder that cdk synth wrote")
    if as_json and markdown:
        raise click.UsageError("--json and --markdown cannot be used together")
    if stack is not None and (instance or parent or adopt_existing):
        told = "--instance, --parent and --adopt-existing are for a first deployment"
        raise click.UsageError(f"{told}: the stack has these in its template")
    asked = Asked(
        file=file,
        app=app,
        stack=stack,
        resource=resource,
        instance=instance,
        parent=parent,
        adopt_existing=adopt_existing,
        agents_on_delete=agents_on_delete,
    )
    with output.reading_progress() as progress:
        plan = planned(settings, asked, progress)
    if svg is not None:
        _draw(plan, svg)
    _show(plan, everything=everything, calls=calls, as_json=as_json, markdown=markdown)
    return plan.exit_code


def _show(plan: Plan, *, everything: bool, calls: bool, as_json: bool, markdown: bool) -> None:
    if as_json:
        from connect_hierarchy_cli.plan.values import as_value

        output.write_json(as_value(plan))
    elif markdown:
        from connect_hierarchy_cli.plan.markdown import as_markdown

        output.write(as_markdown(plan))
    else:
        from connect_hierarchy_cli.plan.terminal import as_renderable

        output.show(as_renderable(plan, everything=everything, calls=calls))


def _draw(plan: Plan, path: Path) -> None:
    from connect_hierarchy_cli.chart.svg import render_svg
    from connect_hierarchy_cli.plan.picture import as_picture

    for number, instance in enumerate(plan.instances):
        # usually there is one instance; pictures of others get a number
        place = path if number == 0 else path.with_stem(f"{path.stem}-{number + 1}")
        output.write_file(place, render_svg(as_picture(plan, instance)))
    if not plan.instances:
        output.tell(f"{path} is not written: nothing changes. {PROGRAM} tree --svg draws it.")
