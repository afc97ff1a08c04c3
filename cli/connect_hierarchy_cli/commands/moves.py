"""`moves`: lists every group that has another id now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMNS = ("at", "path", "old_id", "new_id", "resource", "key")


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy moves --stack ContactCentre",
        "connect-hierarchy moves --stack ContactCentre --csv > changed-ids.csv",
    ),
)
@click.option("--stack", required=True, metavar="NAME", help="Name or ARN of the stack.")
@click.option("--csv", "form", flag_value="csv", help="Write CSV, for a data warehouse.")
@click.option("--json", "form", flag_value="json", help="Write JSON.")
@click.pass_obj
def command(settings: Settings, stack: str, form: str | None) -> None:
    """Show which groups have another id now.

    A group that moves, or that is created again, gets another id, while historical reports keep the
    old one. The stack's ledger has each such change: its time, the path of the group at that time,
    the old id and the new one. The oldest is first; times are in UTC.
    """
    from connect_hierarchy_cli.session import Session
    from connect_hierarchy_cli.stacks import find_stack

    found = find_stack(Session(settings), stack)
    rows = [
        (_time(change.at), change.path, change.old_id, change.new_id, change.resource, change.key)
        for change in found.ledger.id_changes()
    ]
    if form == "csv":
        output.write(_as_csv(rows))
    elif form == "json":
        output.write_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    elif rows:
        _show(rows)
    else:
        output.tell(f"no group of stack {found.name} has changed its id")


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_csv(rows: Sequence[Sequence[str]]) -> str:
    import csv
    import io

    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *rows])
    return file.getvalue()


def _show(rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from connect_hierarchy_lambda.model.messages import printable

    table = Table("when", "path", "old id", "new id", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row[:4]))
    output.show(table)
