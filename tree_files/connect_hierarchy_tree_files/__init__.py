"""Files of trees: YAML, JSON and CSV, read so that errors can say in which line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connect_hierarchy_tree_files.csv_reader import read_csv
from connect_hierarchy_tree_files.json_reader import read_json
from connect_hierarchy_tree_files.source import TreeFile
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
    """Read a file, by what its name ends in: .yaml or .yml, .json, .csv.

    Raises:
        InvalidHierarchyError: For a file that is missing, of another kind, or malformed.
    """
    file = TreeFile(path)
    kind = path.suffix.lower()
    reader = _READERS.get(kind)
    if kind in _WORKBOOKS:
        raise file.is_a_workbook()
    if reader is None:
        raise file.error(None, f"a file of a tree ends in {', '.join(_READERS)}: rename it")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise file.error(None, f"can not be read ({error.strerror}): {path}") from None
    reader(file, text_of(file, content))
    return file
