"""`make demo`, run whole: the real CDK CLI, the app, the function."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from demo.cli_events import CliEvent

REPOSITORY = Path(__file__).resolve().parents[1]
DEADLINE = 400.0
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@contextmanager
def _demo() -> Iterator[subprocess.Popen[str]]:
    """The demo's process; it ends at the latest at the deadline."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        guard = Timer(DEADLINE, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            # without an effect on what has ended
            process.kill()


def test_demo_tells_what_it_claims() -> None:
    """The demo runs once to its end, with exit code 0, and says what it has to."""
    with _demo() as process:
        told, _ = process.communicate()
    assert process.returncode == 0, told
    _every_claim_holds(told)
    _nothing_changes_in_the_second_deployment(told)
    _the_plan_is_what_is_deployed(told)
    _a_rename_keeps_the_id(told)
    _the_edit_of_the_file_is_shown(told)
    _a_move_carries_agents_and_what_is_below(told)
    _the_rollback_brings_everything_back(told)
    _destroy_leaves_no_group(told)
    _no_colours_where_there_is_no_terminal(told)


def _every_claim_holds(told: str) -> None:
    """The demo ends with its duration, and says that all claims held."""
    assert re.search(r"^Done in \d+ s: all \d+ claims held\.$", told, re.MULTILINE)
    assert "✗ this does not hold" not in told
    assert "Traceback" not in told
    assert "no process is left" in told


def _nothing_changes_in_the_second_deployment(told: str) -> None:
    """`cdk diff` is empty, and the second deployment makes no Connect call."""
    assert "`cdk diff` shows no difference" in told
    assert "the second `cdk deploy` made no Connect call" in told


def _the_plan_is_what_is_deployed(told: str) -> None:
    """The reorganisation is planned before it is deployed, and drawn."""
    plan, _ = told.split("$ cdk deploy -c step=2")
    assert "ContactCentre: 1 added, 1 renamed, 2 moved, levels changed" in plan
    assert "> Chat  moved from Support/Chat with 1 agent" in plan
    assert "✓ the deployment made the 9 writes of its plan, in that order" in told
    for name in ("before", "plan", "after"):
        picture = (REPOSITORY / "build" / "demo" / f"{name}.svg").read_text(encoding="utf-8")
        assert ("Operations" in picture) == (name != "before")


def _a_rename_keeps_the_id(told: str) -> None:
    """The list of changes shows the same id before and after."""
    match = re.search(
        rf"renamed Back Office → Operations\n +before ({ID})  Back Office\n"
        rf" +after  ({ID})  Operations\n",
        told,
    )
    assert match is not None
    assert match[1] == match[2]


def _the_edit_of_the_file_is_shown(told: str) -> None:
    """What was another line in the file is shown before it is deployed."""
    edit, _ = told.split("$ cdk deploy -c step=2")
    assert "organisation/step-2.yaml beside step-1.yaml:" in edit
    assert re.search(r"^ +- +- name: Back Office$", edit, re.MULTILINE)
    assert re.search(r"^ +\+ +key: Back Office\b", edit, re.MULTILINE)


def _a_move_carries_agents_and_what_is_below(told: str) -> None:
    """The group of the file and the one below it have other ids, and their agents are in them."""
    for path, agent in (("Chat", "ada"), ("Chat/Night desk", "grace")):
        match = re.search(
            rf"moved Sales/{path}\n +before ({ID})  Support/{path}\n"
            rf" +after  ({ID})  Sales/{path}\n",
            told,
        )
        assert match is not None
        assert match[1] != match[2]
        assert re.search(
            rf"agent {agent}\n +before {match[1]}  Support/{path}\n"
            rf" +after  {match[2]}  Sales/{path}\n",
            told,
        )


def _the_rollback_brings_everything_back(told: str) -> None:
    """The tree after the failed deployment is, id by id, the one before it."""
    _, by_hand, failed, _ = re.split(r"^[4567]\. .*$", told, flags=re.MULTILINE)[1:]
    rows = [
        re.findall(r"^ +[│├└].*?[0-9a-f]{8}(?:  \w+)?", part, re.MULTILINE)
        for part in (by_hand.replace("new, made by hand", ""), failed)
    ]
    assert len(rows[0]) == 14
    assert rows[0] == rows[1]
    assert "'Partners': it exists" in failed
    assert "what has changed: 14 kept" in failed
    _, clean_up = failed.split("· clean-up: what is not needed any more goes\n")
    assert re.search(r"deleted +Custom::ConnectHierarchyTree +Organisation", clean_up)


def _destroy_leaves_no_group(told: str) -> None:
    """What the stack made is deleted, what was made by hand was not touched."""
    assert "✓ no group of ours was left" in told
    assert "✓ Partners, made by hand, was never touched" in told


def _no_colours_where_there_is_no_terminal(told: str) -> None:
    """Neither colours nor anything else that only a terminal understands."""
    assert "\x1b" not in told
    assert "\r" not in told


def test_ctrl_c_ends_it_with_everything_it_started() -> None:
    """Interrupted while the CLI runs, it ends at once and the CLI with it."""
    with _demo() as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "$ cdk bootstrap" in line:
                break
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == 130, output
    assert "interrupted: everything that was started has ended" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "S |  8/25 | 11:19:15 PM | CREATE_COMPLETE  | Custom::Group     | A/B/Resource (AB12) ",
            CliEvent("8/25", "CREATE_COMPLETE", "Custom::Group", "A/B", ""),
        ),
        (
            "Stack |   0 | 11:20:30 PM | DELETE_FAILED      | AWS::Connect::User | Ada in use",
            CliEvent("0", "DELETE_FAILED", "AWS::Connect::User", "Ada", "in use"),
        ),
        ("Stack: creating CloudFormation changeset...", None),
    ],
)
def test_events_of_the_cli_are_read(line: str, event: CliEvent | None) -> None:
    """The CLI's lines about resources become events, any other line does not."""
    assert CliEvent.parse(line) == event


def test_the_cli_has_to_be_there() -> None:
    """Without the CLI on the PATH the demo says how it is started."""
    run = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=REPOSITORY,
        env=os.environ | {"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stdout == "the CDK CLI is not on the PATH: start the demo with `make demo`\n"
