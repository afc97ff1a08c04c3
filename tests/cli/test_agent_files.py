"""Files of agents: what is read, in which line an error is, and that exports are read again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connect_hierarchy_cli.placement.agent_file import AgentFile, as_text, read_agent_file
from connect_hierarchy_cli.placement.paths import Paths
from connect_hierarchy_cli.placement.plan import Row
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.groups import Agent, Group

_ARN = "arn:aws:connect:eu-west-2:123456789012:instance/1/agent-group/g"


def _file(tmp_path: Path, content: str | bytes) -> AgentFile:
    path = tmp_path / "agents.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_agent_file(path)


@pytest.mark.parametrize(
    "content",
    [
        "username,path\nada,Support/EMEA\nbob,\n",
        "username;path\r\nada;Support/EMEA\r\n;\r\nbob;\r\n",
        "Path\tE-mail\tUser Name\nSupport/EMEA\tada@example.com\tada\n\t\tbob\n",
        '\ufeffusername,path\nada," Support/EMEA "\n"bob",""\n',
        "sep=|\nusername|path\nada|Support/EMEA\nbob|\n",
        "username,path\nada,Support/EMEA\nbob,\n".encode("utf-16"),
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, content: str | bytes) -> None:
    """Separators, encodings, blanks, empty rows and further columns can vary as programs do."""
    file = _file(tmp_path, content)
    assert [(row.username, row.path) for row in file.rows] == [("ada", "Support/EMEA"), ("bob", "")]
    assert file.problems == ()


def test_rows_know_their_lines(tmp_path: Path) -> None:
    """Lines are those of an editor, also after a cell of several lines."""
    file = _file(tmp_path, 'username,note,path\nada,"two\nlines",A\n\nbob,,B\n')
    assert file.rows == (Row("ada", "A", 2), Row("bob", "B", 5))
    assert file.located(5, "why") == "agents.csv:5: why"


def test_a_row_that_is_short_or_long_is_no_row(tmp_path: Path) -> None:
    """A missing cell does not take an agent out of the hierarchy; an extra cell is an error."""
    file = _file(tmp_path, "username,path\nada\nbob,A,B\n,A\neve,A,\n")
    assert file.rows == (Row("eve", "A", 5),)
    assert file.problems == (
        (2, "has 1 cell, the header has 2: write an empty path as an empty cell"),
        (3, "has 3 cells, the header has 2: put texts with separators in quotes"),
        (4, "has no user name: give one, or remove the row"),
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "agents.csv:1: has the columns none; one 'username' and one 'path' are needed"),
        ("user,path\nada,A\n", "agents.csv:1: has the columns 'user', 'path'; one 'username'"),
        ("username\nada\n", "agents.csv:1: has the columns 'username'; one 'username' and one"),
        ("username,path,Path\n", "agents.csv:1: has the columns 'username', 'path', 'Path'"),
        ('username,path\nada,"A\n', "agents.csv:2: is not CSV"),
        (b"username,path\nada,caf\xe9\n", "agents.csv:2: is not UTF-8 (byte 0xe9)"),
        (b"PK\x03\x04", "is a workbook"),
    ],
)
def test_what_is_no_file_of_agents(tmp_path: Path, content: str | bytes, why: str) -> None:
    """A file that cannot be read as one is an error with its line, its reason and a remedy."""
    with pytest.raises(InvalidHierarchyError, match=re.escape(why)):
        _file(tmp_path, content)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """An export has a row for each agent by name, and is read as what it says."""
    groups = [Group(f"{_ARN}1", "g1", 'A,"B', (("g1", 'A,"B'),))]
    agents = [Agent("2", "bob", "g1"), Agent("3", "cyd"), Agent("1", "=ada", "g1")]
    text = as_text(agents, Paths(groups))
    assert text == 'username,path\n=ada,"A,""B"\nbob,"A,""B"\ncyd,\n'
    file = _file(tmp_path, text)
    assert [(row.username, row.path) for row in file.rows] == [
        ("=ada", 'A,"B'),
        ("bob", 'A,"B'),
        ("cyd", ""),
    ]
