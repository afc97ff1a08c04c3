"""Trees in CSV files, as spreadsheet programs write them."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from connect_hierarchy_lambda.model.properties import AgentsOnDelete
from connect_hierarchy_lambda.model.tree import Tree
from tests.support import tree_files

read = partial(tree_files.read, name="org.csv")
error_of = partial(tree_files.error_of, name="org.csv")


def rows(tree: Tree) -> list[tuple[str, dict[str, str], str]]:
    """Path, own tags and line of each group."""
    return [("/".join(node.path), dict(node.own_tags), node.line) for node in tree.nodes]


# records and cells ------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_line_ends(tmp_path: Path, end: str) -> None:
    """A record ends at each of the three; within quotes they belong to the cell."""
    text = end.join(["path,hours", f'"Asia{end}Pacific","a{end}{end}b"', "Sales,", "", "C,c", ""])
    assert rows(read(tmp_path, text)) == [
        (f"Asia{end}Pacific", {"hours": f"a{end}{end}b"}, "org.csv:2"),
        ("Sales", {}, "org.csv:6"),
        ("C", {"hours": "c"}, "org.csv:8"),
    ]


@pytest.mark.parametrize("character", "\v\f\x1c\x1d\x1e\x85\u2028\u2029")
def test_characters_that_end_no_record(tmp_path: Path, character: str) -> None:
    """A cell with such a character is one cell, as it stands, with quotes and without."""
    for quote in ("", '"'):
        cell = f"open{character}9 to 5"
        text = f"path,hours\nA{character}B,{quote}{cell}{quote}\nC,\n"
        assert rows(read(tmp_path, text)) == [
            (f"A{character}B", {"hours": cell}, "org.csv:2"),
            ("C", {}, "org.csv:3"),
        ]


def test_quotes(tmp_path: Path) -> None:
    """Separators, quotes and line ends are in cells as spreadsheets write them."""
    text = 'path,k\n"A, ""B""",5" screen\n"C\n",""\n'
    assert rows(read(tmp_path, text)) == [
        ('A, "B"', {"k": '5" screen'}, "org.csv:2"),
        ("C", {}, "org.csv:3"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('path,k\nA,v\nB,"never closed\nC,v\nD,v\n', 3),
        ('path,k\nA,"x\ny"\nB,"a" b\n', 4),
        ('"path,k\nA,v\n', 1),
    ],
)
def test_quotes_that_cannot_be(tmp_path: Path, text: str, line: int) -> None:
    """The error has the line in which the record begins, and says what to do."""
    message = error_of(tmp_path, text)
    assert message.startswith(f"org.csv:{line}: is not CSV: ")
    assert "close each quote" in message


# separators and columns -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "separator", "line"),
    [
        ("path,cost-center", ",", 2),
        ("Path;cost-center", ";", 2),
        ("PATH\tcost-center", "\t", 2),
        ('"path";"cost-center"', ";", 2),
        (" path ,\u00a0cost-center ", ",", 2),
        ("path,cost-center,,", ",", 2),
        ("sep=;\r\npath;cost-center", ";", 3),
        ("SEP=,\npath,cost-center", ",", 3),
        ("sep=\t\rpath\tcost-center", "\t", 3),
        ('"sep=|"\npath|cost-center', "|", 3),
        ("\n,,\npath,cost-center", ",", 4),
    ],
)
def test_headers(tmp_path: Path, header: str, separator: str, line: int) -> None:
    """Whatever separates cells is found, or told in the first line, as Excel does it."""
    text = f"{header}\nA,1\nA/B, 2,,,\n,\n"
    text = header + text[len(header) :].replace(",", separator)
    assert rows(read(tmp_path, text)) == [
        ("A", {"cost-center": "1"}, f"org.csv:{line}"),
        ("A/B", {"cost-center": "2"}, f"org.csv:{line + 1}"),
    ]


