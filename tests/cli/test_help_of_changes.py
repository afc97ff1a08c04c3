"""The help of `agents` and `copy`: what they are for, their options, and examples that work."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

from connect_hierarchy_cli.application import COMMANDS
from connect_hierarchy_cli.options import Command
from connect_hierarchy_cli.settings import Settings
from tests.support.command_line import CommandLine

_NAMES = ("agents", "copy")


def _command(name: str) -> Command:
    command = import_module(f"connect_hierarchy_cli.commands.{name}").command
    assert isinstance(command, Command)
    return command


@pytest.mark.parametrize("name", _NAMES)
def test_help(name: str, tmp_path: Path) -> None:
    """It needs neither AWS nor credentials, and begins with the sentence of the whole's help."""
    run = CommandLine(None, tmp_path).run(name, "--help")
    assert (run.code, run.err) == (0, "")
    text = " ".join(run.out.split())
    summary = next(one.summary for one in COMMANDS if one.name == name)
    assert f"[OPTIONS] {'[FILE] ' if name == 'agents' else ''}{summary} " in text
    for param in _command(name).params:
        if isinstance(param, click.Option):
            assert all(word in text for word in param.opts)
            assert param.help
    assert "Nothing is changed without --apply." in text


@pytest.mark.parametrize("name", _NAMES)
def test_examples(name: str) -> None:
    """Each example is a command line that can be typed."""
    command = _command(name)
    assert len(command.examples) >= 3
    for example in command.examples:
        program, typed, *rest = shlex.split(example)
        assert (program, typed) == ("connect-hierarchy", name)
        command.make_context(name, rest, obj=Settings())
