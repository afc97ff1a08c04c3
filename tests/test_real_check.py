"""`make check-real` against the local AWS, whose settings say what has to be found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import ConnectSettings, DuplicateScope
from local_aws.connect.settings import Rate
from tests.support.cdk_cli import CdkCli
from tests.support.instances import new_instance

REPOSITORY = Path(__file__).resolve().parents[1]
LEVELS = ("Division", "Team", "Desk")
SHORT = ("--samples", "2", "--rate-seconds", "3")


@dataclass(frozen=True)
class Place:
    """A local AWS with an instance that the check can run on."""

    aws: LocalAws
    instance_arn: str
    results: Path

    @property
    def instance_id(self) -> str:
        """Id of the instance."""
        return self.instance_arn.rsplit("/", 1)[-1]

    @property
    def groups(self) -> set[str]:
        """The paths of the instance's groups."""
        hierarchy = self.aws.connect.backend.hierarchy(self.instance_id)
        return {"/".join(path) for path in hierarchy.by_path}

    @property
    def stacks(self) -> dict[str, str]:
        """The stacks that are there, with their status."""
        shown = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"]: stack["StackStatus"] for stack in shown}

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start the check as `make check-real` does."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "real_check", self.instance_arn),
                *("--results", str(self.results), *options),
            ],
            cwd=REPOSITORY,
            env=self.aws.cli_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def check(self, *options: str) -> tuple[int, str]:
        """Run the check to its end; its exit code, and what it said."""
        process = self.start(*options)
        said, _ = process.communicate(timeout=900)
        return process.returncode, said

    @property
    def found(self) -> dict[str, Any]:
        """What the check has written for programs."""
        content: dict[str, Any] = json.loads((self.results / "real-check.json").read_text())
        return content

    @property
    def facts(self) -> Mapping[str, Any]:
        """The answers by their keys."""
        return {fact["key"]: fact["answer"] for fact in self.found["facts"]}


@contextmanager
def place(
    folder: Path,
    connect_settings: ConnectSettings,
    engine_settings: EngineSettings | None = None,
    levels: Sequence[str] = LEVELS,
) -> Iterator[Place]:
    """A local AWS where the CDK is set up, and an instance with a stranger's group."""
    with LocalAws(connect_settings=connect_settings, engine_settings=engine_settings) as aws:
        backend = aws.connect.backend
        instance = new_instance(backend, *levels)
        if levels == LEVELS:
            backend.create_user_hierarchy_group(instance, "Sales")
        CdkCli.bootstrapped(aws, folder)
        yield Place(aws, backend.instance_arn(instance), folder / "results")


def seconds(answer: str) -> float:
    """The rate of an answer such as `2.0 a second, burst 5`."""
    return float(answer.split(maxsplit=1)[0])


def burst(answer: str) -> int:
    """The burst of such an answer."""
    return int(answer.rsplit(maxsplit=1)[-1])


def test_all_of_it(tmp_path: Path) -> None:
    """Promises are kept, facts are as the settings have them, and nothing is left."""
    with place(tmp_path, ConnectSettings()) as here:
        client = here.aws.client("connect")
        agent = here.aws.connect.backend.create_user(here.instance_id, "ada").id
        stacks = here.stacks
        code, said = here.check(*SHORT, "--agent", "ada", "--confirm", here.instance_id)
        assert code == 0, said
        assert here.groups == {"Sales"}
        assert here.stacks == stacks
        user = client.describe_user(InstanceId=here.instance_id, UserId=agent)["User"]
        assert "HierarchyGroupId" not in user
    assert {one["kept"] for one in here.found["promises"]} == {True}
    assert len(here.found["promises"]) == 9
    assert here.found["left"] == []
    facts = here.facts
    assert facts["duplicate_scope"] == "siblings"
    assert max(facts[f"lag_of_{kind}"] for kind in ("describe", "list", "search")) < 2
    for api in ("DescribeUserHierarchyGroup", "ListUserHierarchyGroups"):
        assert 1.5 <= seconds(facts[f"rate_of_{api}"]) <= 2.5
        assert 4 <= burst(facts[f"rate_of_{api}"]) <= 6
    assert facts["replaced_get_reversed_update"] is True
    assert facts["reversed_update_id"] == "new"
    assert facts["rollback_sets_updated_time"] is False
    assert facts["records_show_progress"] is True
    assert facts["records_show_what_is_cleaned_up"] is False
    assert facts["response_url_has_date"] is True
    assert facts["template_in_rollback"] == "new, then old"
    text = (here.results / "real-check.md").read_text()
    assert "| Among which groups may a name occur once? | siblings |" in text


