"""`export`: an instance as the file of a tree, or as a CDK app."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings

if TYPE_CHECKING:
    from connect_hierarchy_cli.exporting import Export
    from connect_hierarchy_cli.world import World
    from connect_hierarchy_tree_files.writer import TreeFormat

_FORMATS = ("yaml", "json", "csv")
_SHOWN = 5


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy export my-instance --output organisation.yaml",
        "connect-hierarchy export my-instance --format csv > organisation.csv",
        "connect-hierarchy export my-instance --cdk my-app",
    ),
)
@click.argument("instance", required=False, help="Id, ARN or alias of the instance.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    help="The format; by default that of the name of --output, or YAML.",
)
@click.option(
    "--output",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File to write in place of standard output.",
)
@click.option(
    "--cdk",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a CDK app that adopts the hierarchy, into an empty or a new folder.",
)
@click.option(
    "--inherit-tags",
    is_flag=True,
    help="Write also tags that groups below lack; these groups then get them.",
)
@click.pass_obj
def command(
    settings: Settings,
    instance: str | None,
    *,
    kind: str | None,
    file: Path | None,
    folder: Path | None,
    inherit_tags: bool,
) -> None:
    """Write the hierarchy of an instance as the file of a tree.

    The file has the groups with their tags, and a key for each, by which it is known when its name
    or place in the file changes. Deploying it with adopt_existing=True changes nothing but the tags
    that say who owns a group.

    With --cdk, the command writes a CDK app that can be deployed as it is: app.py, cdk.json,
    requirements.txt and the file. Its function uses --requests-per-second, too.
    """
    from connect_hierarchy_cli.exporting import export_of
    from connect_hierarchy_cli.instances import find_instance
    from connect_hierarchy_cli.prompts import choose_instance
    from connect_hierarchy_cli.session import Session
    from connect_hierarchy_cli.world import read_world

    if folder is not None:
        _check_folder(folder, file, settings)
    wanted = _format(kind, file)
    session, found = find_instance(Session(settings), instance, choose_instance)
    with output.reading_progress() as progress:
        world = read_world(session.connect(progress), found, agents=False)
    export = export_of(world, inherit_tags=inherit_tags)
    if folder is not None:
        _write_app(world, export, wanted, folder, settings)
    else:
        _write_tree(world, export, wanted, file)
    _tell(export)


def _format(kind: str | None, file: Path | None) -> TreeFormat:
    from connect_hierarchy_tree_files.writer import TreeFormat

    ending = "" if file is None else file.suffix.lower().removeprefix(".").replace("yml", "yaml")
    if kind is not None and ending in _FORMATS and kind != ending:
        raise click.UsageError(f"--format is {kind}, and the name of --output ends in .{ending}")
    return TreeFormat(kind or (ending if ending in _FORMATS else "yaml"))


def _check_folder(folder: Path, file: Path | None, settings: Settings) -> None:
    if file is not None:
        raise click.UsageError("--output and --cdk cannot be used together")
    if folder.is_dir() and any(folder.iterdir()):
        again = settings.again("--cdk", f"{folder}-new", without=("--cdk",))
        raise CommandError(f"folder '{folder}' is not empty: give another one", again)


def _write_tree(world: World, export: Export, kind: TreeFormat, file: Path | None) -> None:
    from connect_hierarchy_tree_files.writer import written_tree

    comments = [f"The groups of {world.instance.label}, {world.instance.arn}."]
    text = written_tree(export.groups, kind, levels=world.levels, comments=comments)
    if file is None:
        output.write(text)
        return
    output.write_file(file, text)
    output.tell(f"{file}: {len(world.groups)} groups")


def _write_app(
    world: World, export: Export, kind: TreeFormat, folder: Path, settings: Settings
) -> None:
    from connect_hierarchy_cli.cdk_app import cdk_app

    rate = settings.requests_per_second
    files = cdk_app(world, export, kind, requests_per_second=rate)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        output.write_file(folder / name, text)
    output.tell(f"{folder}: {', '.join(files)}, with {len(world.groups)} groups")
    output.tell(
        f"Next:  cd {shlex.quote(str(folder))} && pip install -r requirements.txt && cdk deploy"
    )


def _tell(export: Export) -> None:
    """Name what the file does not have, and what a deployment will refuse."""
    if export.left_out:
        _tell_some(
            "left out, since groups below lack them (they stay as they are; or use --inherit-tags)",
            [f"tag {one.tag} of {one.path}" for one in export.left_out],
        )
    if export.unknown_keys:
        _tell_some("with a key in their tree that only its file has", export.unknown_keys)
    if export.owners:
        _tell_some(
            "owned by a stack, so that another stack does not adopt them",
            [f"{number} groups of {stack}" for stack, number in export.owners.items()],
        )
    if export.problems:
        _tell_some("to be renamed before a deployment", export.problems)


def _tell_some(what: str, things: Sequence[str]) -> None:
    shown = "; ".join(things[:_SHOWN])
    more = len(things) - _SHOWN
    output.tell(f"Note:  {what}: {shown}" + (f"; and {more} more" if more > 0 else ""))
