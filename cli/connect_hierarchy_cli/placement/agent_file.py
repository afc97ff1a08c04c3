"""Files of agents: CSV with the columns `username` and `path`, read and written."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connect_hierarchy_cli.placement.paths import Paths
from connect_hierarchy_cli.placement.plan import Problem, Row
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.groups import Agent
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_tree_files.csv_records import Record, Sheet
from connect_hierarchy_tree_files.source import Position, TreeFile, UnreadableFileError
from connect_hierarchy_tree_files.text import text_of

_USERNAME = "username"
_PATH = "path"


@dataclass(frozen=True)
class AgentFile:
    """The content of a file of agents."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    """The problems of rows that are not in `rows`."""

    file: TreeFile

    def located(self, line: int, why: str) -> str:
        """A problem of a line, as a message."""
        return f"{self.file.where(Position(line))}: {why}"


def read_agent_file(path: Path) -> AgentFile:
    """Read a file of agents. Other columns are ignored.

    Raises:
        InvalidHierarchyError: For a file that is not CSV, or lacks one of the columns.
        OSError: For a file that cannot be read.
    """
    file = TreeFile(path)
    content = path.read_bytes()
    try:
        return _read_file(file, content)
    except UnreadableFileError:
        raise InvalidHierarchyError("; ".join(file.errors())) from None


def _read_file(file: TreeFile, content: bytes) -> AgentFile:
    sheet = Sheet.of(file, text_of(file, content), lambda cell: _meaning(cell) == _USERNAME)
    records = sheet.records()
    header = next(records, Record([], 0))
    columns = list(map(_meaning, header.cells))
    for column in (_USERNAME, _PATH):
        if columns.count(column) != 1:
            shown = ", ".join(quoted(name) for name in header.cells if name) or "none"
            why = (
                f"has the columns {shown}; one '{_USERNAME}' and one '{_PATH}' are needed, "
                "separated by commas, semicolons or tabs"
            )
            raise file.end(sheet.position_of(header, 0), why)
    rows: list[Row] = []
    problems: list[Problem] = []
    for record in records:
        read = _read(
            record.cells,
            sheet.line_of(record),
            len(columns),
            username_at=columns.index(_USERNAME),
            path_at=columns.index(_PATH),
        )
        if isinstance(read, Row):
            rows.append(read)
        else:
            problems.append(read)
    return AgentFile(tuple(rows), tuple(problems), file)


def _meaning(column: str) -> str:
    """The name of a column without case, and without separators between its words."""
    return re.sub(r"[\s_-]", "", column).lower()


def _read(
    cells: Sequence[str], line: int, width: int, *, username_at: int, path_at: int
) -> Row | Problem:
    """The row of these cells, or their problem."""
    if len(cells) <= max(username_at, path_at):
        # a cell too few must not mean "out of the hierarchy"
        number = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        return line, f"has {number}, the header has {width}: write an empty path as an empty cell"
    if any(cells[width:]):
        why = f"has {len(cells)} cells, the header has {width}: put texts with separators in quotes"
        return line, why
    if not cells[username_at]:
        return line, "has no user name: give one, or remove the row"
    return Row(cells[username_at], cells[path_at], line)


def as_text(agents: Iterable[Agent], paths: Paths) -> str:
    """A file that says where these agents are, by user name."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((_USERNAME, _PATH))
    for agent in sorted(agents, key=lambda agent: agent.username):
        writer.writerow((agent.username, paths.cell(agent.group_id)))
    return text.getvalue()
