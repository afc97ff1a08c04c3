"""Plans of the sample app, which the real CDK CLI then deploys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from constructs import Construct

from app import ORGANISATION, ContactCentre
from connect_hierarchy_cli.errors import EXIT_CHANGES, EXIT_ERROR, EXIT_SUCCESS
from local_aws import LocalAws
from local_aws.connect import Rate
from local_aws.connect.settings import Call
from tests.support.cdk_cli import CdkCli
from tests.support.command_line import CommandLine

_READS = ("Describe", "List", "Search", "Get")


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """A local AWS with a raised quota of requests."""
    with LocalAws() as running:
        running.connect.settings.default_rate = Rate(per_second=40, burst=60)
        yield running


def test_a_plan_is_what_the_cdk_cli_then_deploys(aws: LocalAws, tmp_path: Path) -> None:
    """Levels, renames, moves with agents and the clean-up; a file; and a refusal, told before."""
    cdk, line = CdkCli.bootstrapped(aws, tmp_path), CommandLine(aws, tmp_path)

    def assembly(step: int) -> str:
        def build(app: Construct) -> None:
            ContactCentre(app, "ContactCentre", step=step)

        return cdk.assembly(build)

    def deploy(folder: str, *, fails: bool = False) -> Sequence[Call]:
        before = len(aws.connect.calls)
        cdk.run("deploy", "--app", folder, "--all", "--require-approval=never", fails=fails)
        made = aws.connect.calls[before:]
        return [c for c in made if not c.api.startswith(_READS) and c.outcome == "ok"]

    first = assembly(1)
    run = line.run("plan", "--app", first)
    assert run.code == EXIT_CHANGES
    assert run.out.startswith("ContactCentre: 12 added, levels changed\n")
    deploy(first)
    again = line.run("plan", "--app", first)
    assert (again.code, again.err) == (EXIT_SUCCESS, "")
    assert again.out.startswith("No changes.")

    # a file in place of the one that is deployed
    renamed = (ORGANISATION / "step-1.yaml").read_text(encoding="utf-8")
    renamed = renamed.replace("- name: Sales", "- name: Revenue\n    key: Sales", 1)
    (tmp_path / "renamed.yaml").write_text(renamed, encoding="utf-8")
    run = line.run("plan", "renamed.yaml", "--stack", "ContactCentre", "--json")
    value = json.loads(run.out)
    assert (run.code, value["changes"]) == (EXIT_CHANGES, {"renamed": 1})
    assert [call["what"] for call in value["calls"]] == ["Sales → Revenue"]

    reorganised = assembly(2)
    value = json.loads(line.run("plan", "--app", reorganised, "--json").out)
    assert value["changes"] == {"added": 1, "renamed": 1, "moved": 2}
    assert value["requests_per_second"] == 2.0, "that of the function, which is not raised"
    planned = [call["api"] for call in value["calls"] if not call["refused_with"]]
    made = deploy(reorganised)
    assert planned == [call.api for call in made]
    names = [call.parameters["Name"] for call in made if "Create" in call.api]
    created = [call["what"] for call in value["calls"] if "Create" in call["api"]]
    assert [what.rsplit("/", 1)[-1] for what in created] == names
    assert line.run("plan", "--app", reorganised).code == EXIT_SUCCESS

    # somebody creates by hand a group that the third step will create
    connect = aws.client("connect")
    (instance,) = connect.list_instances()["InstanceSummaryList"]
    connect.create_user_hierarchy_group(InstanceId=instance["Id"], Name="Partners")
    failing = assembly(3)
    run = line.run("plan", "--app", failing, "--json")
    refusal = json.loads(run.out)["refusal"]
    assert run.code == EXIT_ERROR
    assert "'Partners': it exists already" in refusal
    before = len(aws.connect.calls)
    said = cdk.run("deploy", "--app", failing, "--all", "--require-approval=never", fails=True)
    assert len(aws.connect.calls) > before
    assert " ".join(refusal.split()) in " ".join(said.split())
