"""`copy`: plans, what is made, errors and exit codes; in one account and between two."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from connect_hierarchy_lambda.model.ownership import owner_tags
from local_aws import LocalAws
from tests.support.command_line import CommandLine, Run
from tests.support.instances import new_instance, unpaced_aws, write_levels
from tests.support.refusing_service import refusing

_REPOSITORY = Path(__file__).resolve().parents[2]
_CREATE = "CreateUserHierarchyGroup"
_WRITES = ("UpdateUserHierarchyStructure", _CREATE, "UpdateUserHierarchy", "TagResource")


class Pair:
    """An instance with a hierarchy, and one with none, in the same account."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self.aws = aws
        self.backend = aws.connect.backend
        self.line = CommandLine(aws, folder)
        number = len(self.backend.instances)
        self.source, self.target = f"source-{number}", f"target-{number}"
        self.ids = {
            self.source: new_instance(self.backend, "Division", "Region", alias=self.source),
            self.target: new_instance(self.backend, alias=self.target),
        }
        self.add(self.source, "Sales")
        self.add(self.source, "Support", **{"cost-center": "42"}, **owner_tags("Centre/1", "Tree"))
        self.add(self.source, "Support", "24/7 [desk]")
        self.hire(self.source, "ada", "Support", "24/7 [desk]")
        self.hire(self.source, "bob", "Sales")
        self.hire(self.target, "ada")
        aws.connect.calls.clear()

    def write_levels(self, alias: str, *names: str) -> None:
        """Write levels as an operator would."""
        write_levels(self.backend, self.ids[alias], *names)

    def add(self, alias: str, *path: str, **tags: str) -> None:
        """Make a group as an operator would."""
        groups = self.backend.hierarchy(self.ids[alias]).by_path
        above = groups[path[:-1]].id if len(path) > 1 else None
        self.backend.create_user_hierarchy_group(self.ids[alias], path[-1], above, tags)

    def hire(self, alias: str, username: str, *path: str) -> None:
        """Make an agent in a group."""
        group = self.backend.hierarchy(self.ids[alias]).by_path[path].id if path else None
        self.backend.create_user(
            self.ids[alias],
            username,
            hierarchy_group_id=group,
            identity_info={"FirstName": "Secret"},
        )

    def run(self, *arguments: str) -> Run:
        """Copy from the one to the other."""
        run = self.line.run("copy", "--from", self.source, "--to", self.target, *arguments)
        assert "secret" not in (run.out + run.err).lower()
        return run

    def tree(self, alias: str) -> dict[str, dict[str, str]]:
        """The tags of each group by its path."""
        groups = self.backend.hierarchy(self.ids[alias]).by_path
        return {"/".join(path): dict(group.tags) for path, group in groups.items()}

    @property
    def writes(self) -> list[str]:
        """The calls that changed something."""
        return [call.api for call in self.aws.connect.calls if call.api in _WRITES]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """An AWS without a rate."""
    with unpaced_aws() as aws:
        yield aws


@pytest.fixture
def pair(aws: LocalAws, tmp_path: Path) -> Iterator[Pair]:
    """Two instances of their own."""
    yield Pair(aws, tmp_path)
    aws.connect.settings.authorize = None
    aws.connect.settings.group_quota = 500


_COPIED = {"Sales": {}, "Support": {"cost-center": "42"}, "Support/24/7 [desk]": {}}


def _lines(run: Run) -> Sequence[str]:
    return [re.sub(" {2,}", "  ", line.strip()) for line in run.out.splitlines()]


def test_without_apply_it_tells_and_changes_nothing(pair: Pair) -> None:
    """A dry run shows levels, groups with their tags, and agents, and how to go on."""
    run = pair.run("--agents")
    assert run.code == 0
    assert _lines(run) == [
        "level  name",
        "+ 1  Division",
        "+ 2  Region",
        "",
        "group  tags",
        "+ Sales",
        "+ Support  cost-center=42",
        "+ Support / 24/7 [desk]",
        "",
        "agents to  agents  user names",
        "Support / 24/7 [desk]  1  ada",
        "",
        (
            "2 levels to add; 3 groups to make, 0 there already; 1 agent to move, 0 in place "
            "already; about 1 s"
        ),
    ]
    assert run.err.splitlines()[-2:] == [
        "note: 1 agent of the source is no user of the target: bob",
        "Nothing was changed. Add --apply to make it so.",
    ]
    assert pair.writes == []


