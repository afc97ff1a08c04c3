"""The differences between a stack's ledger and Amazon Connect, and their repair."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.pacing import Observer
from connect_hierarchy_cli.settings import PROGRAM
from connect_hierarchy_cli.stacks import DeployedStack
from connect_hierarchy_lambda.core.drift import Difference, Kind, Seen
from connect_hierarchy_lambda.core.facts import LookAt, Question, ReadTemplate
from connect_hierarchy_lambda.engine.calls import answer
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import STACK_TAG
from connect_hierarchy_lambda.model.properties import DRIFT_CHECK, DriftCheckProperty
from connect_hierarchy_lambda.ports.calls import NOT_FOUND, Refusal
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.ledger import Ledger

_MARGIN_SECONDS = 30
_SHOWN = 120
"""How many characters of a name or of tags a line shows."""


@dataclass(frozen=True)
class Drift:
    """The differences, and for a repair its outcome."""

    differences: tuple[Difference, ...] = ()
    repaired: frozenset[Difference] = frozenset()
    failures: Mapping[str, str] = field(default_factory=dict)
    """Why a resource was not repaired, by its logical id."""

    goes_on: bool = False
    """Whether the function repairs the rest in further runs."""

    @property
    def left(self) -> tuple[Difference, ...]:
        """The differences that are left."""
        return tuple(one for one in self.differences if one not in self.repaired)


def find_drift(stack: DeployedStack, observer: Observer | None = None) -> Drift:
    """Compare the ledger with Amazon Connect; nothing is changed.

    Args:
        stack: The stack.
        observer: Hears of each answer, for progress bars.

    Raises:
        CommandError: If the stack is being deployed, or has nothing to compare.
    """
    _check_at_rest(stack)
    ledger = stack.ledger
    seen = seen_by(ledger, stack.owner, stack.declared, stack.session.connect(observer))
    return Drift(seen.differences)


def seen_by(ledger: Ledger, stack: str, declared: Mapping[str, Any], connect: Connect) -> Seen:
    """Ask everything that a comparison of a ledger with Amazon Connect rests on.

    Args:
        ledger: What the stack knows.
        stack: `<stack name>/<uuid>`.
        declared: The resources of its template, by logical id.
        connect: Answers.
    """
    seen = Seen(stack, ledger.records(), ledger.entries(), ledger.last_wishes())
    while questions := seen.questions:
        for question in questions:
            seen.facts.answers[question] = _answer(declared, connect, question)
    return seen


def repair(stack: DeployedStack) -> Drift:
    """Let the stack's function restore what it wished last, and wait for it.

    Raises:
        CommandError: If the function fails, or the stack is being deployed.
    """
    _check_at_rest(stack)
    wanted = {DriftCheckProperty.STACK_ID.value: stack.id, DriftCheckProperty.REPAIR.value: True}
    client = stack.session.waiting_client("lambda", stack.function.timeout + _MARGIN_SECONDS)
    answered = client.invoke(
        FunctionName=stack.function.arn, Payload=json.dumps({DRIFT_CHECK: wanted}).encode()
    )
    report: Any = json.loads(answered["Payload"].read() or b"null")
    if not isinstance(report, dict) or "differences" not in report:
        why = report.get("errorMessage") if isinstance(report, dict) else None
        raise CommandError(
            f"the function of stack {stack.name} gave no report: "
            f"{why or 'it is of an older release, deploy once'}",
            f"aws logs tail --since 1h {shlex.quote(stack.function.log_group)}",
        )
    if why := report["skipped"] or report["error"]:
        raise CommandError(why, f"{PROGRAM} drift --stack {stack.name}")
    found = [(_difference(one), bool(one["repaired"])) for one in report["differences"]]
    return Drift(
        tuple(difference for difference, _ in found),
        frozenset(difference for difference, is_repaired in found if is_repaired),
        report["failures"],
        goes_on=report["unfinished"],
    )


_REMEDIES: Mapping[Kind, str] = {
    Kind.RENAMED: "{repair} restores the name; or change the name in the app and deploy",
    Kind.MOVED: "{repair} moves it and its agents back, with a new id; or move it in the app",
    Kind.DELETED: "{repair} creates it again, with a new id; or remove it from the app and deploy",
    Kind.RETAGGED: "{repair} sets the tags again; or change the tags in the app and deploy",
    Kind.LEVEL: "{repair} writes the level again; or change levels in the app and deploy",
    Kind.TAKEN: f"if that is right, remove it from this app; if not, untag {STACK_TAG} and repair",
    Kind.LEFT: "move its agents and child groups away, then delete it in Amazon Connect",
    Kind.UNRECORDED: "delete it in Amazon Connect, or remove its connect-hierarchy tags to keep it",
}


def remedy(difference: Difference, stack: str) -> str:
    """The remedy for a difference, in one line."""
    return _REMEDIES[difference.kind].format(repair=f"{PROGRAM} drift --stack {stack} --repair")


def sentence(difference: Difference, *, is_over: bool = False) -> str:
    """A difference in one line, in the past tense if it was repaired."""
    was, now = quoted(difference.was, _SHOWN), quoted(difference.now, _SHOWN)
    verb, had = ("was", "had") if is_over else ("is", "has")
    return {
        Kind.RENAMED: f"{verb} called {now}",
        Kind.MOVED: f"{verb} gone, a group with its owner tags stood at {now}",
        Kind.DELETED: f"{verb} gone",
        Kind.RETAGGED: f"{had} {now} instead of {was}",
        Kind.LEVEL: f"{verb} {f'called {now}' if difference.now else 'gone'} instead of {was}",
        Kind.TAKEN: f"has the owner tags of stack {now}",
        Kind.LEFT: f"had to stay: {difference.now}",
        Kind.UNRECORDED: "has the owner tags of this stack, which does not know it",
    }[difference.kind]


def _check_at_rest(stack: DeployedStack) -> None:
    if stack.status.endswith("_IN_PROGRESS"):
        raise CommandError(
            f"stack {stack.name} is {stack.status}: half a deployment looks like drift",
            f"aws cloudformation describe-stacks --stack-name {stack.name}",
        )


def _answer(declared: Mapping[str, Any], connect: Connect, question: Question) -> Any:
    if isinstance(question, ReadTemplate):
        return declared
    try:
        return answer(connect, question)
    except Refusal as refusal:
        if isinstance(question, LookAt) and refusal.code == NOT_FOUND:
            return None
        raise


def _difference(fields: Mapping[str, Any]) -> Difference:
    known = {name: fields[name] for name in Difference.__dataclass_fields__}
    return Difference(**known | {"kind": Kind(known["kind"])})
