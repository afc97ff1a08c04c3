"""The pages about everyday changes, played: their files are deployed one after the other.

Run as a program, it writes into the pages what `plan` says before each deployment.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from rich.console import Console

from connect_hierarchy import HierarchyStructure, HierarchyTree
from connect_hierarchy_cli.plan.result import Plan
from connect_hierarchy_cli.plan.terminal import as_renderable
from tests.support.constructs_fixtures import INSTANCE_ARN
from tests.support.deployments import LEVELS
from tests.support.pages import REPOSITORY, Page
from tests.support.planning import planned
from tests.support.stacks import Site

FOLDER = REPOSITORY / "docs" / "changes"
CHANGES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "index")

_TABLE = re.compile(r"\| Before \| After \|.*\n\|[-|]+\|\n((?:\|.*\n)+)")
_PLAN = re.compile(r"^% plan: (\S+) (\S+)\n(?:\n?```text\n(.*?)```\n)?", re.MULTILINE | re.DOTALL)
_POLICY = re.compile(r"AgentsOnDelete\.([A-Z_]+)")
_WIDTH = 84


@dataclass
class Played:
    """What the deployments of a page have done."""

    before: Mapping[str, str]
    """The ids by paths, after the first deployment."""

    site: Site
    plans: list[str] = field(default_factory=list)
    """What `plan` says before each deployment but the first."""

    def agents(self, old: str) -> list[str]:
        """The paths of the groups in which the agent of a group is now."""
        return [path for path, names in self.site.agents.items() if f"agent of {old}" in names]


def page_of(change: str) -> Path:
    """The page about a change."""
    return FOLDER / f"{change}.md"


def table_of(change: str) -> list[list[str]]:
    """The rows of the table that says what becomes of each group."""
    rows = _TABLE.search(page_of(change).read_text(encoding="utf-8"))
    assert rows is not None
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows[1].splitlines()]


def plans_of(change: str) -> list[str]:
    """The plans that the page shows."""
    return [shown for _, _, shown in _PLAN.findall(page_of(change).read_text(encoding="utf-8"))]


def play(change: str, folder: Path) -> Played:
    """Deploy the files of a page, with an agent in each group of the first one."""
    text = page_of(change).read_text(encoding="utf-8")
    Page(page_of(change), folder).try_out()
    steps = [(before, after) for before, after, _ in _PLAN.findall(text)]
    policy = _POLICY.search(text)
    site = Site()

    def resources(name: str) -> Mapping[str, Any]:
        groups = _groups(folder / name)
        tree = site.tree(*groups, AgentsOnDelete=policy[1] if policy else "FAIL")
        return {"Structure": site.structure(*LEVELS), "Organisation": tree}

    stack = site.up(resources(steps[0][0]))
    assert stack.status == "CREATE_COMPLETE"
    played = Played(dict(site.ids), site)
    for path in played.before:
        site.hire(f"agent of {path}", *path.split("/"))
    for _, after in steps:
        site.clock.sleep(1000)
        played.plans.append(_shown(planned(site, resources(after), stack), site))
        stack = site.up(resources(after))
        assert stack.status == "UPDATE_COMPLETE"
    return played


def _groups(path: Path) -> Sequence[Any]:
    """The groups of a file as the constructs write them into a template."""
    app = App(analytics_reporting=False, context={"aws:cdk:bundling-stacks": []})
    stack = Stack(app, "Change")
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=list(LEVELS)
    )
    HierarchyTree.from_file(stack, "Tree", path, structure=structure)
    resources = app.synth().get_stack_by_name("Change").template["Resources"].values()
    (tree,) = [r for r in resources if r["Type"] == "Custom::ConnectHierarchyTree"]
    groups: Sequence[Any] = tree["Properties"]["Groups"]
    return groups


def _shown(plan: Plan, site: Site) -> str:
    """A plan in a terminal, with the names that the pages have for stack and instance."""
    output = io.StringIO()
    console = Console(file=output, width=_WIDTH, color_system=None, force_terminal=False)
    console.print(as_renderable(plan, everything=False, calls=False))
    text = output.getvalue().replace(site.instance_id, "my-instance")
    text = re.sub(r"^site:", "ContactCentre:", text)
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


def _write(change: str, plans: Sequence[str]) -> None:
    left = iter(plans)
    text = _PLAN.sub(
        lambda found: f"% plan: {found[1]} {found[2]}\n\n```text\n{next(left)}```\n",
        page_of(change).read_text(encoding="utf-8"),
    )
    page_of(change).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for one in CHANGES:
        with tempfile.TemporaryDirectory() as temporary:
            _write(one, play(one, Path(temporary)).plans)
