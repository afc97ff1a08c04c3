"""A plan as Markdown, for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from connect_hierarchy_cli.plan import wording
from connect_hierarchy_cli.plan.result import GroupPlan, InstancePlan, Plan, joined
from connect_hierarchy_lambda.model.names import visible

MOST_CHARACTERS = 60_000
"""The most characters in a comment; GitHub takes 65,536."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~]|^[-+#])")
_REFERENCE = re.compile(r"(?<!\w)([@#])(?=\w)")
_NO_BREAK = "\u2060"
"""Put between `@` or `#` and a name, so that no user and no issue is mentioned."""


def as_markdown(plan: Plan) -> str:
    """The plan; lines that do not fit into a comment are counted at its end."""
    lines = [f"### {_text(wording.headline(plan))}", ""]
    if plan.refusal:
        lines += [f"> **{_text(plan.refused_by)}**: {_text(plan.refusal)}", ""]
    for instance in plan.instances:
        lines += _instance(instance)
    if plan.calls:
        rows = [[api, f"{number:,}"] for api, number in plan.calls_by_api.items()]
        lines += [*_table(["API", "calls"], rows), "", wording.time_needed(plan), ""]
    lines += _section(
        "Groups with another id",
        (f"{joined(group.path)}: {group.old_id} ends" for group in wording.new_ids(plan)),
    )
    lines += _section("Changed by hand", wording.by_hand(plan))
    lines += _section("What points at groups that go", wording.pointed_at(plan))
    lines += _section("Known after the deployment only", plan.unknown)
    lines += _section("Warnings", plan.warnings)
    return _cut(lines)


def _instance(instance: InstancePlan) -> list[str]:
    lines = []
    if instance.levels != instance.levels_before:
        before = _text(" > ".join(instance.levels_before) or "none")
        lines += [f"Levels: {before} → {_text(' > '.join(instance.levels) or 'none')}", ""]
    rows = [_row(group) for group in instance.changed]
    return [*lines, *_table(["group", "what happens"], rows), ""] if rows else lines


def _row(group: GroupPlan) -> list[str]:
    return [_text(joined(group.path)), _text(wording.what_happens(group))]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'|'.join(' --- ' for _ in head)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _section(title: str, lines: Iterable[str]) -> list[str]:
    items = [f"- {_text(line)}" for line in lines]
    return [f"**{title}**", "", *items, ""] if items else []


def _text(text: str) -> str:
    """Text with escapes for Markdown and GitHub, since anybody can choose names."""
    escaped = _SPECIAL.sub(r"\\\1", visible(text).replace("&", "&amp;"))
    return _REFERENCE.sub(rf"\1{_NO_BREAK}", escaped)


def _cut(lines: Sequence[str]) -> str:
    size, kept = 0, []
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > MOST_CHARACTERS:
            kept += ["", f"… and {len(lines) - number:,} more lines"]
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"
