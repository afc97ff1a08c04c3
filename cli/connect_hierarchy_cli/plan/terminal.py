"""A plan for the terminal: a tree of the groups, then the calls and remarks."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group as Stacked
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from connect_hierarchy_cli.plan import wording
from connect_hierarchy_cli.plan.result import Change, GroupPlan, InstancePlan, Plan, joined
from connect_hierarchy_lambda.model.names import visible

_STYLES = {
    Change.ADDED: ("+", "green"),
    Change.RENAMED: ("~", "yellow"),
    Change.MOVED: (">", "cyan"),
    Change.REPLACED: ("!", "bold red"),
    Change.REMOVED: ("-", "red"),
    Change.ADOPTED: ("*", "magenta"),
    Change.RELEASED: ("o", "magenta"),
    Change.LEFT: ("!", "red"),
    Change.FOUND: ("+", "green"),
    Change.PASSED: ("=", "blue"),
    Change.TAGGED: ("~", "yellow"),
}


def as_renderable(plan: Plan, *, everything: bool = False, calls: bool = False) -> RenderableType:
    """The plan, drawn.

    Args:
        plan: What a deployment will do.
        everything: Whether unchanged groups are shown, too.
        calls: Whether each call is listed.
    """
    parts: list[RenderableType] = [_headline(plan)]
    if plan.refusal:
        parts += [Text(visible(f"{plan.refused_by}: {plan.refusal}"), style="red")]
        done = "What would be done before it:" if plan.calls else "Nothing would be done before it."
        parts += [Text(done)]
    if plan.changes_anything:
        parts += [_tree(one, everything=everything) for one in plan.instances]
    if plan.calls:
        parts += [Text(""), _by_api(plan)]
    if calls and plan.calls:
        parts += [Text(""), _each_call(plan)]
    parts += _section("Groups with another id", map(_new_id, wording.new_ids(plan)))
    parts += _section("Changed by hand", wording.by_hand(plan))
    parts += _section("What points at groups that go", wording.pointed_at(plan))
    parts += _section("Known after the deployment only", plan.unknown)
    parts += _section("Warnings", plan.warnings)
    return Stacked(*parts)


def _headline(plan: Plan) -> Text:
    style = "bold red" if plan.refusal else "bold"
    return Text(visible(wording.headline(plan)), style=style)


def _section(title: str, lines: Iterable[str]) -> list[RenderableType]:
    shown = [Text(f"  {visible(line)}") for line in lines]
    return [Text(""), Text(title, style="bold"), *shown] if shown else []


def _new_id(group: GroupPlan) -> str:
    return f"{joined(group.path)}: {group.old_id} ends"


def _tree(instance: InstancePlan, *, everything: bool) -> Tree:
    drawn = Tree(_title(instance))
    shown = {one.id: one for one in instance.groups}
    wanted = set(shown) if everything else _changed(instance, shown)
    branches: dict[str, Tree] = {}
    for group in instance.groups:
        if group.id in wanted:
            above = branches.get(group.parent_id or "", drawn)
            branches[group.id] = above.add(_line(group))
    hidden = len(shown) - len(wanted)
    if hidden:
        drawn.add(Text(f"… {wording.counted(hidden, 'group')} unchanged", style="dim"))
    return drawn


def _changed(instance: InstancePlan, shown: dict[str, GroupPlan]) -> set[str]:
    """The groups that change, and those above them."""
    wanted: set[str] = set()
    for group in instance.changed:
        one: GroupPlan | None = group
        while one is not None and one.id not in wanted:
            wanted.add(one.id)
            one = shown.get(one.parent_id or "")
    return wanted


def _title(instance: InstancePlan) -> Text:
    title = Text(visible(instance.alias or instance.arn.rsplit("/", 1)[-1]), style="bold")
    if instance.is_new:
        title.append("  a new instance", style="not bold green")
    levels = " > ".join(map(visible, instance.levels)) or "no levels"
    if instance.levels == instance.levels_before:
        title.append(f"  {levels}", style="not bold dim")
    else:
        before = " > ".join(map(visible, instance.levels_before)) or "none"
        title.append(f"  levels {before} → {levels}", style="not bold yellow")
    return title


def _line(group: GroupPlan) -> Text:
    if not group.changes:
        return Text(f"  {visible(group.name)}", style="dim")
    sign, style = _STYLES[group.changes[0]]
    line = Text(f"{sign} {visible(group.name)}", style=style)
    line.append(f"  {visible(wording.what_happens(group))}", style="not bold")
    return line


def _by_api(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left", show_footer=False)
    table.add_column("API")
    table.add_column("calls", justify="right")
    for api, number in plan.calls_by_api.items():
        table.add_row(api, f"{number:,}")
    table.caption = wording.time_needed(plan)
    table.caption_justify = "left"
    return table


def _each_call(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("", "call", "what", "resource"):
        table.add_column(title, justify="right" if not title else "left")
    for number, call in enumerate(plan.calls, start=1):
        resource = f"{call.resource}, clean-up" if call.is_clean_up else call.resource
        what = f"{call.what} ({call.error})" if call.error else call.what
        table.add_row(str(number), call.api, Text(visible(what)), resource)
    return table