def test_a_comma_in_a_header_of_semicolons(tmp_path: Path) -> None:
    """The separator is the one with which there is a column for the path."""
    text = "city, country;path;cost-center\n;A, B;1,5\n"
    assert rows(read(tmp_path, text)) == [("A, B", {"cost-center": "1,5"}, "org.csv:2")]
    message = error_of(tmp_path, text.replace("\n;", "\nBonn;"))
    assert message.startswith("org.csv:2: in 'A, B': tag key 'city, country' has ',', which Amazon")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"org.csv:1: has the columns none; one 'path' is needed: add it"),
        ("sep=;\n", r"org.csv:1: has the columns none; one 'path' is needed"),
        ("\npfad;k\n", r"org.csv:2: has the columns 'pfad;k'; one 'path' is needed: .*semicolons"),
        ("p\u200bath,k\n", r"org.csv:1: has the columns 'p\\u200bath', 'k'; one"),
        ("path,Path\n", r"org.csv:1: has two columns 'path', keep one"),
        ("path,k,k\n", r"org.csv:1: has two columns 'k', keep one"),
        ("path,,\nA,,x\n", r"org.csv:2: has 3 cells, and cell 3, 'x', is in no column"),
        ('path,k\n"A\nB",v\nB,v,x\n', r"org.csv:4: has 3 cells, and cell 3, 'x', is in no"),
        ("path\nA,B\n", r"org.csv:2: has 2 cells, .* put texts with separators in quotes"),
    ],
)
def test_headers_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    """The error has the line, what is there and what to do."""
    assert re.match(message, error_of(tmp_path, text))


# keys and policies ------------------------------------------------------------------------------


def test_keys_and_policies(tmp_path: Path) -> None:
    """The columns mean what they mean in YAML: a spreadsheet can rename, move and say who stays."""
    before = read(tmp_path, "path\nSupport\nSupport/EMEA\nSales\n")
    after = read(
        tmp_path,
        "path,Key,Agents on delete,cost-center\n"
        "Help,Support,,1\n"
        "Sales,,UNASSIGN,\n"
        "Sales/Europe,Support/EMEA,MOVE_TO_PARENT,2\n",
    )
    assert {node.key for node in after.nodes} == {node.key for node in before.nodes}
    assert after.with_key("Support").path == ("Help",)
    moved = after.with_key("Support/EMEA")
    assert (moved.path, moved.agents_on_delete) == (
        ("Sales", "Europe"),
        AgentsOnDelete.MOVE_TO_PARENT,
    )
    assert moved.own_tags == {"cost-center": "2"}
    assert after.at("Sales").agents_on_delete is AgentsOnDelete.UNASSIGN
    assert after.at("Help").agents_on_delete is None
    assert after.at("Sales").own_tags == {}


@pytest.mark.parametrize(
    ("column", "part"),
    [
        ("name", "the end of its path: remove the column, or for a tag of that name write"),
        ("Name", "column 'Name' is not allowed"),
        ("tags", "give each tag a column with the name of its key"),
        ("children", "rows of their own"),
    ],
)
def test_columns_that_would_mean_something_else(tmp_path: Path, column: str, part: str) -> None:
    """What is a field in YAML and none in CSV is no tag in silence."""
    message = error_of(tmp_path, f"path,{column}\nA,B\n")
    assert message.startswith("org.csv:1: column ")
    assert part in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "path,agents_on_delete\nA,\nA/B,KEEP\n",
            r"3: in 'A/B': agents_on_delete is 'KEEP', one of",
        ),
        ("path,key\nA,\nB,A\n", r"3: in 'B': its key 'A' is also that of 'A'"),
        ("path,key\nA,\nA/B," + "k" * 513 + "\n", r"3: in 'A/B': key has 513 characters"),
        ("path,R&D\nA,\nA/B,x\n", r"3: in 'A/B': tag key 'R&D' has '&', which .*: use letters"),
    ],
)
def test_errors_of_cells(tmp_path: Path, text: str, message: str) -> None:
    """They have the line of the row and the path of the group."""
    assert re.match(f"org.csv:{message}", error_of(tmp_path, text))


