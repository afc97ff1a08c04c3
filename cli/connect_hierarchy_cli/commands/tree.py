"""`tree`: shows the hierarchy of an instance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings

if TYPE_CHECKING:
    from connect_hierarchy_cli.world import World


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy tree",
        "connect-hierarchy tree my-instance --depth 2",
        "connect-hierarchy tree my-instance --html hierarchy.html",
        "connect-hierarchy tree my-instance --json | jq '.groups[].name'",
    ),
)
@click.argument("instance", required=False, help="Id, ARN or alias of the instance.")
@click.option("--agents", is_flag=True, help="Show the user names of agents, too.")
@click.option("--depth", type=click.IntRange(min=1), help="Show this many levels.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a page to search and fold, in one file.",
)
@click.option(
    "--svg",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a picture for READMEs and pull requests.",
)
@click.pass_obj
def command(
    settings: Settings,
    instance: str | None,
    *,
    agents: bool,
    depth: int | None,
    as_json: bool,
    html: Path | None,
    svg: Path | None,
) -> None:
    """Show the hierarchy of an instance.

    INSTANCE is an id, an ARN or an alias; it can be left out if the account has only one. Each
    line has a group with its level, its agents ("2 agents of 9": two in the group itself, nine
    including those of the groups below it), and its owner. With --html or --svg, the terminal
    shows nothing, and the picture has the user names of all agents.
    """
    from connect_hierarchy_cli import drawing
    from connect_hierarchy_cli.instances import find_instance
    from connect_hierarchy_cli.prompts import choose_instance
    from connect_hierarchy_cli.session import Session
    from connect_hierarchy_cli.world import read_world

    session, found = find_instance(Session(settings), instance, choose_instance)
    with output.reading_progress() as progress:
        world = read_world(session.connect(progress), found)
    if html is not None or svg is not None:
        _write_pictures(world, session.clock.now(), html, svg)
    elif not as_json:
        output.show(drawing.as_tree(world, depth=depth, usernames=agents))
    if as_json:
        output.write_json(drawing.as_value(world))


def _write_pictures(world: World, now: float, html: Path | None, svg: Path | None) -> None:
    from connect_hierarchy_cli.chart.html import render_html
    from connect_hierarchy_cli.chart.svg import render_svg
    from connect_hierarchy_cli.charts import chart_of

    chart = chart_of(world, now)
    for path, render in ((html, render_html), (svg, render_svg)):
        if path is not None:
            output.write_file(path, render(chart))
            output.tell(f"{path}: {len(world.groups)} groups")
