"""Questions to the person at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from connect_hierarchy_cli.instances import Instance


def choose_instance(instances: Sequence[Instance]) -> Instance | None:
    """Ask which instance is meant; None if there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    for number, instance in enumerate(instances, start=1):
        click.echo(f"{number:>3}  {instance.label}  {instance.id}", err=True)
    number = click.prompt(
        "Which instance", type=click.IntRange(1, len(instances)), default=1, err=True
    )
    return instances[int(number) - 1]
