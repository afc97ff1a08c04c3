"""`agents`: dry runs, moves, exports, reports, errors and exit codes."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_aws import LocalAws
from local_aws.faults import FaultKind
from tests.support.command_line import CommandLine, PatientClock, Run
from tests.support.instances import new_instance, unpaced_aws

_MOVE = "UpdateUserHierarchy"
_HIRED = {"ada": "Support", "bob": "Support", "cyd": "", "dan": "Support/EMEA", "eve": "24/7"}


@contextmanager
def an_hour_ago(aws: LocalAws) -> Iterator[None]:
    """What is made here was made an hour ago, so that every search shows it."""
    now = aws.clock.now
    aws.clock.now = lambda: now() - 3600  # type: ignore[method-assign]
    try:
        yield
    finally:
        aws.clock.now = now  # type: ignore[method-assign]


class Centre:
    """An instance with groups and agents, and commands about it."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self.aws, self.folder = aws, folder
        self.alias = f"centre-{len(aws.connect.backend.instances)}"
        self.line = CommandLine(aws, folder)
        backend = self.backend = aws.connect.backend
        with an_hour_ago(aws):
            self.instance = new_instance(backend, "Division", "Region", alias=self.alias)
            for names in ("Support",), ("Sales",), ("24/7",), ("24",), ("Support", "EMEA"):
                self.add_group(*names)
            self.add_group("24", "7")
            for username, path in _HIRED.items():
                backend.create_user(
                    self.instance,
                    username,
                    hierarchy_group_id=self.ids.get(path),
                    identity_info={"FirstName": "Secret", "Email": "secret@example.com"},
                )

    def add_group(self, *path: str) -> None:
        """Make a group as an operator would."""
        above = self.ids[" / ".join(path[:-1])] if len(path) > 1 else None
        self.backend.create_user_hierarchy_group(self.instance, path[-1], above)

    @property
    def ids(self) -> dict[str, str]:
        """The id of each group by its path, names with slashes between them, spaces or not."""
        groups = self.backend.hierarchy(self.instance).by_path
        spaced = {" / ".join(path): group.id for path, group in groups.items()}
        return {**spaced, **{"/".join(path): group.id for path, group in sorted(groups.items())}}

    def write(self, text: str, name: str = "agents.csv") -> None:
        """Write a file of agents."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        """What a file has."""
        return (self.folder / name).read_text(encoding="utf-8")

    def run(self, *arguments: str) -> Run:
        """Run `agents`; no output has more of an agent than its user name."""
        run = self.line.run("agents", "--instance", self.alias, *arguments)
        assert "secret" not in (run.out + run.err).lower()
        return run

    @property
    def places(self) -> dict[str, str]:
        """The path of each agent's group, empty for none; of `24/7`, the one of two levels."""
        hierarchy = self.backend.hierarchy(self.instance)
        paths = {group.id: " / ".join(group.path) for group in hierarchy.groups.values()}
        return {
            user.username: paths.get(user.hierarchy_group_id or "", "").replace("t / E", "t/E")
            for user in sorted(
                self.backend.list_users(self.instance), key=lambda user: user.username
            )
        }

    @property
    def moves(self) -> list[str]:
        """How the calls that move agents ended."""
        calls = self.aws.connect.calls
        return [c.outcome for c in calls if c.api == _MOVE and c.instance_id == self.instance]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """An AWS without a rate."""
    with unpaced_aws() as aws:
        yield aws


@pytest.fixture
def centre(aws: LocalAws, tmp_path: Path) -> Iterator[Centre]:
    """An instance of its own."""
    yield Centre(aws, tmp_path)
    aws.connect.settings.search_lag = 0
    aws.connect.settings.authorize = None
    aws.connect.forget_faults()


def test_without_apply_it_tells_and_changes_nothing(centre: Centre) -> None:
    """A dry run has a row for each way that agents go, and says how to go on."""
    centre.write("username,path\nada,Sales\nbob,Sales\ncyd,Support / EMEA\ndan,\n")
    run = centre.run("agents.csv")
    assert run.code == 0
    assert [re.sub(" {2,}", "  ", line.strip()) for line in run.out.splitlines()] == [
        "from  to  agents  user names",
        "(no group)  Support / EMEA  1  cyd",
        "Support  Sales  2  ada, bob",
        "Support / EMEA  (no group)  1  dan",
        "",
        (
            "4 agents to move, 1 of them out of the hierarchy, 0 where the file says already; "
            "about 1 s"
        ),
    ]
    assert run.err == "Nothing was changed. Add --apply to move them.\n"
    assert (centre.places, centre.moves) == (_HIRED, [])


def test_apply_puts_agents_where_the_file_says(centre: Centre) -> None:
    """Agents of the file are moved with a call each, others stay; a second run does nothing."""
    centre.write("username,path\nada,Sales\nbob,Support\ndan,\n")
    run = centre.run("agents.csv", "--apply")
    assert (run.code, run.out, run.err) == (0, "2 agents are moved\n", "")
    assert centre.places == {**_HIRED, "ada": "Sales", "dan": ""}
    assert centre.moves == ["ok"] * 2
    run = centre.run("agents.csv")
    assert (run.code, run.err) == (0, "")
    assert run.out == "nothing to do: 3 agents are where the file says\n"


