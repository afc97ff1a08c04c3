"""How output looks: at a terminal, in a pipe, in colours or without, in any encoding."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

from local_aws import LocalAws
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws
from tests.support.terminal import Terminal

TREE = (sys.executable, "-m", "connect_hierarchy_cli", "tree")


def at_terminal(line: CommandLine, *arguments: str, width: int = 80, **environment: str) -> str:
    """What `tree` writes at a terminal."""
    variables = {**line.process_environment(), "TERM": "xterm-256color", **environment}
    with Terminal([*TREE, *arguments], line.folder, variables, width=width) as terminal:
        written = terminal.read_all()
        assert terminal.process.returncode == 0, written
        return written


def test_a_terminal_has_colours_and_progress(line: CommandLine) -> None:
    """Bars say what is read while it is read; what stays is the tree."""
    written = at_terminal(line, "acme")
    assert "\x1b[32m" in written
    assert "reading groups" in written
    assert "EMEA" in written.split("reading groups")[-1]


def test_no_colour(line: CommandLine) -> None:
    """NO_COLOR takes the colours, not the tree."""
    written = at_terminal(line, "acme", NO_COLOR="1")
    assert not re.search(r"\x1b\[(3\d|9\d|38;[\d;]*)m", written)
    assert "└── EMEA" in re.sub(r"\x1b\[[\d;]*m", "", written)


def test_the_width_of_the_terminal(line: CommandLine) -> None:
    """No line is longer than the terminal is wide."""
    written = at_terminal(line, "acme", width=24)
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written)
    tree = shown.split("acme", 1)[1].splitlines()[1:]
    assert max(map(len, tree)) <= 24
    assert len(tree) > 5


def test_a_pipe_has_plain_lines(line: CommandLine) -> None:
    """Neither colours nor bars, and no line is broken, unless COLUMNS says so."""
    run = line.process("tree", "acme")
    assert (run.returncode, run.stderr) == (0, "")
    assert "\x1b" not in run.stdout
    assert len(run.stdout.splitlines()) == 5
    narrow = replace(line, environment={"COLUMNS": "20"}).process("tree", "acme")
    assert max(map(len, narrow.stdout.splitlines())) <= 20


def test_an_encoding_without_the_characters(aws: LocalAws, tmp_path: Path) -> None:
    """Lines of a tree become plain ones, other characters escapes; JSON stays JSON."""
    backend = aws.connect.backend
    (instance,) = backend.instances
    group = backend.create_user_hierarchy_group(instance, "Zürich ☎")
    plain = CommandLine(aws, tmp_path, {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    try:
        run = plain.process("tree", "acme")
        assert run.returncode == 0, run.stderr
        assert "+-- Z\\xfcrich \\u260e  Division" in run.stdout
        assert '"name": "Z\\u00fcrich \\u260e"' in plain.process("tree", "acme", "--json").stdout
        assert "Zürich ☎" in CommandLine(aws, tmp_path).run("tree", "acme").out
    finally:
        backend.delete_user_hierarchy_group(instance, group.group.id)


def test_names_can_not_move_the_cursor(aws: LocalAws, line: CommandLine) -> None:
    """A name with control characters is shown with escapes."""
    backend = aws.connect.backend
    (instance,) = backend.instances
    group = backend.create_user_hierarchy_group(instance, "A\x1b[2J\u202eB")
    try:
        assert "A\\x1b[2J\\u202eB" in line.run("tree", "acme").out
    finally:
        backend.delete_user_hierarchy_group(instance, group.group.id)


def test_a_person_chooses_the_instance(tmp_path: Path) -> None:
    """At a terminal the instances are a list, and a number chooses."""
    with unpaced_aws() as aws:
        for alias in ("zulu", "alpha"):
            new_instance(aws.connect.backend, alias=alias)
        line = CommandLine(aws, tmp_path)
        with Terminal(TREE, tmp_path, line.process_environment()) as terminal:
            terminal.read_until("Which instance")
            terminal.type("2\n")
            written = terminal.read_all()
    assert terminal.process.returncode == 0
    assert re.search(r"1  alpha .*\n +2  zulu ", written)
    assert "zulu\x1b[0m  eu-west-2  0 groups, 0 agents" in written
