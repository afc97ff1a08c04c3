"""Tree files in YAML, JSON and CSV, read so that errors can name line and column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connect_hierarchy_lambda.model.tree import InvalidTreeError, examine_tree, located_error
from connect_hierarchy_tree_files.csv_reader import read_csv
from connect_hierarchy_tree_files.json_reader import read_json
from connect_hierarchy_tree_files.source import TreeFile, UnreadableFileError
from connect_hierarchy_tree_files.text import text_of
from connect_hierarchy_tree_files.yaml_reader import read_yaml

SCHEMA = Path(__file__).with_name("hierarchy-tree.schema.json")
"""The JSON schema of YAML and JSON files, for editors."""

_READERS: dict[str, Callable[[TreeFile, str], None]] = {
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".json": read_json,
    ".csv": read_csv,
}
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")


def read_tree_file(path: Path) -> TreeFile:
    """Read a file by the ending of its name: .yaml or .yml, .json, .csv.

    Raises:
        InvalidTreeError: For a file that is missing, of another kind, or malformed. The error has
            all problems of the file and of its tree.
    """
    file = examine_tree_file(path)
    errors = list(file.errors())
    if errors and file.is_readable:
        problems = examine_tree(file.groups, line_of=file.line_of).problems
        errors += [str(located_error(file.line_of(p.place), p.path, p.why)) for p in problems]
    if errors:
        raise InvalidTreeError(errors)
    return file


def examine_tree_file(path: Path) -> TreeFile:
    """Read a file as `read_tree_file` does, with the problems of the file among its findings."""
    file = TreeFile(path)
    try:
        _read(file)
    except UnreadableFileError:
        file.groups = []
    return file


def _read(file: TreeFile) -> None:
    kind = file.path.suffix.lower()
    reader = _READERS.get(kind)
    if kind in _WORKBOOKS:
        raise file.is_a_workbook()
    if reader is None:
        raise file.end(None, f"a file of a tree ends in {', '.join(_READERS)}: rename it")
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise file.end(None, f"cannot be read ({error.strerror}): {file.path}") from None
    reader(file, text_of(file, content))
