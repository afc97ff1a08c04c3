"""`tree`: what it shows of an instance, and how it finds the instance."""

from __future__ import annotations

import json

from local_aws import LocalAws
from tests.support.command_line import CommandLine


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
    """Hidden groups are counted, and user names are shown on request."""
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


def test_pictures(line: CommandLine) -> None:
    """One file each, with groups, levels, owners and agents; nothing else is written."""
    run = line.run("tree", "acme", "--html", "acme.html", "--svg", "acme.svg")
    assert (run.code, run.out) == (0, "")
    assert run.err == "acme.html: 3 groups\nacme.svg: 3 groups\n"
    page = (line.folder / "acme.html").read_text()
    drawn = (line.folder / "acme.svg").read_text()
    assert drawn.startswith("<svg ")
    assert page.startswith("<!doctype html>")
    for text in ("acme", "Support", "EMEA", "Division", "Region"):
        assert text in page
        assert text in drawn
    assert "ada" in page
    assert "Centre" in page


def test_a_picture_that_can_not_be_written(line: CommandLine) -> None:
    """The file is named."""
    run = line.run("tree", "acme", "--svg", "nowhere/acme.svg")
    assert (run.code, run.out) == (1, "")
    assert run.err == "Error: 'nowhere' does not exist\nTry:   ls .\n"
