"""The story of adopting an instance that was made by hand, from the first look to each change.

The CDK CLI is the real one, and the function runs in a process of its own.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from connect_hierarchy_cli.errors import (
    EXIT_CHANGES,
    EXIT_SUCCESS,
    CommandError,
)
from connect_hierarchy_cli.plan.files import groups_of
from connect_hierarchy_cli.session import Session
from connect_hierarchy_cli.settings import Settings
from connect_hierarchy_cli.stacks import find_stack
from connect_hierarchy_lambda.model.ledger import Origin
from connect_hierarchy_lambda.model.ownership import KEY_TAG, RESOURCE_TAG, STACK_TAG
from connect_hierarchy_lambda.model.properties import ResourceType
from local_aws import LocalAws
from tests.support.calls_in_words import CallInWords, calls_made, planned_calls
from tests.support.cdk_cli import CdkCli
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("constructs", "lambda_handlers", "tree_files")
ALIAS = "acme"
STACK = f"Hierarchy-{ALIAS}"
GROUPS = 400
AGENTS = 300
COPY = "acme-copy"

CLOSED = ("Sales/Region 9", *(f"Sales/Region 9/Team {team}" for team in range(9)))
"""A region that is closed: its agents go to the division."""

BECOMES: Mapping[str, str | None] = {
    "Café & Bar": "Gastronomie",
    "Support/Region 1": "Support/Nord",
    "Support/Region 1/Team 0": "Support/Nord/Team 1",
    "Support/Region 1/Team 1": "Support/Nord/Team 0",
    "Sales/Region 2": "Kundendienst/Verkauf 2",
    "Support/Region 4/Team 3": "Sales/Region 5/Team 9",
    "Überall 370": "Sales/Überall 370",
    "Überall 367": "Überall 366/Überall 367",
    "Überall 399": None,
    **dict.fromkeys(CLOSED, "Sales"),
}
"""Where agents are after the reorganisation, by the path of their group, or of one above it."""

CHANGES: Mapping[str, Sequence[str]] = {
    "Gastronomie": ["renamed"],
    "Support/Nord": ["renamed"],
    "Support/Nord/Team 0": ["renamed"],
    "Support/Nord/Team 1": ["renamed"],
    "Kundendienst/Verkauf 2": ["moved", "renamed"],
    **{f"Kundendienst/Verkauf 2/Team {team}": ["moved"] for team in range(9)},
    "Sales/Region 5/Team 9": ["moved", "renamed"],
    "Sales/Überall 370": ["moved"],
    "Überall 366/Überall 367": ["moved"],
    "Überall 399": ["removed"],
    **{path: ["removed"] for path in CLOSED},
}
"""What the plan of the reorganisation says of each group that changes."""


@dataclass
class Story:
    """An instance with many old groups, and the tools of its owner."""

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

    def deploy(self) -> Sequence[CallInWords]:
        """Deploy the app as it stands with the CDK CLI; the calls of the function that write."""
        with calls_made(self.aws.connect, self.instance_id) as made:
            CdkCli(self.aws, self.app).run("deploy", "--all", "--require-approval=never")
        return made

    @property
    def assembly(self) -> Path:
        """The folder of what was synthesised last."""
        return self.app / "cdk.out"

    @property
    def template(self) -> Any:
        """The template that was synthesised last."""
        path = self.assembly / f"{STACK}.template.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def change_template(self) -> Any:
        """Bring the template to what the app as it stands gives, and so without the CDK."""
        template, code = self.template, (self.app / "app.py").read_text(encoding="utf-8")
        for declaration in template["Resources"].values():
            properties = declaration.get("Properties", {})
            if "AdoptExisting" in properties:
                properties["AdoptExisting"] = "adopt_existing=True" in code
            if declaration["Type"] == ResourceType.TREE:
                properties["Groups"] = groups_of(self.file)
        path = self.assembly / f"{STACK}.template.json"
        path.write_text(json.dumps(template), encoding="utf-8")
        return template

    def deploy_template(self, template: Any) -> Sequence[CallInWords]:
        """Deploy what the CDK CLI would submit, where it adds nothing else."""
        with calls_made(self.aws.connect, self.instance_id) as made:
            stack = self.aws.cloudformation.deploy(STACK, template)
        assert stack.status == "UPDATE_COMPLETE"
        return made

    def plan(self, *arguments: str, code: int) -> Any:
        """What `plan --json` says, once its exit code is the expected one."""
        run = self.line.run("plan", *arguments, "--json")
        assert run.code == code, run.err
        return json.loads(run.out)

    def check_there_is_no_drift(self) -> None:
        """Amazon Connect is as the stack was deployed."""
        run = self.line.run("drift", "--stack", STACK)
        assert (run.code, run.out) == (0, f"{STACK}: everything is as it was deployed\n"), run

    def places(self) -> dict[str, str | None]:
        """The path of the group that each agent is in, None for none, by user name."""
        hierarchy = self.hierarchy()
        found: dict[str, str | None] = dict.fromkeys(hierarchy["agents_in_no_group"])
        left = [(str(group["name"]), group) for group in hierarchy["groups"]]
        for path, group in left:
            found |= dict.fromkeys(group["agents"], path)
            left += [(f"{path}/{child['name']}", child) for child in group["children"]]
        return found

    def hierarchy(self, alias: str = ALIAS) -> dict[str, Any]:
        """An instance as `tree --json` has it."""
        run = self.line.run("tree", alias, "--json")
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


class TreeFile:
    """The exported file, open in an editor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))

    def group(self, path: str) -> dict[str, Any]:
        """The group at a path."""
        found: dict[str, Any] = {"children": self._content["groups"]}
        for name in path.split("/"):
            (found,) = [one for one in found["children"] if one["name"] == name]
        return found

    def cut(self, path: str) -> dict[str, Any]:
        """Take a group out, with all that is below it."""
        group, (above, _, _) = self.group(path), path.rpartition("/")
        siblings = self.group(above)["children"] if above else self._content["groups"]
        siblings.remove(group)
        return group

    def move(self, path: str, above: str, name: str = "") -> None:
        """Put a group below another one, maybe with another name."""
        group = self.cut(path)
        group["name"] = name or group["name"]
        self.group(above).setdefault("children", []).append(group)

    def save(self) -> None:
        """Write it."""
        text = yaml.safe_dump(self._content, allow_unicode=True, sort_keys=False)
        self._path.write_text(text, encoding="utf-8")


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


