"""A CDK app around an exported hierarchy, which deploys as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.exporting import Export
from connect_hierarchy_cli.settings import PROGRAM
from connect_hierarchy_cli.world import World
from connect_hierarchy_lambda.model.declaring import as_declared
from connect_hierarchy_lambda.model.limits import DEFAULT_GROUP_QUOTA
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.tree import read_tree
from connect_hierarchy_tree_files.checks import MAX_EVENT_BYTES
from connect_hierarchy_tree_files.writer import TreeFormat, written_tree

_DISTRIBUTION = "cdk-connect-hierarchy"
_LONGEST_STACK_NAME = 128
_MOST_OF_AN_EVENT = 0.45
"""An Update brings the tree twice, and the tree is to grow."""

_APP = '''\
"""The agent hierarchy of {label}, as `{program} export` found it.

The first deployment adopts what is there: it adds the tags that say who owns a group, and changes
nothing else. `adopt_existing` can go once it is done; the groups are then the stack's own.
"""

from pathlib import Path

from aws_cdk import App, Environment, Stack
from connect_hierarchy import {imports}

FOLDER = Path(__file__).parent

app = App()
stack = Stack(
    app,
    {stack},
    env=Environment(account={account}, region={region}),
)
{provider}structure = HierarchyStructure(
    stack,
    "Structure",
    instance_arn={arn},
    levels={levels},
    adopt_existing=True,{quota}
)
{trees}app.synth()
'''

_TREE = """\
HierarchyTree.from_file(
    stack,
    {id},
    FOLDER / {file},
    structure=structure,
    adopt_existing=True,
)
"""

_PROVIDER = """\
HierarchyProvider(
    stack,
    "Provider",
    requests_per_second={rate:g},
    burst={burst:g},
)
"""


def cdk_app(
    world: World,
    export: Export,
    kind: TreeFormat,
    *,
    requests_per_second: float | None = None,
) -> dict[str, str]:
    """The files of the app by their names.

    Args:
        world: The instance.
        export: Its groups.
        kind: How the groups are written.
        requests_per_second: What the account's APIs take, where the quota was raised.

    Raises:
        CommandError: For an instance that no structure or tree can stand for.
    """
    _check(world, export)
    parts = list(_parts(export.groups))
    names = [f"organisation{'' if n == 1 else f'-{n}'}.{kind}" for n in range(1, len(parts) + 1)]
    instance = world.instance
    trees = "".join(
        _TREE.format(id=_literal(f"Organisation{'' if n == 1 else n}"), file=_literal(name))
        for n, name in enumerate(names, start=1)
    )
    provider, imports = "", ["HierarchyStructure", *(["HierarchyTree"] if parts else [])]
    if requests_per_second is not None:
        imports.insert(0, "HierarchyProvider")
        burst = max(1.0, requests_per_second * 2.5)
        provider = _PROVIDER.format(rate=requests_per_second, burst=burst)
    app = _APP.format(
        label=instance.label.replace("\\", "").replace('"', ""),
        program=PROGRAM,
        imports=", ".join(imports),
        stack=_literal(_stack_name(instance.label)),
        account=_literal(instance.account),
        region=_literal(instance.region),
        provider=provider,
        arn=_literal(instance.arn),
        levels=json.dumps(list(world.levels), ensure_ascii=False),
        quota=_quota(len(world.groups)),
        trees=trees,
    )
    comments = [f"The groups of {instance.label}, {instance.arn}."]
    files = {
        name: written_tree(part, kind, levels=world.levels, comments=comments)
        for name, part in zip(names, parts, strict=True)
    }
    return {
        "app.py": app,
        "cdk.json": json.dumps({"app": "python app.py"}, indent=2) + "\n",
        "requirements.txt": f"{_requirement()}\n",
        **files,
    }


def _check(world: World, export: Export) -> None:
    if not world.levels:
        raise CommandError(
            f"instance {world.instance.label} has no levels, so there is nothing to adopt",
            f"{PROGRAM} tree {world.instance.label}",
        )
    if not all(world.levels):
        raise CommandError(
            f"level {world.levels.index('') + 1} of instance {world.instance.label} has no name, "
            "which no structure can have: name it in the console",
            f"{PROGRAM} tree {world.instance.label}",
        )
    if export.problems:
        more = f" (and {len(export.problems) - 1} more)" if len(export.problems) > 1 else ""
        raise CommandError(
            f"the app could not be deployed, rename in the console first: "
            f"{export.problems[0]}{more}",
            f"{PROGRAM} export {world.instance.label}",
        )


def _parts(groups: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The topmost groups, so many at a time as one resource can have with what is below them."""
    room = MAX_EVENT_BYTES * _MOST_OF_AN_EVENT
    part: list[Mapping[str, Any]] = []
    size = 0
    for group in groups:
        own = len(json.dumps(as_declared(read_tree([group])), separators=(",", ":")).encode())
        if own > room:
            raise CommandError(
                f"what is below {quoted(group['name'])} is too much for one resource "
                f"({own // 1024} KB, {int(room) // 1024} are allowed): export it, and hang parts "
                "of it on others with parent=tree.group(...)",
                f"{PROGRAM} export --output organisation.yaml",
            )
        if part and size + own > room:
            yield part
            part, size = [], 0
        part.append(group)
        size += own
    if part:
        yield part


def _quota(groups: int) -> str:
    """The argument for an instance whose quota was raised."""
    if groups <= DEFAULT_GROUP_QUOTA:
        return ""
    rounded = -(-groups // 100) * 100
    return f"\n    group_quota={rounded},  # what your account has, see L-D68AAAE4"


def _stack_name(label: str) -> str:
    name = re.sub(r"[^A-Za-z0-9-]+", "-", f"Hierarchy-{label}")
    return name[:_LONGEST_STACK_NAME].rstrip("-")


def _requirement() -> str:
    try:
        return f"{_DISTRIBUTION}=={version(_DISTRIBUTION)}"
    except PackageNotFoundError:
        return _DISTRIBUTION


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
