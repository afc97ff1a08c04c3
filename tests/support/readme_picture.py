"""The picture of the README: what the demo's reorganisation does to the sample organisation.

Run as a program, it writes the picture anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from connect_hierarchy_cli.chart.hierarchy import Change, Group, Hierarchy, Mark
from connect_hierarchy_cli.chart.svg import render_svg
from connect_hierarchy_lambda.model.tree import Node, read_tree
from connect_hierarchy_tree_files import read_tree_file

REPOSITORY = Path(__file__).parents[2]
PICTURE = REPOSITORY / "docs" / "_static" / "reorganisation.svg"

_INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/11111111-2222-3333-4444-555555555555"
)
_LEVELS = ("Division", "Team", "Desk", "Shift")
_AGENTS = {"Support/Chat": ("ada", "linus"), "Support/Phones/First line": ("grace", "hedy")}


def picture() -> str:
    """The SVG, from the files that the demo deploys one after the other."""
    before, after = (_nodes(f"step-{step}.yaml") for step in (1, 2))
    return render_svg(
        Hierarchy(
            _INSTANCE_ARN,
            instance_alias="organisation/step-2.yaml",
            levels=_LEVELS,
            groups=tuple(_groups(before, after)),
        )
    )


def _nodes(name: str) -> Mapping[str, Node]:
    file = read_tree_file(REPOSITORY / "organisation" / name)
    return {node.key: node for node in read_tree(file.groups).nodes}


def _groups(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[Group]:
    for key, node in after.items():
        yield Group(
            id=key,
            name=node.name,
            level=len(node.path),
            parent_id=node.parent,
            agents=_AGENTS.get(key, ()),
            marks=tuple(_marks(before.get(key), node)),
        )


def _marks(old: Node | None, new: Node) -> Iterator[Mark]:
    if old is None:
        yield Mark(Change.ADDED)
        return
    if old.parent != new.parent:
        agents = len(_AGENTS.get(new.key, ()))
        yield Mark(Change.MOVED, " / ".join(old.path[:-1]), f"{agents} agents follow")
    if old.name != new.name:
        yield Mark(Change.RENAMED, old.name, "same id")


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
