"""`validate`: every error of a file at once, with line and column, the same as in synth."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from aws_cdk import App, Stack

from connect_hierarchy import HierarchyStructure, HierarchyTree
from connect_hierarchy_cli.application import COMMANDS
from tests.support.command_line import CommandLine

REPOSITORY = Path(__file__).resolve().parents[2]
INSTANCE = "arn:aws:connect:eu-west-2:123456789012:instance/11111111-2222-3333-4444-555555555555"

YAML = """\
groups:
  - name: Support
    colour: red
    agents_on_delete: KEEP
    children:
      - " EMEA"
      - name: 2024
        tags: {"R&D": x, k: 1}
      - nmae: APAC
  - name: Support
  - !include sales.yaml
  - name: A
    key: Support
    children: [{name: B, children: [{name: C, children: [D]}]}]
"""
JSON = """\
{"groups": [
  {"name": "A", "key": "x", "key": " y"},
  {"name": "A"}, 7
], "more": []}
"""
CSV = """\
path;key;cost;children
Support;;42;
Support/EMEA/UK;uk;;
Support;;;
Sales;  "k;;
A//B;;;
Sales/Inside;"two
lines";;;extra
"""


@pytest.fixture
def offline(tmp_path: Path) -> CommandLine:
    """Commands without credentials."""
    return CommandLine(None, tmp_path)


def told(offline: CommandLine, name: str, text: str, *options: str) -> list[tuple[str, str]]:
    """Position and beginning of each error that is told about such a file."""
    (offline.folder / name).write_text(text)
    run = offline.run("validate", name, *options)
    assert (run.code, run.err) == (1, "")
    found = [re.fullmatch(rf"{name}(:\d+:\d+)?: (.*)", line) for line in run.out.splitlines()]
    return [((one[1] or "")[1:], one[2]) for one in found if one is not None]


def test_all_errors_of_yaml(offline: CommandLine) -> None:
    """Of the file as such, of names, tags, keys and levels, in the order of the file."""
    errors = told(offline, "org.yaml", YAML, "--levels", "2")
    assert [(position, what[:48]) for position, what in errors] == [
        ("3:5", "a group has no field 'colour': use name, key, ta"),
        ("4:5", "in 'Support': agents_on_delete is 'KEEP', one of"),
        ("6:9", "in 'Support': hierarchy group name begins or end"),
        ("7:9", "in 'Support': name is a number, a text is needed"),
        ("8:16", "in 'Support/…': tag key 'R&D' has '&', which Ama"),
        ("8:26", "in 'Support/…': tag 'k' has a number, text is ne"),
        ("9:9", "in 'Support': a group has no field 'nmae', did y"),
        ("10:5", "in 'Support': two groups with one parent have th"),
        ("11:5", "YAML tag '!include' before 'sales.yaml' is not k"),
        ("12:5", "in 'A': its key 'Support' is also that of 'Suppo"),
        ("14:37", "in 'A/B/C': it is at level 3, the structure has "),
    ]


def test_all_errors_of_json(offline: CommandLine) -> None:
    """A field given twice counts with its last value."""
    errors = told(offline, "org.json", JSON)
    assert [(position, what[:40]) for position, what in errors] == [
        ("2:29", "field 'key' is given twice, keep one"),
        ("2:29", "in 'A': key begins or ends with a blank,"),
        ("3:3", "in 'A': two groups with one parent have "),
        ("3:18", "group is a number, its name or a mapping"),
        ("4:4", "has a field 'more', only 'groups' is kno"),
    ]


def test_all_errors_of_csv(offline: CommandLine) -> None:
    """Columns are counted in characters of the line, also in records of several lines."""
    errors = told(offline, "org.csv", CSV)
    assert [(position, what[:40]) for position, what in errors] == [
        ("1:15", "column 'children' is not allowed: the gr"),
        ("3:1", "no row has the parent's path 'Support/EM"),
        ("4:1", "path 'Support' occurs twice, also in lin"),
        ("6:1", "path 'A//B' has an empty name, as 'Suppo"),
        ("8:10", "has 5 cells, and cell 5, 'extra', is in "),
    ]


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("org.yaml", "- a: b\n c: d\n", "org.yaml:2:2: is not YAML: "),
        ("org.json", '[{"name": "A",}]', "org.json:1:15: is not JSON: "),
        ("org.csv", 'path\n"A', "org.csv:2:1: is not CSV: "),
        ("org.csv", "name\nA", "org.csv:1:1: has the columns 'name'; one 'path' is needed"),
        ("org.txt", "A", "org.txt: a file of a tree ends in .yaml, .yml, .json, .csv: rename it"),
        ("org.yaml", "groups:\n", "org.yaml:1:1: groups are empty, a list of groups is needed"),
    ],
)
def test_files_that_are_no_trees(offline: CommandLine, name: str, text: str, error: str) -> None:
    """A file that cannot be parsed gives one error."""
    (offline.folder / name).write_text(text)
    run = offline.run("validate", name)
    assert run.code == 1
    assert run.out.startswith(error)
    assert len(run.out.splitlines()) == 1


def test_a_file_that_is_missing(offline: CommandLine) -> None:
    """It is an error of the file, and the others are still checked."""
    (offline.folder / "good.csv").write_text("path\nA\nA/B\n")
    run = offline.run("validate", "missing.yaml", "good.csv")
    assert run.code == 1
    assert run.out.splitlines() == [
        "missing.yaml: cannot be read (No such file or directory): missing.yaml",
        "good.csv: 2 groups, no errors",
    ]


def test_limits_of_the_whole(offline: CommandLine) -> None:
    """More groups than the quota, and more than an event takes."""
    (offline.folder / "org.json").write_text(json.dumps([f"{n:0100}" for n in range(1200)]))
    run = offline.run("validate", "org.json")
    quota, size = run.out.splitlines()
    assert quota.startswith("org.json: has 1200 groups, at most 500 are allowed: remove some, or")
    assert size.startswith("org.json: the tree of 1200 groups makes an event of ")
    run = offline.run("validate", "--group-quota", "2000", "org.json")
    assert run.out.splitlines() == [size]


def test_json(offline: CommandLine) -> None:
    """For scripts and editors."""
    (offline.folder / "org.yaml").write_text("- Support\n- name: Support\n")
    run = offline.run("validate", "--json", "org.yaml")
    (error,) = json.loads(run.out)
    assert (run.code, error["file"], error["line"], error["column"]) == (1, "org.yaml", 2, 3)
    assert error["group"] == "Support"


def test_synth_tells_the_same(offline: CommandLine) -> None:
    """One implementation: each error of `validate` is in the error of a synth, and no other."""
    errors = told(offline, "org.yaml", YAML, "--levels", "2")
    stack = Stack(App(analytics_reporting=False), "Stack")
    structure = HierarchyStructure(stack, "Structure", instance_arn=INSTANCE, levels=["A", "B"])
    with pytest.raises(ValueError, match=r"org\.yaml:3") as raised:
        HierarchyTree.from_file(stack, "Tree", offline.folder / "org.yaml", structure=structure)
    told_by_synth = str(raised.value).removeprefix("Stack/Tree: ").splitlines()
    # errors of the file itself come alone, before the depth of the tree is checked
    expected = {
        f"org.yaml:{position.split(':')[0]}: {what}"
        for position, what in errors
        if "at level 3" not in what
    }
    assert set(told_by_synth) == expected


def test_the_hook_for_pre_commit() -> None:
    """The pre-commit hook runs an existing command on the right files."""
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    program, name, *rest = shlex.split(hook["entry"])
    assert (program, rest) == ("connect-hierarchy", [])
    assert name in {listed.name for listed in COMMANDS}
    files = re.compile(hook["files"])
    assert files.search("org/organisation.yaml")
    assert files.search("hierarchy-emea.csv")
    assert not files.search("package.json")
    assert not files.search("organisation/app.py")