def test_the_files_on_the_page_say_the_same(tmp_path: Path) -> None:
    """The YAML file and the CSV file that the page about tree files shows."""
    text = (Path(__file__).parent.parent / "docs" / "reference" / "tree-files.md").read_text(
        encoding="utf-8"
    )
    of_yaml, of_csv = (
        read(
            tmp_path,
            re.findall(rf":caption: organisation.{kind}\n\n(.*?)```", text, re.DOTALL)[0],
            name=f"org.{kind}",
        )
        for kind in ("yaml", "csv")
    )
    assert of_yaml.nodes == of_csv.nodes
    assert of_csv.at("Support/Asia Pacific").key == "Support/APAC"


# paths ------------------------------------------------------------------------------------------


def test_paths_in_other_accents(tmp_path: Path) -> None:
    """A parent is found whether its accents are composed, as on Windows, or not, as on macOS."""
    tree = read(tmp_path, "path\nZ\u00fcrich\nZu\u0308rich/Caf\u00e9\n")
    assert [node.path for node in tree.nodes] == [
        ("Z\u00fcrich",),
        ("Z\u00fcrich", "Caf\u00e9"),
    ]
    message = error_of(tmp_path, "path\nZ\u00fcrich\nA\nZu\u0308rich\n")
    assert message.startswith(r"org.csv:4: path 'Zu\u0308rich' occurs twice, also in line 2: ")
    message = error_of(tmp_path, "path\nZu\u0308rich/A\n")
    assert message == r"org.csv:2: no row has the parent's path 'Zu\u0308rich': add one"


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u200b", "\ufeff"])
def test_blanks_around_cells(tmp_path: Path, blank: str) -> None:
    """They do not count, around names of a path neither."""
    text = f"path,k\n{blank}A{blank}/{blank}B C{blank},{blank}v{blank}\n{blank}A,{blank}\n"
    assert [row[:2] for row in rows(read(tmp_path, text))] == [("A", {}), ("A/B C", {"k": "v"})]


def test_what_a_construct_has_as_path(tmp_path: Path) -> None:
    """A path may have spaces around its slashes."""
    tree = read(tmp_path, "path\nA / B\nA\n")
    assert [node.path for node in tree.nodes] == [("A",), ("A", "B")]


def test_empty_names(tmp_path: Path) -> None:
    """The error has the path and says what to do."""
    for path in ("A//B", "/A", "A/", "A/ /B"):
        message = error_of(tmp_path, f"path\n{path}\n")
        assert message.startswith(f"org.csv:2: path '{path}' has an empty name, ")
    assert error_of(tmp_path, "path,k\n,v\n").startswith("org.csv:2: path '' has an empty name")


# encodings --------------------------------------------------------------------------------------


def test_encodings(tmp_path: Path) -> None:
    """What Excel writes as UTF-8 or Unicode is read; others are an error that names the menu."""
    text = "path\tk\r\nA\tb\r\nZürich\tö\r\n"
    expected = [("A", {"k": "b"}, "org.csv:2"), ("Zürich", {"k": "ö"}, "org.csv:3")]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert rows(read(tmp_path, text.encode(encoding))) == expected
    for encoding in ("cp1252", "mac_roman"):
        message = error_of(tmp_path, text.encode(encoding))
        assert message.startswith("org.csv:3: is not UTF-8 (byte 0x")
        assert '"CSV UTF-8 (Comma delimited)" in Excel' in message
    message = error_of(tmp_path, text.replace("ü", "ue").replace("ö", "oe").encode("utf-16-le"))
    assert message.startswith("org.csv:1: has a NUL character")
    assert "CSV UTF-8" in message
    assert "CSV UTF-8" in error_of(tmp_path, text.encode("utf-16") + b"x")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("org.xlsx", b"PK\x03\x04"),
        ("org.XLS", b""),
        ("org.ods", b""),
        ("org.csv", b"PK\x03\x04..."),
        ("org.csv", b"\xd0\xcf\x11\xe0..."),
    ],
)
def test_workbooks(tmp_path: Path, name: str, content: bytes) -> None:
    """By their name and by what they begin with: the error says how to make a CSV file of them."""
    message = error_of(tmp_path, content, name=name)
    assert message.startswith(f"{name}: is a workbook, a text is needed: save it as")
    assert '"CSV UTF-8 (Comma delimited)" in Excel' in message
