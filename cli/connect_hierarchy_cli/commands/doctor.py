"""`doctor`: finds what will go wrong with a stack."""

from __future__ import annotations

import click

from connect_hierarchy_cli import output
from connect_hierarchy_cli.errors import EXIT_CHANGES, EXIT_ERROR, EXIT_SUCCESS
from connect_hierarchy_cli.options import ConnectedCommand
from connect_hierarchy_cli.settings import Settings


@click.command(
    cls=ConnectedCommand,
    examples=(
        "connect-hierarchy doctor --stack ContactCentre",
        "connect-hierarchy doctor --stack ContactCentre --json | jq '.[].why'",
    ),
)
@click.option("--stack", required=True, metavar="NAME", help="Name or ARN of the stack.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(settings: Settings, stack: str, *, as_json: bool) -> int:
    """Show what will go wrong with a stack, and what to do about it.

    Looks at the stack's status, the quota of groups that is left in its instances, their other
    Region if they are replicated, the permissions of the function's role, groups that a deployment
    left behind, backups of the ledger, the function's runtime and the Node.js of this machine.
    The exit code is 0 if all is well, 2 if there are only warnings, and 1 for a problem or an
    error.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from connect_hierarchy_cli.examination import Verdict, examine
    from connect_hierarchy_cli.session import Session
    from connect_hierarchy_cli.stacks import find_stack
    from connect_hierarchy_lambda.ports.time import SystemClock

    now = (settings.clock or SystemClock()).now()
    found = find_stack(Session(settings), stack)
    findings = []
    for finding in examine(found, datetime.fromtimestamp(now, UTC).date()):
        findings.append(finding)
        if not as_json:
            _show(finding.verdict, finding.about, finding.why, finding.remedy)
    if as_json:
        output.write_json([asdict(finding) for finding in findings])
    verdicts = {finding.verdict for finding in findings}
    if Verdict.PROBLEM in verdicts:
        return EXIT_ERROR
    return EXIT_CHANGES if Verdict.WARNING in verdicts else EXIT_SUCCESS


def _show(verdict: str, about: str, why: str, remedy: str) -> None:
    from rich.text import Text

    from connect_hierarchy_lambda.model.messages import printable

    styles = {"ok": "green", "warning": "yellow", "problem": "bold red"}
    text = Text()
    text.append(f"{verdict:8}", styles[verdict])
    text.append(f" {printable(about)}: ", "bold")
    text.append(printable(why))
    if remedy:
        text.append(f"\n         {printable(remedy)}", "dim")
    output.show(text)
