"""`tree`: the hierarchy of an instance."""

from __future__ import annotations

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy tree",
        "connect-hierarchy tree my-instance --depth 2",
        "connect-hierarchy tree my-instance --json | jq '.groups[].name'",
    ),
)
@click.argument("instance", required=False, help="Id, ARN or alias of the instance.")
@click.option("--agents", is_flag=True, help="Show the user names of agents, too.")
@click.option("--depth", type=click.IntRange(min=1), help="Show so many levels.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(
    settings: Settings, instance: str | None, *, agents: bool, depth: int | None, as_json: bool
) -> None:
    """Show the hierarchy of an instance.

    INSTANCE is an id, an ARN or an alias; it can be left out where the account has only one.
    Each line has a group with its level, its agents ("2 agents of 9": two in the group itself,
    nine with those of the groups below it), and what owns it.
    """
    from connect_hierarchy_cli import drawing
    from connect_hierarchy_cli.instances import find_instance
    from connect_hierarchy_cli.prompts import choose_instance
    from connect_hierarchy_cli.session import Session
    from connect_hierarchy_cli.world import read_world

    session, found = find_instance(Session(settings), instance, choose_instance)
    with output.reading_progress() as progress:
        world = read_world(session.connect(progress), found)
    if as_json:
        output.write_json(drawing.as_value(world))
    else:
        output.show(drawing.as_tree(world, depth=depth, usernames=agents))
