"""The command and its subcommands, each imported only when it is called."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from connect_hierarchy_cli.errors import OutputClosedError
from connect_hierarchy_cli.options import shared_options, write_examples, write_options
from connect_hierarchy_cli.settings import PROGRAM, Settings


@dataclass(frozen=True)
class Listed:
    """A subcommand as the main help shows it, without importing it."""

    name: str
    section: str
    summary: str
    """The first sentence of the command's own help."""


SEE = "See"
FILES = "Write and check files"
CHANGE = "Plan and change"
OPERATE = "Operate"
SET_UP = "Set up"

COMMANDS = (
    Listed("tree", SEE, "Show the hierarchy of an instance."),
    Listed("export", FILES, "Write the hierarchy of an instance as the file of a tree."),
    Listed("validate", FILES, "Check files of trees as a synth does, without a CDK app."),
    Listed("plan", CHANGE, "Show what a deployment will do."),
    Listed("agents", CHANGE, "Put agents into the groups that a file says."),
    Listed("copy", CHANGE, "Create the levels and groups of an instance in another one."),
    Listed("drift", OPERATE, "Show what was changed by hand since a stack was deployed."),
    Listed("moves", OPERATE, "Show which groups have another id now."),
    Listed("doctor", OPERATE, "Show what will go wrong with a stack, and what to do about it."),
    Listed("completion", SET_UP, "Write the completion for bash, zsh or fish."),
)
"""The subcommands, in the order of the help."""

_DISTRIBUTION = "cdk-connect-hierarchy"
_EXAMPLES = (
    "connect-hierarchy tree",
    "connect-hierarchy tree my-instance --json",
    "connect-hierarchy export my-instance --cdk my-app",
    "connect-hierarchy validate organisation.yaml",
    "connect-hierarchy drift --stack ContactCentre",
)


class Application(click.Group):
    """Subcommands in sections, each in the module of its name below `commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all subcommands, in the order of the help."""
        return [listed.name for listed in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a subcommand."""
        if cmd_name not in {listed.name for listed in COMMANDS}:
            return None
        module = import_module(f"connect_hierarchy_cli.commands.{cmd_name}")
        command: click.Command = module.command
        command.name = cmd_name
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and flush everything that it wrote."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            # click would end the program without a message
            raise OutputClosedError from error
        return result

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands by purpose, then the options."""
        for section in dict.fromkeys(listed.section for listed in COMMANDS):
            with formatter.section(section):
                formatter.write_dl(
                    [(one.name, one.summary) for one in COMMANDS if one.section == section]
                )
        write_options(formatter, ctx, "Options", self.get_params(ctx))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Show examples."""
        write_examples(formatter, _EXAMPLES)


def _show_version(context: click.Context, _: click.Parameter, wanted: object) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - takes its time

    try:
        shown = version(_DISTRIBUTION)
    except PackageNotFoundError:
        shown = "not installed, run from its source"
    click.echo(f"{PROGRAM} {shown}")
    context.exit()


@click.command(
    cls=Application,
    params=shared_options(),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def application(context: click.Context) -> None:
    """See, check and change agent hierarchies of Amazon Connect.

    Commands exit with 0 for success and with 1 for an error. Commands that compare exit with 2 if
    they found a difference.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(settings: Settings) -> int:
    """Run the command that the arguments in the settings name, and return the exit code.

    Raises:
        Exception: Any error, for `errors.tell`.
    """
    for stream in (sys.stdout, sys.stderr):
        # names can have characters that the terminal's encoding lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = application.main(
        args=list(settings.arguments), prog_name=PROGRAM, standalone_mode=False, obj=settings
    )
    return code if isinstance(code, int) else 0