def _without(value: Any, *names: str) -> Any:
    """A hierarchy of `tree --json` without some fields."""
    if isinstance(value, dict):
        return {name: _without(item, *names) for name, item in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(item, *names) for item in value]
    return value


def _afterwards(path: str | None) -> str | None:
    """Where the agents of a group are after the reorganisation."""
    above, rest = path, ""
    while above:
        if above in BECOMES:
            new = BECOMES[above]
            return None if new is None else new + rest
        above, _, name = above.rpartition("/")
        rest = f"/{name}{rest}"
    return path


def test_adopting_writes_nothing_but_tags(story: Story) -> None:
    """The exported app deploys as it stands: each group is tagged once, and all else stays."""
    before = story.hierarchy()
    run = story.line.run("export", ALIAS, "--cdk", str(story.app), "--requests-per-second", "200")
    assert run.code == 0, run.err
    assert f"with {GROUPS} groups" in run.err
    assert "Note:" not in run.err

    writes = story.deploy()

    assert {api for api, _ in writes} == {"TagResource"}
    tagged = [what.rpartition(":")[0] for _, what in writes]
    assert len(tagged) == len(set(tagged)) == GROUPS
    after = story.hierarchy()
    assert _without(after, "owner") == _without(before, "owner")
    owners = story.owners()
    assert len(owners) == GROUPS
    assert {tags[STACK_TAG].split("/")[0] for tags in owners.values()} == {STACK}
    assert len({tags[KEY_TAG] for tags in owners.values()}) == GROUPS


def test_what_is_deployed_is_what_is_there(story: Story) -> None:
    """The file as it was exported is what is deployed, and there is nothing to do."""
    plan = story.plan(str(story.file), "--stack", STACK, code=EXIT_SUCCESS)
    assert planned_calls(plan) == plan["changed_by_hand"] == []
    story.check_there_is_no_drift()


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
    """The error about an unknown stack, or about one without a CDK app, has the stack's name."""
    for name, value in story.aws.environment.items():
        monkeypatch.setenv(name, value)
    session = Session(Settings())
    with pytest.raises(CommandError, match="Region eu-west-2 has no stack 'Nowhere'"):
        find_stack(session, "Nowhere")
    with pytest.raises(CommandError, match="stack CDKToolkit is not of a CDK app"):
        _ = find_stack(session, "CDKToolkit").function