def test_applying_an_export_undoes(centre: Centre) -> None:
    """What is exported before a move brings everybody back, also while searches show old state."""
    centre.aws.connect.settings.search_lag = 900
    centre.write("username,path\nada,Sales\nbob,\ncyd,Support/EMEA\ndan,Sales\neve,24 / 7\n")
    assert centre.run("agents.csv", "--apply", "--export", "before.csv").code == 0
    assert centre.places == {
        **dict.fromkeys(("ada", "dan"), "Sales"),
        "bob": "",
        "cyd": "Support/EMEA",
        "eve": "24 / 7",
    }
    assert centre.read("before.csv").splitlines() == [
        "username,path",
        "ada,Support",
        "bob,Support",
        "cyd,",
        "dan,Support/EMEA",
        'eve,"[""24/7""]"',
    ]
    run = centre.run("before.csv", "--apply")
    assert (run.code, run.out) == (0, "5 agents are moved\n")
    assert centre.places == _HIRED


def test_an_export_is_not_overwritten(centre: Centre) -> None:
    """A file that may say how it was before is kept, and nothing is moved."""
    centre.write("username,path\nada,Sales\n")
    centre.write("precious", "before.csv")
    run = centre.run("agents.csv", "--apply", "--export", "before.csv")
    assert run.code == 1
    assert run.err.splitlines() == [
        "Error: before.csv is there already, and may say where agents were before: it is kept",
        (
            f"Try:   connect-hierarchy agents --instance {centre.alias} agents.csv --apply "
            "--export NEW-FILE.csv"
        ),
    ]
    assert centre.read("before.csv") == "precious"
    assert centre.moves == []


def test_export_alone(centre: Centre) -> None:
    """Without a file, the present state is written, and applying it is nothing."""
    run = centre.run("--export", "-")
    assert (run.code, run.err) == (0, "")
    assert centre.run("--export", "now.csv") == Run(0, "", "")
    assert centre.read("now.csv") == run.out
    assert centre.run("now.csv").out == "nothing to do: 5 agents are where the file says\n"


def test_all_errors_are_told_before_the_first_write(centre: Centre) -> None:
    """Each wrong row is a line with its number; nothing is moved."""
    centre.write("username,path\nada,Sales\nbob,Sails\nzoe,Sales\nada,\nbob\ncyd,24/7\n")
    run = centre.run("agents.csv", "--apply")
    assert run.code == 1
    assert run.err.splitlines() == [
        "agents.csv:3: the tree has no hierarchy group 'Sails', nearest are: 'Sales'",
        "agents.csv:4: the instance has no user 'zoe'",
        "agents.csv:5: user 'ada' is also in line 2: keep one of the two",
        "agents.csv:6: has 1 cell, the header 2: write an empty path as an empty cell",
        (
            "agents.csv:7: path '24/7' fits 2 hierarchy groups, since names have slashes: "
            'write ["24", "7"] or ["24/7"]'
        ),
        "Error: 5 errors in agents.csv, nothing was changed",
        f"Try:   connect-hierarchy agents --instance {centre.alias} agents.csv --apply",
    ]
    assert centre.moves == []


def test_what_was_made_a_moment_ago_is_known(centre: Centre) -> None:
    """A group and an agent that no search shows yet are found."""
    centre.aws.connect.settings.search_lag = 900
    centre.add_group("Support", "APAC")
    centre.backend.create_user(centre.instance, "fay")
    centre.write("username,path\nfay,Support/APAC\n")
    assert centre.run("agents.csv", "--apply").code == 0
    assert centre.places["fay"] == "Support / APAC"


def test_a_report_has_a_line_for_each_move(centre: Centre) -> None:
    """User name, both paths, the outcome and the time; a further run adds its own."""
    centre.write("username,path\nada,Sales\ndan,\n")
    assert centre.run("agents.csv", "--apply", "--report", "moves.csv").code == 0
    centre.write("username,path\nbob,24 / 7\n")
    assert centre.run("agents.csv", "--apply", "--report", "moves.csv").code == 0
    rows = list(csv.DictReader(centre.read("moves.csv").splitlines()))
    told = [(r["username"], r["from"], r["to"], r["outcome"], r["why"]) for r in rows]
    assert sorted(told[:2]) == [
        ("ada", "Support", "Sales", "moved", ""),
        ("dan", "Support/EMEA", "", "moved", ""),
    ]
    assert told[2:] == [("bob", "Support", "24 / 7", "moved", "")]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", r["time"]) for r in rows)


def test_another_file_is_no_report(centre: Centre) -> None:
    """A file that is something else is not written into, and nobody is moved."""
    centre.write("username,path\nada,Sales\n")
    run = centre.run("agents.csv", "--apply", "--report", "agents.csv")
    assert run.code == 1
    assert "Error: agents.csv is there and is no report of moves: give another file" in run.err
    assert centre.moves == []


