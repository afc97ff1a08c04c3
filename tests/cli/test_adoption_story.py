"""How somebody adopts an instance that was made by hand, from the first look to each change.

The CDK CLI is the real one, and the function runs in a process of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connect_hierarchy_cli.errors import CommandError
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import Settings
from connect_hierarchy_cli.stacks import find_stack
from connect_hierarchy_lambda.model.ledger import Origin
from connect_hierarchy_lambda.model.ownership import KEY_TAG, RESOURCE_TAG, STACK_TAG
from connect_hierarchy_lambda.model.properties import ResourceType
from local_aws import LocalAws
from local_aws.connect.settings import Call
from tests.support.cdk_cli import CdkCli
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("constructs", "lambda_handlers", "tree_files")
ALIAS = "acme"
STACK = f"Hierarchy-{ALIAS}"
GROUPS = 400
AGENTS = 300
READS = ("Describe", "List", "Search")


@dataclass
class Story:
    """An instance with years of groups in it, and what its owner has at hand."""

    aws: LocalAws
    folder: Path
    instance_id: str

    @property
    def line(self) -> CommandLine:
        """The command `connect-hierarchy`."""
        return CommandLine(self.aws, self.folder)

    @property
    def app(self) -> Path:
        """The folder of the exported app."""
        return self.folder / "app"

    @property
    def file(self) -> Path:
        """The file of the exported tree."""
        return self.app / "organisation.yaml"

    def deploy(self) -> list[Call]:
        """Deploy the app as it stands; the calls of the function that write."""
        before = len(self.aws.connect.calls)
        cdk = CdkCli(self.aws, self.app)
        cdk.run("deploy", "--all", "--require-approval=never")
        return [call for call in self.aws.connect.calls[before:] if not call.api.startswith(READS)]

    def hierarchy(self) -> dict[str, Any]:
        """The instance as `tree --json` has it."""
        run = self.line.run("tree", ALIAS, "--json")
        assert run.code == 0, run.err
        value: dict[str, Any] = json.loads(run.out)
        return value

    def owners(self) -> dict[str, dict[str, str]]:
        """The tags of each group that say who owns it, by the group's id."""
        groups = self.aws.connect.backend.hierarchy(self.instance_id).groups
        ours = (STACK_TAG, RESOURCE_TAG, KEY_TAG)
        return {
            group_id: {tag: group.tags[tag] for tag in ours if tag in group.tags}
            for group_id, group in groups.items()
        }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """400 groups and 300 agents that were made by hand, in an account with a raised quota."""
    rooms = os.pathsep.join(str(REPOSITORY / room) for room in ROOMS)
    with pytest.MonkeyPatch.context() as patch, unpaced_aws() as aws:
        patch.setenv("PYTHONPATH", rooms)
        folder = tmp_path_factory.mktemp("story")
        CdkCli.bootstrapped(aws, folder)
        yield Story(aws, folder, _made_by_hand(aws))


def _made_by_hand(aws: LocalAws) -> str:
    """Four divisions of nine regions of ten teams, single groups, tags and agents in most."""
    backend = aws.connect.backend
    instance_id = new_instance(backend, "Division", "Region", "Team", alias=ALIAS)

    def add(name: str, above: str | None, **tags: str) -> str:
        return backend.create_user_hierarchy_group(instance_id, name, above, tags).group.id

    groups: list[str] = []
    for division in ("Support", "Sales", "Kundendienst", "Café & Bar"):
        groups.append(one := add(division, None, cost=division[:3]))
        for region in range(1, 10):
            groups.append(two := add(f"Region {region}", one, cost=f"{region}"))
            # teams of the same names everywhere
            groups += [
                add(f"Team {team}", two, cost=f"{region}-{team}", site="no") for team in range(9)
            ]
    while len(groups) < GROUPS:
        groups.append(add(f"Überall {len(groups)}", None))
    for number in range(AGENTS):
        group = None if number % 20 == 0 else groups[number * 7 % len(groups)]
        backend.create_user(instance_id, f"agent-{number:03}", hierarchy_group_id=group)
    return instance_id


def _without_owners(value: Any) -> Any:
    """A hierarchy of `tree --json` without what owns its groups."""
    if isinstance(value, dict):
        return {name: _without_owners(item) for name, item in value.items() if name != "owner"}
    if isinstance(value, list):
        return [_without_owners(item) for item in value]
    return value


def test_adopting_writes_nothing_but_tags(story: Story) -> None:
    """The exported app deploys as it stands: each group is tagged once, and all else stays."""
    before = story.hierarchy()
    run = story.line.run("export", ALIAS, "--cdk", str(story.app), "--requests-per-second", "200")
    assert run.code == 0, run.err
    assert f"with {GROUPS} groups" in run.err
    assert "Note:" not in run.err

    writes = story.deploy()

    assert {call.api for call in writes} == {"TagResource"}
    tagged = [call.parameters["resourceArn"] for call in writes]
    assert len(tagged) == len(set(tagged)) == GROUPS
    after = story.hierarchy()
    assert _without_owners(after) == _without_owners(before)
    owners = story.owners()
    assert len(owners) == GROUPS
    assert {tags[STACK_TAG].split("/")[0] for tags in owners.values()} == {STACK}
    assert len({tags[KEY_TAG] for tags in owners.values()}) == GROUPS


def test_deploying_again_changes_nothing(story: Story) -> None:
    """The app as it stands is what is deployed: there is nothing to do."""
    assert story.deploy() == []


def test_the_ledger_has_what_was_adopted(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack is found by its name, and its ledger by its function's environment."""
    for name, value in story.aws.environment.items():
        monkeypatch.setenv(name, value)
    stack = find_stack(Session(Settings()), STACK)
    assert {resource.type for resource in stack.resources} == {
        ResourceType.STRUCTURE,
        ResourceType.TREE,
    }
    assert all(resource.physical_id for resource in stack.resources)
    assert stack.function.rate.per_second == 200
    records = stack.ledger.records().values()
    assert {record.id for record in records} == set(story.owners())
    assert {record.origin for record in records} == {Origin.ADOPTED}


def test_stacks_that_are_not_there(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown stack, and one that no CDK app has written, are told by name."""
    for name, value in story.aws.environment.items():
        monkeypatch.setenv(name, value)
    session = Session(Settings())
    with pytest.raises(CommandError, match="Region eu-west-2 has no stack 'Nowhere'"):
        find_stack(session, "Nowhere")
    with pytest.raises(CommandError, match="stack CDKToolkit is none of a CDK app"):
        _ = find_stack(session, "CDKToolkit").function
