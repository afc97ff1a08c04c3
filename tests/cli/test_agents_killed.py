"""Two thousand agents are moved by runs that are killed: each is moved once."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_aws import LocalAws
from local_aws.connect.rows import User
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws

_AGENTS = 2_000
_GROUPS = 150
_AT_A_TIME = 10
"""The calls that are under way at the same time at such a rate; a kill leaves as many untold."""

_MOVE = "connect:UpdateUserHierarchy"


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """An AWS without a rate, whose instance has 150 groups and 2,000 agents, made an hour ago."""
    with unpaced_aws() as aws:
        now = aws.clock.now
        aws.clock.now = lambda: now() - 3600  # type: ignore[method-assign]
        backend = aws.connect.backend
        instance = new_instance(backend, "Division", "Team", alias="acme")
        divisions = [
            backend.create_user_hierarchy_group(instance, f"Division {n}").id for n in range(10)
        ]
        for n in range(_GROUPS - len(divisions)):
            backend.create_user_hierarchy_group(instance, f"Team {n}", divisions[n % 10])
        for n in range(_AGENTS):
            backend.create_user(instance, f"agent-{n}", hierarchy_group_id=divisions[n % 7])
        aws.clock.now = now  # type: ignore[method-assign]
        yield aws


def _agents(aws: LocalAws) -> dict[str, User]:
    (instance,) = aws.connect.backend.instances
    return {user.username: user for user in aws.connect.backend.list_users(instance)}


def _write(aws: LocalAws, path: Path) -> dict[str, str]:
    """A file that gives every agent another group; the id of each agent's group."""
    (instance,) = aws.connect.backend.instances
    groups = sorted(
        aws.connect.backend.hierarchy(instance).by_path.items(), key=lambda item: item[0]
    )
    wished: dict[str, str] = {}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("username", "path"))
        for number, user in enumerate(_agents(aws).values()):
            names, group = groups[number % len(groups)]
            if group.id == user.hierarchy_group_id:
                names, group = groups[(number + 1) % len(groups)]
            writer.writerow((user.username, "/".join(names)))
            wished[user.username] = group.id
    return wished


def test_killed_five_times(aws: LocalAws, tmp_path: Path) -> None:
    """Five runs are killed, the sixth ends: all are where the file says, and moved once."""
    wished = _write(aws, tmp_path / "agents.csv")
    line = CommandLine(aws, tmp_path)
    command = ("agents", "agents.csv", "--instance", "acme", "--apply", "--report", "report.csv")
    for action, nth in (
        (_MOVE, 1),
        (_MOVE, 200),
        ("connect:DescribeUser", 400),
        ("connect:SearchUsers", 2),
        (_MOVE, 300),
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "connect_hierarchy_cli", *command],
            cwd=tmp_path,
            env=line.process_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        aws.connect.settings.authorize = _killer(process, action, nth)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
    aws.connect.settings.authorize = None
    run = line.run(*command)
    assert run.code == 0, run.err
    assert run.out.endswith("agents are moved\n")
    assert {name: user.hierarchy_group_id for name, user in _agents(aws).items()} == wished
    moved = Counter(
        call.parameters["UserId"] for call in aws.connect.calls if call.api == "UpdateUserHierarchy"
    )
    assert len(moved) == _AGENTS
    assert set(moved.values()) == {1}
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as file:
        reported = [row["username"] for row in csv.DictReader(file) if row["outcome"] == "moved"]
    assert len(reported) == len(set(reported)) >= _AGENTS - 5 * _AT_A_TIME


def _killer(
    process: subprocess.Popen[bytes], action: str, nth: int
) -> Callable[[str | None, str, str], bool]:
    """Kills a process while its nth call of an action has its effect, so that no answer comes."""
    calls = 0

    def allow(_principal: str | None, asked: str, _resource: str) -> bool:
        nonlocal calls
        calls += asked == action
        if calls >= nth:
            process.kill()
        return True

    return allow
