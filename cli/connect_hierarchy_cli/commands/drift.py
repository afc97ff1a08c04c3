"""`drift`: what was changed by hand since a stack was deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.errors import EXIT_CHANGES, EXIT_SUCCESS
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings

if TYPE_CHECKING:
    from rich.text import Text

    from connect_hierarchy_cli.drifting import Drift

_LABEL_WIDTH = 12


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy drift --stack ContactCentre",
        "connect-hierarchy drift --stack ContactCentre --repair",
        "connect-hierarchy drift --stack ContactCentre --json | jq '.differences[].path'",
    ),
)
@click.option("--stack", required=True, metavar="NAME", help="Name or ARN of the stack.")
@click.option("--repair", is_flag=True, help="Have the stack's function restore what was deployed.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(settings: Settings, stack: str, *, repair: bool, as_json: bool) -> int:
    """Show what was changed by hand since a stack was deployed.

    Compares the stack's ledger with Amazon Connect: groups that were renamed, moved, deleted or
    re-tagged, levels that were changed, groups that a deployment had to leave behind, and groups
    with the stack's owner tags that the stack does not know. The exit code is 0 if nothing differs,
    2 if something does, and 1 for an error.

    With --repair, the stack's function restores names, tags, places and levels to the last
    deployment, without a change of the template. Differences that it leaves are shown as before.
    """
    from connect_hierarchy_cli import drifting
    from connect_hierarchy_cli.session import Session
    from connect_hierarchy_cli.stacks import find_stack

    found = find_stack(Session(settings), stack)
    if repair:
        output.tell(f"the function of {found.name} compares and repairs; this can take minutes")
        drift = drifting.repair(found)
    else:
        with output.reading_progress() as progress:
            drift = drifting.find_drift(found, progress)
    if as_json:
        output.write_json(_as_value(found.name, drift))
    else:
        output.show(_as_text(found.name, drift))
    return EXIT_CHANGES if drift.left or drift.goes_on else EXIT_SUCCESS


def _as_value(stack: str, drift: Drift) -> dict[str, object]:
    from dataclasses import asdict

    from connect_hierarchy_cli.drifting import remedy

    differences = [
        asdict(one)
        | {"repaired": one in drift.repaired}
        | ({} if one in drift.repaired else {"remedy": remedy(one, stack)})
        for one in drift.differences
    ]
    return {
        "stack": stack,
        "differences": differences,
        "failures": dict(drift.failures),
        "goes_on": drift.goes_on,
    }


def _as_text(stack: str, drift: Drift) -> Text:
    from rich.text import Text

    from connect_hierarchy_cli.drifting import remedy, sentence
    from connect_hierarchy_lambda.model.messages import printable

    text = Text()
    for one in drift.differences:
        is_repaired = one in drift.repaired
        label = "repaired" if is_repaired else one.kind.lower()
        text.append(f"{label:{_LABEL_WIDTH}}", "green" if is_repaired else "yellow")
        text.append(f"{printable(one.path)} ", "bold")
        text.append(f"{printable(sentence(one, is_over=is_repaired))}\n")
        if one.resource in drift.failures and not is_repaired:
            text.append(
                f"{'':{_LABEL_WIDTH}}not repaired: {printable(drift.failures[one.resource])}\n",
                "red",
            )
        if not is_repaired:
            text.append(f"{'':{_LABEL_WIDTH}}{remedy(one, stack)}\n", "dim")
    text.append(_summary(stack, drift))
    return text


def _summary(stack: str, drift: Drift) -> str:
    left, repaired = len(drift.left), len(drift.repaired)
    if not drift.differences:
        return f"{stack}: everything is as it was deployed"
    parts = [f"{repaired} repaired"] if repaired else []
    if drift.goes_on:
        parts.append("the function repairs the rest in further runs")
    elif left or not repaired:
        parts.append(f"{left} difference{'' if left == 1 else 's'}")
    return f"{stack}: {', '.join(parts)}"
