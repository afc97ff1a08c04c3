"""`tree`: what it shows of an instance, and how it finds the instance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connect_hierarchy_lambda.model.ownership import owner_tags
from local_aws import LocalAws
from tests.support.command_line import CommandLine


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """An AWS with one instance, its three levels, four groups and three agents."""
    with LocalAws() as aws:
        aws.connect.settings.default_rate = None
        backend = aws.connect.backend
        instance = backend.create_instance(
            "CONNECT_MANAGED",
            inbound_calls_enabled=True,
            outbound_calls_enabled=True,
            instance_alias="acme",
        )["Id"]
        backend.update_user_hierarchy_structure(
            instance, {"LevelOne": {"Name": "Division"}, "LevelTwo": {"Name": "Region"}}
        )
        support = backend.create_user_hierarchy_group(instance, "Support", tags={"cost": "42"})
        emea = backend.create_user_hierarchy_group(
            instance, "EMEA", support.group.id, tags=owner_tags("Centre/1-2", "Tree", "ab")
        )
        backend.create_user_hierarchy_group(instance, "[bold]Sales")
        backend.create_user(instance, "ada", hierarchy_group_id=support.group.id)
        backend.create_user(instance, "bob", hierarchy_group_id=emea.group.id)
        backend.create_user(instance, "cyd")
        yield aws


@pytest.fixture
def line(aws: LocalAws, tmp_path: Path) -> CommandLine:
    """Commands against it."""
    return CommandLine(aws, tmp_path)


def test_it_draws_groups_with_levels_agents_and_owners(line: CommandLine) -> None:
    """Each group is below its parent; agents in no group are counted at the end."""
    run = line.run("tree", "acme")
    assert (run.code, run.err) == (0, "")
    assert run.out.splitlines() == [
        "acme  eu-west-2  3 groups, 3 agents  Division > Region",
        "├── [bold]Sales  Division",
        "├── Support  Division  1 agent of 2",
        "│   └── EMEA  Region  1 agent  by Centre/Tree",
        "└── in no group: 1 agent",
    ]


def test_json_has_what_scripts_need(line: CommandLine) -> None:
    """Ids, the owner and the user names, and no owner tags among the tags."""
    run = line.run("tree", "acme", "--json")
    value = json.loads(run.out)
    assert value["instance"]["alias"] == "acme"
    assert value["levels"] == ["Division", "Region"]
    support = next(group for group in value["groups"] if group["name"] == "Support")
    assert support["tags"] == {"cost": "42"}
    (emea,) = support["children"]
    assert emea["owner"] == {"stack": "Centre", "resource": "Tree"}
    assert (emea["tags"], emea["agents"]) == ({}, ["bob"])
    assert value["agents_in_no_group"] == ["cyd"]


def test_depth_and_agents(line: CommandLine) -> None:
    """What is hidden is said, and user names are shown where they are asked for."""
    run = line.run("tree", "--depth", "1", "--agents")
    lines = run.out.splitlines()
    assert lines[2:5] == [
        "├── Support  Division  1 agent of 2",
        "│   ├── ada",
        "│   └── … 1 group below",
    ]
    assert lines[-1] == "    └── cyd"
    assert "EMEA" not in run.out


def test_the_instance_by_id_and_arn(line: CommandLine, aws: LocalAws) -> None:
    """An ARN names the Region itself, whatever the environment says."""
    (instance,) = aws.connect.backend.instances.values()
    elsewhere = CommandLine(aws, line.folder, {"AWS_REGION": "us-east-1"})
    shown = {
        line.run("tree", instance.id).out,
        line.run("tree", instance.arn).out,
        elsewhere.run("tree", instance.arn).out,
        line.run("tree").out,
        line.run("--region", "eu-west-2", "tree").out,
    }
    assert len(shown) == 1
