"""The findings of a check, as JSON for programs and as Markdown for people."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fact:
    """An undocumented fact, as it was measured.

    Args:
        key: The name of the fact for programs.
        question: The question.
        answer: The answer; None if the check could not find it.
        evidence: The observation.
        switch: The switch of the local AWS for it, empty if there is none.
    """

    key: str
    question: str
    answer: str | float | bool | None
    evidence: str
    switch: str


@dataclass(frozen=True)
class Promise:
    """A promise of the documentation, and whether it was kept."""

    text: str
    kept: bool
    seen: str = ""
    """The observation, if it was not kept."""


@dataclass
class Report:
    """The complete result of a check."""

    instance_arn: str
    began: str
    """When the check began, as ISO 8601 in UTC."""

    promises: list[Promise] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What could not be removed, with the way to remove it."""

    ended_by: str = ""
    """Why the check ended early; empty if it did not."""

    @property
    def is_good(self) -> bool:
        """Whether the check was complete, every promise was kept, and nothing was left."""
        return not self.ended_by and not self.left and all(one.kept for one in self.promises)

    def as_json(self) -> str:
        """The result for programs."""
        content: dict[str, Any] = asdict(self)
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def as_markdown(self) -> str:
        """The result for people."""
        lines = ["# Check on a real instance", "", f"Instance `{self.instance_arn}`, {self.began}."]
        if self.ended_by:
            lines += ["", f"**Ended early:** {self.ended_by}"]
        if self.promises:
            lines += ["", "## Promises", "", "| promise | kept | seen |", "|---|---|---|"]
            lines += [
                f"| {_cell(one.text)} | {'yes' if one.kept else '**no**'} | {_cell(one.seen)} |"
                for one in self.promises
            ]
        if self.facts:
            lines += ["", "## What AWS does not document", ""]
            lines += ["| question | answer | seen | switch |", "|---|---|---|---|"]
            lines += [
                f"| {_cell(fact.question)} | {_cell(_answer(fact.answer))} "
                f"| {_cell(fact.evidence)} | {f'`{fact.switch}`' if fact.switch else 'none'} |"
                for fact in self.facts
            ]
        lines += ["", "## What was left", ""]
        lines += [f"- {_cell(one)}" for one in self.left] or ["Nothing."]
        return "\n".join(lines) + "\n"


def _answer(value: str | float | bool | None) -> str:  # noqa: FBT001 - an answer is one of these
    match value:
        case None:
            return "not seen"
        case bool():
            return "yes" if value else "no"
    return str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
