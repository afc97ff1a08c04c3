"""`validate`: checks tree files as synth does, and shows all errors at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.errors import EXIT_ERROR, EXIT_SUCCESS
from connect_hierarchy_cli.options import Command
from connect_hierarchy_lambda.model.limits import DEFAULT_GROUP_QUOTA, MAX_LEVELS


@click.command(
    cls=Command,
    examples=(
        "connect-hierarchy validate organisation.yaml",
        "connect-hierarchy validate --levels 3 organisation.yaml teams.csv",
        "connect-hierarchy validate --json organisation.yaml | jq '.[].line'",
    ),
)
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    help="Files that end in .yaml, .yml, .json or .csv.",
)
@click.option(
    "--levels",
    type=click.IntRange(1, MAX_LEVELS),
    help="Number of levels that the structure has.",
)
@click.option(
    "--group-quota",
    type=click.IntRange(min=1),
    default=DEFAULT_GROUP_QUOTA,
    show_default=True,
    help="Number of groups that the instance may have.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(files: Sequence[Path], *, levels: int | None, group_quota: int, as_json: bool) -> int:
    """Check files of trees as a synth does, without a CDK app.

    Every error is shown, with its file, line and column. The exit code is 1 if there is any.
    """
    from connect_hierarchy_cli.validation import validate_file

    validated = {
        path: validate_file(path, levels=levels, group_quota=group_quota) for path in files
    }
    errors = [error for one in validated.values() for error in one.errors]
    if as_json:
        output.write_json(
            [
                {
                    "file": str(error.file),
                    "line": error.position and error.position.line,
                    "column": error.position and error.position.column,
                    "group": error.group or None,
                    "error": error.what,
                }
                for error in errors
            ]
        )
    else:
        for error in errors:
            output.write(f"{error}\n")
        for path, one in validated.items():
            if not one.errors:
                output.write(f"{path}: {len(one.tree.nodes)} groups, no errors\n")
    return EXIT_ERROR if errors else EXIT_SUCCESS
