"""`completion`: the script with which a shell completes commands, options and files."""

from __future__ import annotations

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.options import Command
from connect_hierarchy_cli.settings import PROGRAM

_VARIABLE = f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE"
"""The variable by which click is asked for completions."""


@click.command(
    cls=Command,
    examples=(
        "echo 'eval \"$(connect-hierarchy completion bash)\"' >> ~/.bashrc",
        "echo 'eval \"$(connect-hierarchy completion zsh)\"' >> ~/.zshrc",
        "connect-hierarchy completion fish > ~/.config/fish/completions/connect-hierarchy.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), help="The shell.")
def command(shell: str) -> None:
    """Write the completion for bash, zsh or fish.

    For zsh, run compinit first.
    """
    from click.shell_completion import get_completion_class

    from connect_hierarchy_cli.application import application

    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"{shell} is not known")
    output.write(completion(application, {}, PROGRAM, _VARIABLE).source() + "\n")