def test_apply_makes_it_so(pair: Pair) -> None:
    """Levels, groups, tags and agents are copied, owners are not; again there is nothing to do."""
    pair.backend.create_user(pair.ids[pair.target], "bob")
    run = pair.run("--agents", "--apply")
    assert run.code == 0
    assert run.out == "3 groups are made; 2 agents are moved\n"
    assert pair.tree(pair.target) == _COPIED
    copied = pair.backend.hierarchy(pair.ids[pair.target])
    assert copied.level_names == ("Division", "Region")
    assert copied.usernames("Support", "24/7 [desk]") == ("ada",)
    assert copied.usernames("Sales") == ("bob",)
    assert pair.writes == [_WRITES[0], *[_CREATE] * 3, *["UpdateUserHierarchy"] * 2]
    run = pair.run("--agents")
    assert run.code == 0
    assert run.out.startswith("nothing to do: 0 levels to add; 0 groups to make, 3 there already")


def test_what_is_there_stays(pair: Pair) -> None:
    """Groups of the same path are kept, what differs is told; others are not touched."""
    pair.write_levels(pair.target, "Division", "Region", "Desk")
    pair.add(pair.target, "Mine", mine="1")
    pair.add(pair.target, "Support", **{"cost-center": "7"})
    run = pair.run("--apply")
    assert run.code == 0
    assert (
        "note: tags of 'Support' stay: 'cost-center' is '7', '42' in the source"
        in run.err.splitlines()
    )
    assert pair.tree(pair.target) == {
        **_COPIED,
        "Support": {"cost-center": "7"},
        "Mine": {"mine": "1"},
    }
    levels = pair.backend.hierarchy(pair.ids[pair.target]).level_names
    assert levels == ("Division", "Region", "Desk")
    assert pair.writes == [_CREATE] * 2


def test_all_that_is_in_the_way_is_told_before_the_first_write(pair: Pair) -> None:
    """Levels of other names and the quota are told together, and nothing is written."""
    pair.write_levels(pair.target, "Department")
    run = pair.run("--apply", "--group-quota", "2")
    assert run.code == 1
    assert run.err.splitlines()[-4:] == [
        (
            "level 1 is 'Department' in the target and 'Division' in the source: rename one, or "
            "copy with --keep-levels"
        ),
        (
            "the target has 0 groups and would have 3 with the new ones, its quota is 2: raise "
            "quota L-D68AAAE4 of Amazon Connect"
        ),
        "Error: 2 errors in the plan, nothing was changed",
        (
            f"Try:   connect-hierarchy copy --from {pair.source} --to {pair.target} --apply "
            "--group-quota 2"
        ),
    ]
    assert pair.writes == []
    assert pair.run("--apply", "--keep-levels").code == 0
    assert pair.tree(pair.target) == _COPIED


def test_the_quota_of_the_target_is_asked_for(pair: Pair) -> None:
    """Service Quotas says how many groups the target may have; --group-quota wins over it."""
    pair.aws.connect.settings.group_quota = 2
    run = pair.run("--apply")
    assert run.code == 1
    assert "would have 3 with the new ones, its quota is 2" in run.err
    assert pair.writes == []
    assert pair.run("--group-quota", "3").code == 0


def test_a_quota_that_nobody_tells_is_assumed(pair: Pair, tmp_path: Path) -> None:
    """Without a permission for Service Quotas, the default is assumed, and that is said."""
    with refusing(400, "AccessDeniedException", "no") as address:
        line = CommandLine(pair.aws, tmp_path, {"AWS_ENDPOINT_URL_SERVICE_QUOTAS": address})
        run = line.run("copy", "--from", pair.source, "--to", pair.target)
    assert run.code == 0
    assert run.err.splitlines()[0] == (
        f"note: Service Quotas does not say how many groups {pair.target} may have; 500 are "
        "assumed, --group-quota says otherwise"
    )