def test_the_other_positions(tmp_path: Path) -> None:
    """Where the settings are others, so are the facts; levels are made and removed as well."""
    connect = ConnectSettings(
        duplicate_scope=DuplicateScope.INSTANCE,
        read_lag=2.0,
        search_lag=4.0,
        rates={"ListUserHierarchyGroups": Rate(per_second=1, burst=2)},
    )
    engine = EngineSettings(
        reversed_update_id=ReversedUpdateId.ORIGINAL,
        rollback_sets_updated_time=True,
        records_show_progress=False,
        records_show_what_is_cleaned_up=True,
        response_url_has_date=False,
    )
    with place(tmp_path, connect, engine, levels=()) as here:
        options = (*SHORT, "--no-promises", "--confirm", here.instance_id)
        code, said = here.check(*options)
        assert code == 0, said
        assert here.groups == set()
        here.aws.connect.settings.read_lag = 0.0
        structure = here.aws.client("connect").describe_user_hierarchy_structure(
            InstanceId=here.instance_id
        )
        assert structure.get("HierarchyStructure", {}) == {}
    facts = here.facts
    assert facts["duplicate_scope"] == "instance"
    assert 2 <= facts["lag_of_describe"] < 4
    assert 2 <= facts["lag_of_list"] < 4
    assert facts["lag_of_search"] >= 4
    assert 0.7 <= seconds(facts["rate_of_ListUserHierarchyGroups"]) <= 1.4
    assert seconds(facts["rate_of_DescribeUserHierarchyGroup"]) >= 1.5
    assert facts["reversed_update_id"] == "original"
    assert facts["rollback_sets_updated_time"] is True
    assert facts["records_show_progress"] is False
    assert facts["records_show_what_is_cleaned_up"] is True
    assert facts["response_url_has_date"] is False


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """Interrupted while the stack is being deployed, the check still removes all it made."""
    with place(tmp_path, ConnectSettings(default_rate=None)) as here:
        stacks = here.stacks
        process = here.start(
            "--samples", "1", "--rate-seconds", "0.1", "--confirm", here.instance_id
        )
        function = here.aws.awslambda
        here.aws.clock.wait_until(lambda: bool(function.invocations), timeout=300)
        assert process.poll() is None
        assert here.stacks != stacks
        os.kill(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 130, said
        assert here.groups == {"Sales"}
        assert here.stacks == stacks
    assert here.found["ended_by"] == "interrupted"
    assert here.found["left"] == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param((), "it was not confirmed: give --confirm", id="not confirmed"),
        pytest.param(
            ("--confirm", "yes"), "'yes' is not the instance's id", id="confirmed wrongly"
        ),
        pytest.param(("--agent", "nobody"), "the instance has no user 'nobody'", id="no such user"),
    ],
)
def test_refuses_without_a_confirmation(tmp_path: Path, options: tuple[str, ...], why: str) -> None:
    """Without the instance's id, or with a user who is not there, nothing is changed."""
    with place(tmp_path, ConnectSettings()) as here:
        calls = len(here.aws.connect.calls)
        code, said = here.check(*options)
        assert code == 2
        assert why in said
        assert "nothing was changed: " in said
        made = {call.api for call in here.aws.connect.calls[calls:]}
        assert not {api for api in made if not api.startswith(("Describe", "List", "Search"))}


def test_refuses_somebodys_two_levels(tmp_path: Path) -> None:
    """Levels that are too few and somebody's are not extended."""
    with place(tmp_path, ConnectSettings(), levels=LEVELS[:2]) as here:
        code, said = here.check("--confirm", here.instance_id)
        assert code == 2
        assert "the instance has 2 levels, at least 3 are needed" in said


@pytest.mark.parametrize(
    ("goal", "profiles"), [("check-real", "/mine"), ("demo", "/dev/null"), ("test", "/dev/null")]
)
def test_only_the_check_reads_profiles(goal: str, profiles: str) -> None:
    """The target on a real account has a person's own settings, and every other one has none."""
    database = subprocess.run(
        ["make", "--print-data-base", "--dry-run", goal, "INSTANCE=arn"],
        cwd=REPOSITORY,
        env={**os.environ, "AWS_CONFIG_FILE": "/mine"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    (line,) = [line for line in database.splitlines() if line.startswith("AWS_CONFIG_FILE ")]
    assert line.split()[-1] == profiles
