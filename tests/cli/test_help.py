"""Help and completion, for people who do not know the commands yet."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from connect_hierarchy_cli.application import COMMANDS, application
from tests.support.command_line import CommandLine
from tests.support.terminal import Terminal

NAMES = [listed.name for listed in COMMANDS]
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """Commands that need no AWS."""
    return CommandLine(None, tmp_path)


def subcommand(name: str) -> click.Command:
    """One of the commands."""
    found = application.get_command(click.Context(application), name)
    assert found is not None
    return found


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_of_the_whole(line: CommandLine, arguments: tuple[str, ...]) -> None:
    """Every command stands in its section, with the first sentence of its own help."""
    run = line.run(*arguments)
    assert (run.code, run.err) == (0, "")
    for listed in COMMANDS:
        assert f"\n{listed.section}:\n" in run.out
        assert listed.summary == subcommand(listed.name).get_short_help_str(limit=200)
        assert any(
            words.split() == [listed.name, *listed.summary.split()]
            for words in run.out.splitlines()
        )
    assert "\nExamples:\n  connect-hierarchy tree\n" in run.out


@pytest.mark.parametrize("name", NAMES)
def test_help_of_each_command(line: CommandLine, name: str) -> None:
    """Usage, every option with a text, and examples that begin with the program."""
    run = line.run(name, "--help")
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith(f"Usage: connect-hierarchy {name} ")
    examples = run.out.split("\nExamples:\n")[1].splitlines()
    assert examples
    assert all("connect-hierarchy " in example for example in examples)
    for parameter in subcommand(name).params:
        assert getattr(parameter, "help", None), f"{parameter.name} has no text"


@pytest.mark.parametrize("name", NAMES)
def test_examples_can_be_typed(name: str) -> None:
    """The arguments of each example are ones that the command takes."""
    examples = getattr(subcommand(name), "examples", ())
    for example in examples:
        for part in example.replace('"$(', " ; ").replace(')"', " ; ").split(";"):
            words = shlex.split(part.split("|")[0].split(">")[0].replace("'", ""))
            if words[:2] == ["connect-hierarchy", name]:
                subcommand(name).make_context(name, words[2:])


def test_help_imports_neither_the_sdk_nor_what_draws(line: CommandLine) -> None:
    """The help of each command does not import slow modules."""
    code = (
        "import sys\n"
        "from connect_hierarchy_cli.__main__ import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "slow = {'boto3', 'botocore', 'rich', 'yaml', 'jinja2', 'aws_cdk', 'jsii', 'asyncio'}\n"
        "sys.stderr.write(' '.join(sorted(slow & set(sys.modules))))\n"
    )
    for arguments in ([], *([name] for name in NAMES)):
        run = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--help"],
            env=line.process_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (run.returncode, run.stderr) == (0, ""), arguments


def test_the_version(line: CommandLine) -> None:
    """The program says which it is."""
    run = line.run("--version")
    assert run.code == 0
    assert run.out.startswith("connect-hierarchy ")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_asks_the_program(line: CommandLine, shell: str) -> None:
    """The script sets the variable that the program reads."""
    script = line.run("completion", shell)
    assert (script.code, script.err) == (0, "")
    assert f"_CONNECT_HIERARCHY_COMPLETE={shell}_complete" in script.out
    words = {
        "bash": {"COMP_WORDS": "connect-hierarchy val", "COMP_CWORD": "1"},
        "zsh": {"COMP_WORDS": "connect-hierarchy val", "COMP_CWORD": "1"},
        "fish": {"COMP_WORDS": "connect-hierarchy val", "COMP_CWORD": "val"},
    }[shell]
    asked = subprocess.run(
        [sys.executable, "-m", "connect_hierarchy_cli"],
        env={
            **line.process_environment(),
            **words,
            "_CONNECT_HIERARCHY_COMPLETE": f"{shell}_complete",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "validate" in asked.stdout


@pytest.fixture
def program(line: CommandLine) -> dict[str, str]:
    """The environment of a shell that has the program on its path, and its completions in files."""
    folder = line.folder / "bin"
    folder.mkdir()
    script = folder / "connect-hierarchy"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m connect_hierarchy_cli "$@"\n')
    script.chmod(0o755)
    for shell in SHELLS:
        (line.folder / shell).write_text(line.run("completion", shell).out)
    environment = line.process_environment()
    return {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}", "TERM": "dumb"}


def test_bash_completes(line: CommandLine, program: dict[str, str]) -> None:
    """A command by its first letters, and an option of it."""
    if shutil.which("bash") is None:
        return  # the test of the script's text is for all
    ask = (
        "source ./bash; COMP_WORDS=({}); COMP_CWORD={}; "
        '_connect_hierarchy_completion connect-hierarchy; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    for words, number, expected in (
        ("connect-hierarchy val", 1, "validate"),
        ("connect-hierarchy validate --le", 2, "--levels"),
    ):
        run = subprocess.run(
            ["bash", "-c", ask.format(words, number)],
            cwd=line.folder,
            env=program,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert run.stdout.split() == [expected]


def test_fish_completes(line: CommandLine, program: dict[str, str]) -> None:
    """The same in fish."""
    if shutil.which("fish") is None:
        return  # the test of the script's text is for all
    run = subprocess.run(
        ["fish", "--no-config", "-c", "source ./fish; complete -C 'connect-hierarchy val'"],
        cwd=line.folder,
        env={**program, "HOME": str(line.folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout.split()[0] == "validate"


def test_zsh_completes(line: CommandLine, program: dict[str, str]) -> None:
    """The same in zsh, which completes at a terminal only."""
    if shutil.which("zsh") is None:
        return  # the test of the script's text is for all
    variables = {**program, "HOME": str(line.folder), "PS1": "> "}
    with Terminal(["zsh", "-f", "-i"], line.folder, variables) as terminal:
        terminal.type("autoload -U compinit && compinit -D && source ./zsh && echo re''ady\n")
        terminal.read_until("ready")
        terminal.type("connect-hierarchy val\t")
        terminal.read_until("validate")