def test_the_groups_become_the_stacks_own(story: Story) -> None:
    """Without `adopt_existing` nothing changes but what a removal does from now on."""
    app = story.app / "app.py"
    text = app.read_text(encoding="utf-8").replace("adopt_existing=True", "adopt_existing=False")
    app.write_text(text, encoding="utf-8")
    file = TreeFile(story.file)
    for path in CLOSED:
        file.group(path)["agents_on_delete"] = "MOVE_TO_PARENT"
    file.group("Überall 399")["agents_on_delete"] = "UNASSIGN"
    file.save()
    before = story.hierarchy()

    template = story.change_template()
    plan = story.plan("--app", str(story.assembly), code=EXIT_CHANGES)
    assert plan["changes"] == {}
    assert planned_calls(plan) == story.deploy_template(template) == []

    assert story.hierarchy() == before
    story.check_there_is_no_drift()


def test_a_reorganisation_goes_as_planned(story: Story) -> None:
    """What is renamed, moved, merged and closed in the file is in the plan, and is then done."""
    file = TreeFile(story.file)
    file.group("Café & Bar")["name"] = "Gastronomie"
    one, other = (file.group(f"Support/Region 1/Team {team}") for team in (0, 1))
    one["name"], other["name"] = other["name"], one["name"]
    file.group("Support/Region 1")["name"] = "Nord"
    file.move("Sales/Region 2", "Kundendienst", "Verkauf 2")
    file.move("Support/Region 4/Team 3", "Sales/Region 5", "Team 9")
    file.move("Überall 370", "Sales")
    file.move("Überall 367", "Überall 366")
    file.group("Überall 366/Überall 367")["agents_on_delete"] = "MOVE_TO_PARENT"
    file.cut("Sales/Region 9")
    file.cut("Überall 399")
    file.save()
    before, ids = story.places(), story.owners().keys()

    plan = story.plan(str(story.file), "--stack", STACK, code=EXIT_CHANGES)
    (instance,) = plan["instances"]
    told = {"/".join(group["path"]): group["changes"] for group in instance["groups"]}
    assert told == CHANGES

    made = story.deploy()

    synthesised = story.template
    assert synthesised == story.change_template(), "the CDK gives another one"
    assert Counter(made) == Counter(planned_calls(plan))
    after = story.places()
    assert after == {name: _afterwards(path) for name, path in before.items()}
    assert _as_planned(plan) == Counter(
        (path, after[name]) for name, path in before.items() if path in _leaving(plan)
    )
    assert len(story.owners().keys() - ids) == 13
    story.check_there_is_no_drift()


def _leaving(plan: Any) -> set[str]:
    """The paths of the groups that get another id or go."""
    (instance,) = plan["instances"]
    return {
        "/".join(group["was"] if group["old_id"] else group["path"])
        for group in instance["groups"]
        if group["old_id"] or "removed" in group["changes"]
    }


def _as_planned(plan: Any) -> Counter[tuple[str, str | None]]:
    """How many agents go from which group to which one."""
    (instance,) = plan["instances"]
    found: Counter[tuple[str, str | None]] = Counter()
    for group in instance["groups"]:
        path = "/".join(group["was"] if group["old_id"] else group["path"])
        for one in group["agents_go"]:
            found[path, one["to"] and "/".join(one["to"])] += one["agents"]
    return found


def test_a_merger_ends(story: Story) -> None:
    """The group that was merged goes, and its agents are in the other one."""
    file = TreeFile(story.file)
    file.cut("Überall 366/Überall 367")
    file.save()
    before = story.places()

    plan = story.plan(str(story.file), "--stack", STACK, code=EXIT_CHANGES)
    assert plan["changes"] == {"removed": 1}
    assert story.deploy_template(story.change_template()) == planned_calls(plan)

    merged = {"Überall 366/Überall 367": "Überall 366"}
    assert any(path in merged for path in before.values())
    assert story.places() == {n: merged.get(path or "", path) for n, path in before.items()}
    story.check_there_is_no_drift()


def test_the_result_is_copied_to_another_instance(story: Story) -> None:
    """`copy` makes the same levels, groups, tags and places in an instance that has none."""
    backend = story.aws.connect.backend
    copy_id = new_instance(backend, alias=COPY)
    for name in story.places():
        backend.create_user(copy_id, name)
    before = story.hierarchy()

    arguments = ("copy", "--from", ALIAS, "--to", COPY, "--agents")
    run = story.line.run(*arguments, "--apply")
    assert run.code == 0, run.err

    assert story.hierarchy() == before
    own = ("instance", "id", "arn", "owner")
    assert _without(story.hierarchy(COPY), *own) == _without(before, *own)
    assert story.line.run(*arguments).out.startswith("nothing to do: ")
    story.check_there_is_no_drift()
