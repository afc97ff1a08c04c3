"""Everything that synth would say about the file of a tree, with line and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connect_hierarchy_lambda.model.declaring import as_declared
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import TreeProperty
from connect_hierarchy_lambda.model.tree import SEPARATOR, Problem, Tree, examine_tree
from connect_hierarchy_tree_files import examine_tree_file
from connect_hierarchy_tree_files.checks import Placement, misplaced, too_large
from connect_hierarchy_tree_files.source import Position

_QUOTED_PATH = 120


@dataclass(frozen=True)
class FileError:
    """Something that is wrong with a file."""

    file: Path
    position: Position | None
    """None where it is about the file as a whole."""

    group: str
    """The path of the group that it is about, empty for none."""

    what: str

    def __str__(self) -> str:
        where = [str(self.file)]
        if self.position is not None:
            where += [str(self.position.line), str(self.position.column)]
        about = f"in {quoted(self.group, _QUOTED_PATH)}: " if self.group else ""
        return f"{':'.join(where)}: {about}{self.what}"


@dataclass(frozen=True)
class Validated:
    """What a file has, and what is wrong with it."""

    tree: Tree
    errors: Sequence[FileError]
    """In the order of the file."""


def validate_file(path: Path, *, levels: int | None, group_quota: int | None) -> Validated:
    """Check a file as synth does.

    Args:
        path: The file.
        levels: The number of levels that the structure has, None if that is not known.
        group_quota: The number of groups that the instance may have, None if it is not known.
    """
    file = examine_tree_file(path)
    examined = examine_tree(file.groups, line_of=file.line_of)
    errors = [FileError(path, finding.position, "", finding.what) for finding in file.findings]
    names = None if levels is None else [f"level {number + 1}" for number in range(levels)]
    problems: list[Problem] = []
    if file.is_readable:
        problems = [*examined.problems, *misplaced(examined, Placement(levels=names))]
    errors += [
        FileError(path, file.position_of(one.place), SEPARATOR.join(one.path), one.why)
        for one in problems
    ]
    errors += [
        FileError(path, None, "", what) for what in _of_the_whole(examined.tree, group_quota)
    ]
    return Validated(examined.tree, sorted(errors, key=_order))


def _of_the_whole(tree: Tree, group_quota: int | None) -> Iterator[str]:
    if group_quota is not None and len(tree.nodes) > group_quota:
        yield (
            f"has {len(tree.nodes)} groups, at most {group_quota} are allowed: remove some, or "
            "have the service quota L-D68AAAE4 of Amazon Connect raised"
        )
    properties = {TreeProperty.GROUPS.value: as_declared(tree)}
    if too_big := too_large(tree, properties):
        yield too_big


def _order(error: FileError) -> tuple[int, int]:
    return error.position or Position(0, 0)
