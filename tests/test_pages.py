"""The pages that people read: each code block of the site and of the README is tried."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws import LocalAws
from tests.support.change_pages import CHANGES, Played, plans_of, play, table_of
from tests.support.instances import new_instance, unpaced_aws
from tests.support.pages import REPOSITORY, Page

DOCS = REPOSITORY / "docs"
PLAYED = {"first-hierarchy.md", "adopt.md"}
"""Pages whose commands are run, one after the other, by a test of their own."""

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((REPOSITORY / "examples").glob("*/README.md")),
]
NOTHING = "\N{EN DASH}"
"""In a table, the place of a group that is not there."""


def name_of(path: Path) -> str:
    """A page in the name of a test."""
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("path", [p for p in PAGES if p.name not in PLAYED], ids=name_of)
def test_blocks(path: Path, tmp_path: Path) -> None:
    """Python synthesises, files are trees, and commands exist with these options."""
    Page(path, tmp_path).try_out()


def test_the_pages_have_blocks(tmp_path: Path) -> None:
    """Blocks are found in each of the forms that pages have them in."""
    assert Page(DOCS / "reference" / "tree-files.md", tmp_path).try_out() == 7
    assert Page(DOCS / "security.md", tmp_path).try_out() == 2


class Terminal:
    """Runs a page's commands against a local AWS, and looks at the hierarchy after each.

    Args:
        aws: Where the commands go.
        folder: Where they run.
        variables: For their environment.
    """

    def __init__(self, aws: LocalAws, folder: Path, **variables: str) -> None:
        rooms = ("constructs", "lambda_handlers", "cli", "tree_files")
        self._environment = {
            **aws.cli_environment(),
            "PYTHONPATH": os.pathsep.join(str(REPOSITORY / room) for room in rooms),
            "CI": "true",
            "COLUMNS": "84",
            **variables,
        }
        self._aws = aws
        self._folder = folder
        self.said: list[str] = []
        self.seen: list[dict[str, str]] = []

    def run(self, command: str) -> str:
        """Run a command, and see to it that it succeeds."""
        program, *arguments = shlex.split(command)
        ours = [sys.executable, "-m", "connect_hierarchy_cli"]
        ended = subprocess.run(
            [*(ours if program == "connect-hierarchy" else [program]), *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        expected = {0, 2} if program == "connect-hierarchy" else {0}  # 2: a plan has changes
        assert ended.returncode in expected, f"{command}\n{ended.stdout}"
        self.said.append(ended.stdout)
        self.seen.append(self._groups())
        return ended.stdout

    def _groups(self) -> dict[str, str]:
        backend = self._aws.connect.backend
        return {
            "/".join(path): group.id
            for instance_id in backend.instances
            for path, group in backend.hierarchy(instance_id).by_path.items()
        }


def test_first_hierarchy(tmp_path: Path) -> None:
    """The tutorial from bootstrap to destroy: the renamed group keeps its id, nothing stays."""
    with unpaced_aws() as aws:
        terminal = Terminal(aws, tmp_path)
        Page(DOCS / "first-hierarchy.md", tmp_path, terminal.run).try_out()
    _, first, second, last = terminal.seen
    assert set(first) == {
        *("Sales", "Sales/Inbound", "Sales/Renewals"),
        *("Support", "Support/EMEA", "Support/APAC"),
    }
    renamed = {"Support/Asia Pacific": first.pop("Support/APAC")}
    assert second == first | renamed
    assert last == {}
    assert "ContactCentre.Emea = arn:aws:connect:" in terminal.said[1]


def test_adopt(tmp_path: Path) -> None:
    """The groups that were made by hand keep their ids, and no call writes anything but tags."""
    with unpaced_aws() as aws:
        backend = aws.connect.backend
        instance = new_instance(backend, "Division", "Region", alias="my-instance")
        for name, children in {"Sales": ["Inbound"], "Support": ["EMEA", "APAC"]}.items():
            above = backend.create_user_hierarchy_group(instance, name)
            for child in children:
                backend.create_user_hierarchy_group(instance, child, above.id)
        terminal = Terminal(aws, tmp_path, INSTANCE_ARN=backend.instance_arn(instance))
        terminal.run(f"cdk bootstrap aws://{aws.account_id}/{aws.region}")
        Page(DOCS / "adopt.md", tmp_path, terminal.run).try_out()
        groups = backend.hierarchy(instance).groups.values()
    assert terminal.seen[-1] == terminal.seen[0]
    assert len(groups) == len(terminal.seen[0]) == 5
    assert all(group.tags["connect-hierarchy:resource"] for group in groups)
    reads = ("Describe", "List", "Search", "Get")
    writes = {call.api for call in aws.connect.calls if not call.api.startswith(reads)}
    assert writes == {"TagResource"}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_does(change: str, tmp_path: Path) -> None:
    """The page says what a deployment of its files does to ids and agents, and what `plan` says."""
    played = play(change, tmp_path)
    before, after = played.before, played.site.ids
    table = table_of(change)
    assert {row[0] for row in table} - {NOTHING} == set(before)
    assert {row[1] for row in table} - {NOTHING} == set(after)
    for old, new, the_id, agents in table:
        found = "gone" if new == NOTHING else "stays" if before.get(old) == after[new] else "new"
        assert the_id == found, (old, new)
        assert agents == _agents(played, old, new, moved=found == "new"), (old, new)
    command = "python -m tests.support.change_pages"
    assert plans_of(change) == played.plans, f"write them anew: {command}"


def _agents(played: Played, old: str, new: str, *, moved: bool) -> str:
    """What became of the agent who was in a group, in the words of the pages."""
    if old == NOTHING:
        return str(played.site.agents.get(new, "none"))
    where = played.agents(old)
    if not where:
        return "in no group"
    if new == NOTHING:
        return f"in {where[0]}"
    assert where == [new]
    return "follow" if moved else "stay"
