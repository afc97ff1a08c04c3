"""The tree of a file, or the errors of a file that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.tree import Tree, read_tree
from connect_hierarchy_tree_files import read_tree_file


def read(folder: Path, text: str | bytes, name: str) -> Tree:
    """The tree of a file with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    file = read_tree_file(path)
    return read_tree(file.groups, line_of=file.line_of)


def error_of(folder: Path, text: str | bytes, name: str) -> str:
    """The errors of a file, on printable lines."""
    with pytest.raises(InvalidHierarchyError) as caught:
        read(folder, text, name)
    message = str(caught.value)
    assert all(line.isprintable() for line in message.split("\n"))
    assert len(message) < 300
    return message
