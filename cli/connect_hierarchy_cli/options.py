"""The options that all commands share, before or after the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from connect_hierarchy_cli.settings import Settings


class SharedOption(click.Option):
    """An option whose value goes into the settings rather than to the command."""

    def __init__(self, *names: str, **attributes: Any) -> None:
        super().__init__(list(names), expose_value=False, callback=_remember, **attributes)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    # the option after the command wins over the one before it, which was read first
    if value is not None and value is not False and parameter.name is not None:
        setattr(context.ensure_object(Settings), parameter.name, value)


def _debug() -> list[click.Parameter]:
    return [SharedOption("--debug", is_flag=True, help="Show where an error comes from.")]


def _connection() -> list[click.Parameter]:
    return [
        SharedOption("--profile", metavar="NAME", help="Profile of the AWS CLI to use."),
        SharedOption("--region", metavar="REGION", help="AWS Region to use."),
        SharedOption("--endpoint-url", metavar="URL", help="Address to call in place of AWS's."),
        SharedOption(
            "--requests-per-second",
            metavar="RATE",
            type=click.FloatRange(min=0, min_open=True),
            help="Requests that each API of Amazon Connect takes; 2 if your quota was not raised.",
        ),
    ]


class Command(click.Command):
    """A subcommand with examples; this class is for one that does not need AWS.

    Args:
        examples: Command lines, which the help shows at its end.
        arguments: As click's.
        attributes: As click's.
    """

    shared: Callable[[], list[click.Parameter]] = staticmethod(_debug)

    def __init__(self, *arguments: Any, examples: Sequence[str], **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.examples = examples
        self.params += self.shared()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the command's own options, then the shared ones."""
        params = self.get_params(ctx)
        shared = [param for param in params if isinstance(param, SharedOption)]
        own = [param for param in params if param not in shared and isinstance(param, click.Option)]
        write_options(formatter, ctx, "Options", own)
        write_options(formatter, ctx, "Options of all commands", shared)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Show the examples."""
        write_examples(formatter, self.examples)


class ConnectedCommand(Command):
    """A subcommand that talks to AWS: the options of the connection may follow it, too."""

    shared = staticmethod(lambda: shared_options())  # noqa: PLW0108 - defined below


def shared_options() -> list[click.Parameter]:
    """All shared options, for use before the command."""
    return [*_connection(), *_debug()]


def write_options(
    formatter: click.HelpFormatter,
    context: click.Context,
    title: str,
    params: Sequence[click.Parameter],
) -> None:
    """Write a section of options into a help text."""
    records = [record for param in params if (record := param.get_help_record(context))]
    if records:
        with formatter.section(title):
            formatter.write_dl(records)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Write a section of command lines into a help text, one on each line."""
    with formatter.section("Examples"):
        for example in examples:
            formatter.write(f"{'':{formatter.current_indent}}{example}\n")
