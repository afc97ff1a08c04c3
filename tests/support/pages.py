"""The code blocks of the pages that people read, each with a way to check it.

A page is read from top to bottom in a folder of its own. Blocks with a caption are files in it. A
text right after commands is the output of the last one. Python blocks share their names. Commands
are checked as far as possible without running them: see `check_command`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from aws_cdk import App
from sybil import Document, Example, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

from connect_hierarchy_cli.application import application
from connect_hierarchy_cli.settings import Settings
from connect_hierarchy_lambda.model.tree import Tree, read_tree
from connect_hierarchy_tree_files import read_tree_file

REPOSITORY = Path(__file__).parents[2]

Run = Callable[[str], str]
"""Runs the commands of a block in the folder of the page, and returns their output."""

_PYTHON = PythonEvaluator()
_TREES = (".yaml", ".yml", ".json", ".csv")
_TARGET = re.compile(r"^([a-z-]+):(?!=)", re.MULTILINE)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Ids that a page cannot know."""

RUN = {"cdk", "connect-hierarchy", "python"}
"""The programs of a page that are run; the others set up what tests have already."""

_FILES_OF_OTHERS = {"cdk.json", "agents.csv"}


class Blocks(CodeBlockParser):
    """Every code block, whatever its language is."""

    language = "any"

    def __init__(self, evaluate: Callable[[Example], None]) -> None:
        super().__init__(self.language, evaluate)

    def __call__(self, document: Document) -> list[Region]:
        """The blocks of a page."""
        regions = []
        for region in self.lexers(document):
            if region.lexemes["arguments"].startswith("{"):
                continue  # a directive: one with code has a region of its own
            region.parsed = region.lexemes["source"]
            region.evaluator = self._evaluator
            regions.append(region)
        return regions


class Page:
    """A page, and the folder in which it is tried.

    Args:
        path: Of the page.
        folder: Where its files are made.
        run: Runs the page's commands; without it they are only checked.
    """

    def __init__(self, path: Path, folder: Path, run: Run | None = None) -> None:
        self._folder = folder
        self._run = run
        self._apps: list[App] = []
        self._written: set[Path] = set()
        self._said: str | None = None
        self.document = Document.parse(str(path), Blocks(self._evaluate))

    def try_out(self) -> int:
        """Check every block in its order, and give their number."""
        before = Path.cwd()
        os.chdir(self._folder)
        try:
            examples = list(self.document.examples())
            for example in examples:
                example.evaluate()
            self._synthesise()
        finally:
            os.chdir(before)
        return len(examples)

    def _evaluate(self, example: Example) -> None:
        lexemes = example.region.lexemes
        language, source = str(lexemes["arguments"]), str(lexemes["source"])
        caption = lexemes.get("options", {}).get("caption", "")
        if not caption and source.startswith("# ") and language in {"yaml", "python"}:
            caption = source[2:].partition("\n")[0] if ".y" in source.partition("\n")[0] else ""
        if caption:
            self._write(Path(caption), source)
        if language == "python":
            self._evaluate_python(example, caption)
        elif language == "shell":
            self._evaluate_shell(source)
        elif language in {"yaml", "json", "csv"} or caption.endswith(_TREES):
            self._evaluate_file(caption or f"block.{language}", source)
        elif language == "text" and self._said is not None:
            shown = [line.rstrip() for line in self._said.strip("\n").splitlines()]
            wanted = _ID.sub("", source).strip("\n")
            assert _ID.sub("", "\n".join(shown)) == wanted, self._said
        else:
            assert language == "text", f"no test knows what to do with a block of {language}"

    def _write(self, path: Path, source: str) -> None:
        """Write a file of the page; one that a command of the page has made is compared with it."""
        if path.exists() and path not in self._written:
            made = path.read_text(encoding="utf-8")
            assert _ID.sub("", made) == _ID.sub("", source)
            source = made
        self._written.add(path)
        path.write_text(source, encoding="utf-8")

    def _evaluate_python(self, example: Example, caption: str) -> None:
        if caption and self._run is not None:
            compile(example.parsed, caption, "exec")  # the commands of the page run it
            return
        _PYTHON(example)
        self._apps += [
            value
            for value in example.namespace.values()
            if isinstance(value, App) and value not in self._apps
        ]

    def _synthesise(self) -> None:
        for app in self._apps:
            app.synth()

    def _evaluate_file(self, name: str, source: str) -> None:
        if name == "cdk.json":
            json.loads(source)
        elif name not in _FILES_OF_OTHERS:
            path = Path(name)
            path.write_text(source, encoding="utf-8")
            groups_of(path)

    def _evaluate_shell(self, source: str) -> None:
        self._said = None
        for line in commands(source):
            check_command(line)
            if self._run is not None and line.partition(" ")[0] in RUN:
                self._said = self._run(line)


