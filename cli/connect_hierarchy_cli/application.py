"""The command with its subcommands, of which each is imported only when it is called."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import click

from connect_hierarchy_cli.options import shared_options, write_examples, write_options


@dataclass(frozen=True)
class Listed:
    """A subcommand as the help of the whole shows it, without importing it."""

    name: str
    section: str
    summary: str
    """The first sentence of the command's own help."""


SEE = "See"
FILES = "Write and check files"
CHANGE = "Plan and change"
OPERATE = "Operate"

COMMANDS = (
    Listed("tree", SEE, "Show the hierarchy of an instance."),
    Listed("plan", CHANGE, "Show what a deployment will do."),
)
"""The subcommands, in the order of the help."""

_EXAMPLES = (
    "connect-hierarchy tree",
    "connect-hierarchy tree my-instance --json",
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
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands by what they are for, then the options."""
        for section in dict.fromkeys(listed.section for listed in COMMANDS):
            with formatter.section(section):
                formatter.write_dl(
                    [(one.name, one.summary) for one in COMMANDS if one.section == section]
                )
        write_options(formatter, ctx, "Options", self.get_params(ctx))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Show examples."""
        write_examples(formatter, _EXAMPLES)


@click.command(
    cls=Application,
    params=shared_options(),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="cdk-connect-hierarchy", prog_name="connect-hierarchy")
@click.pass_context
def application(context: click.Context) -> None:
    """See, check and change agent hierarchies of Amazon Connect."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