def test_json(pair: Pair) -> None:
    """Machines get the plan."""
    value = json.loads(pair.run("--agents", "--json").out)
    assert value["levels"] == {"before": [], "after": ["Division", "Region"]}
    assert value["groups"][1] == {"path": ["Support"], "tags": {"cost-center": "42"}}
    assert value["agents"] == [{"username": "ada", "to": ["Support", "24/7 [desk]"]}]
    assert value["missing_agents"] == ["bob"]
    assert pair.writes == []


@pytest.mark.parametrize("nth", [1, 3])
def test_a_run_that_is_killed_is_gone_on_with(pair: Pair, nth: int, tmp_path: Path) -> None:
    """A run that is killed while it makes a group is finished by the next, no group twice."""
    arguments = ("copy", "--from", pair.source, "--to", pair.target, "--agents", "--apply")
    process = subprocess.Popen(
        [sys.executable, "-m", "connect_hierarchy_cli", *arguments],
        cwd=tmp_path,
        env=pair.line.process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    seen = 0

    def kill(_principal: str | None, action: str, _resource: str) -> bool:
        nonlocal seen
        seen += action == f"connect:{_CREATE}"
        if seen >= nth:
            process.kill()
        return True

    pair.aws.connect.settings.authorize = kill
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    pair.aws.connect.settings.authorize = None
    assert pair.line.run(*arguments).code == 0
    assert pair.tree(pair.target) == _COPIED
    assert pair.backend.hierarchy(pair.ids[pair.target]).usernames("Support", "24/7 [desk]")


def test_into_another_region(pair: Pair) -> None:
    """The target has a Region and an address of its own."""
    with _another_region("us-east-1") as address:
        connect = _client(address, "us-east-1")
        target = connect.create_instance(
            IdentityManagementType="SAML",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
            InstanceAlias="far-away",
        )
        run = pair.line.run(
            "copy",
            *("--from", pair.source, "--to", "far-away", "--apply"),
            *("--to-region", "us-east-1", "--to-endpoint-url", address),
        )
        assert (run.code, run.out) == (0, "3 groups are made\n")
        found = connect.search_user_hierarchy_groups(InstanceId=target["Id"])
    tags = {
        group["Name"]: group.get("Tags", {})
        for group in found["UserHierarchyGroups"]
        if group["LevelId"] != "0"
    }
    assert tags == {"Sales": {}, "Support": {"cost-center": "42"}, "24/7 [desk]": {}}
    assert pair.writes == []


@contextmanager
def _another_region(region: str) -> Iterator[str]:
    """The address of an AWS in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "local_aws", "--port", "0", "--region", region],
        cwd=_REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield next(
                match[1]
                for line in process.stdout
                if (match := re.match(r"export AWS_ENDPOINT_URL=(.*)$", line))
            )
        finally:
            process.terminate()
            process.communicate()


def _client(address: str, region: str) -> Any:
    session = boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - any will do
        region_name=region,
    )
    return session.client("connect", endpoint_url=address)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Missing option '--from'"),
        (("--from", "{source}", "--to", "{source}"), "--from and --to are the same instance"),
        (("--from", "{source}", "--to", "nothing"), "has no instance 'nothing'"),
        (("--from", "{target}", "--to", "{source}"), "the source has no hierarchy structure"),
        (("--from", "{source}", "--to", "{target}", "--group-quota", "0"), "Invalid value"),
    ],
)
def test_what_cannot_be(pair: Pair, arguments: tuple[str, ...], told: str) -> None:
    """Arguments that make no sense are told, with exit code 1 and a next command."""
    words = [word.format(source=pair.source, target=pair.target) for word in arguments]
    run = pair.line.run("copy", "--apply", *words)
    assert (run.code, run.out) == (1, "")
    assert told in run.err
    assert run.err.splitlines()[-1].startswith("Try: ")
    assert pair.writes == []