def test_json(centre: Centre) -> None:
    """Machines get each move with its user name, and what came of it."""
    centre.write('username,path\nada,"[""24/7""]"\nbob,Support\n')
    run = centre.run("agents.csv", "--json")
    move = {"username": "ada", "from": "Support", "to": '["24/7"]'}
    assert json.loads(run.out)["moves"] == [move]
    value = json.loads(centre.run("agents.csv", "--json", "--apply").out)
    assert value["in_place"] == 1
    assert value["moves"] == [{**move, "outcome": "moved"}]


def test_an_agent_that_goes_meanwhile_is_told(centre: Centre) -> None:
    """An agent that is deleted before it is moved is a failure, and the others are moved."""
    centre.write("username,path\nada,Sales\nbob,Sales\n")
    ada = next(u for u in centre.backend.list_users(centre.instance) if u.username == "ada")

    def allow(_principal: str | None, action: str, resource: str) -> bool:
        is_there = ada in centre.backend.list_users(centre.instance)
        if is_there and action == f"connect:{_MOVE}" and resource.endswith(ada.id):
            centre.backend.delete_user(centre.instance, ada.id)
        return True

    centre.aws.connect.settings.authorize = allow
    run = centre.line.run(
        "agents", "agents.csv", "--apply", "--instance", centre.alias, clock=PatientClock()
    )
    assert (run.code, run.out) == (1, "1 agent is moved, 1 not moved\n")
    first, error, *_ = run.err.splitlines()
    assert re.fullmatch(r"ada: .*\(ResourceNotFoundException\)", first)
    assert error == "Error: 1 agent is not moved, as said above"
    assert centre.places["bob"] == "Sales"


def test_a_service_that_stops_answering_is_told(centre: Centre) -> None:
    """The error says how far it came; the same command does the rest, and moves nobody twice."""
    centre.write("username,path\nada,Sales\nbob,Sales\ncyd,Sales\n")
    centre.aws.connect.plan_fault(_MOVE, nth=2, kind=FaultKind.CUT_BEFORE, times=10_000)
    clock = PatientClock()
    arguments = ("agents", "agents.csv", "--apply", "--instance", centre.alias)
    run = centre.line.run(*arguments, "--requests-per-second", "2", clock=clock)
    assert run.code == 1
    assert "Connection was closed" in run.err
    assert "1 of 3 agents are done" in run.err
    assert f"Try:   connect-hierarchy {' '.join(arguments)}" in run.err
    centre.aws.connect.forget_faults()
    assert centre.line.run(*arguments).code == 0
    assert centre.moves.count("ok") == 3
    assert set(centre.places.values()) - {"24/7", "Support/EMEA"} == {"Sales"}


def test_ctrl_c_is_gone_on_with(centre: Centre, tmp_path: Path) -> None:
    """Ctrl-C ends after the calls under way; the same command does the rest, each agent once."""
    with an_hour_ago(centre.aws):
        for number in range(200):
            centre.backend.create_user(centre.instance, f"agent-{number}")
    rows = "".join(f"agent-{number},Sales\n" for number in range(200))
    centre.write(f"username,path\n{rows}")
    arguments = (
        "agents",
        "agents.csv",
        "--instance",
        centre.alias,
        "--apply",
        "--report",
        "moves.csv",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "connect_hierarchy_cli", *arguments],
        cwd=tmp_path,
        env=centre.line.process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen = 0

    def interrupt(_principal: str | None, action: str, _resource: str) -> bool:
        nonlocal seen
        seen += action == f"connect:{_MOVE}"
        if seen == 50:
            process.send_signal(signal.SIGINT)
            seen += 1
        return True

    centre.aws.connect.settings.authorize = interrupt
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    found = re.search(r"Error: stopped, (\d+) of 200 agents are done; the same command does", err)
    assert found is not None, err
    done = int(found[1])
    assert 50 <= done < 200
    # no call was cut off: what was asked for is told
    assert len(centre.moves) == done == centre.read("moves.csv").count("moved")
    centre.aws.connect.settings.authorize = None
    assert centre.line.run(*arguments).code == 0
    assert centre.moves == ["ok"] * 200
    assert set(centre.places.values()) == {"Sales", *_HIRED.values()}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give a FILE, or --export to have one written"),
        (("missing.csv",), "'missing.csv' does not exist"),
        (("agents.csv", "--export", "-"), "--export needs a file beside FILE"),
        (
            ("agents.csv", "--report", "nowhere/moves.csv", "--apply"),
            "'nowhere/moves.csv' does not",
        ),
        (("agents.csv", "--aply"), "No such option"),
        ((".",), "'.' is a directory"),
    ],
)
def test_what_cannot_be(centre: Centre, arguments: tuple[str, ...], told: str) -> None:
    """Arguments that make no sense are one sentence and a next command, with exit code 1."""
    centre.write("username,path\nada,Sales\n")
    run = centre.run(*arguments)
    assert (run.code, run.out) == (1, "")
    assert told in run.err
    assert run.err.splitlines()[-1].startswith("Try: ")
    assert centre.moves == []