def groups_of(path: Path) -> Tree:
    """The groups of a tree file, checked as they are at synth."""
    file = read_tree_file(path)
    return read_tree(file.groups, line_of=file.line_of)


def commands(source: str) -> list[str]:
    """The commands of a block, each on one line."""
    joined = source.replace("\\\n", " ")
    lines = [line.partition(" #")[0].strip() for line in joined.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if part and not part.startswith("#")]


def check_command(line: str) -> None:
    """Raise AssertionError for a command that does not exist in this form.

    `make`: the target is in the Makefile. `cdk` and `connect-hierarchy`: their own parsers know the
    command and its options. `aws`: the service's model knows the operation and its parameters.
    Commands of others that every machine has are left to the pages that run them.
    """
    program, *arguments = shlex.split(line)
    check = _CHECKS.get(program)
    assert check is not None, f"no test knows the command {program!r} of {line!r}"
    check(arguments)


def _check_make(arguments: list[str]) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(_TARGET.findall(makefile))
    for argument in arguments:
        if "=" in argument:
            name = argument.partition("=")[0]
            assert f"$({name})" in makefile, f"no target takes {name}"
        else:
            assert argument in targets, f"there is no target {argument}"


@cache
def _help_of_cdk(command: str) -> str:
    run = subprocess.run(["cdk", command, "--help"], capture_output=True, text=True, check=True)
    assert f"cdk {command}" in run.stdout, f"cdk has no command {command}"
    return run.stdout


def _check_cdk(arguments: list[str]) -> None:
    command, *rest = arguments
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", _help_of_cdk(command)))
    for option in (one.partition("=")[0] for one in rest if one.startswith("-")):
        is_known = option in known or option.replace("--no-", "--") in known
        assert is_known, f"cdk {command} has no option {option}"


def _check_aws(arguments: list[str]) -> None:
    service, operation, *rest = arguments
    session: Any = boto3.Session(region_name="eu-west-2")
    client = session.client(service)
    model = client.meta.service_model.operation_model(
        client.meta.method_to_api_mapping[operation.replace("-", "_")]
    )
    assert model.input_shape is not None
    known = {name.lower() for name in model.input_shape.members}
    for option in (one for one in rest if one.startswith("--")):
        assert option.replace("-", "") in known, f"aws {service} {operation} has no {option}"


def _check_connect_hierarchy(arguments: list[str]) -> None:
    with application.make_context("connect-hierarchy", list(arguments), obj=Settings()) as context:
        name, command, rest = application.resolve_command(context, list(arguments))
        assert command is not None
        command.make_context(name, rest, parent=context).close()


def _check_nothing(_arguments: list[str]) -> None:
    """A command of the system, or one whose effect the page shows by what comes after it."""


def _check_pip(arguments: list[str]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = f"{project['name'].replace('-', '_')}-{project['version']}-py3-none-any.whl"
    assert arguments == ["install", f"dist/{name}[cli]"], f"make wheel makes dist/{name}"


_CHECKS: Mapping[str, Callable[[list[str]], None]] = {
    "make": _check_make,
    "cdk": _check_cdk,
    "aws": _check_aws,
    "connect-hierarchy": _check_connect_hierarchy,
    "pip": _check_pip,
    "cd": _check_nothing,
    "export": _check_nothing,
    "python": _check_nothing,
}
