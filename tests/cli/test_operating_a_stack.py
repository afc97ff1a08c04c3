"""`drift`, `moves` and `doctor` on a stack that the real CDK CLI deployed, and its check."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from constructs import Construct

from connect_hierarchy import (
    HierarchyDriftCheck,
    HierarchyProvider,
    HierarchyStructure,
    HierarchyTree,
)
from connect_hierarchy_lambda.model.ownership import RESOURCE_TAG, STACK_TAG, Owner, owner_tags
from connect_hierarchy_lambda.model.properties import ResourceType
from local_aws import LocalAws
from tests.support.calls_in_words import calls_made, planned_calls
from tests.support.cdk_cli import CdkCli
from tests.support.command_line import CommandLine, Run
from tests.support.events import ManualClock
from tests.support.instances import new_instance, unpaced_aws
from tests.support.scripted_service import ScriptedService

LEVELS = ("Division", "Region", "Team")
STACK = "Centre"

FATES = {
    "RENAMED": "is undone",
    "DELETED": "is created again",
    "MOVED": "is created again",
    **dict.fromkeys(("RETAGGED", "TAKEN", "UNRECORDED", "LEVEL"), "stays"),
}
"""What becomes of changes by hand in a deployment that adds a group to the tree."""


@dataclass
class Hands:
    """A person with the console of an instance: every change is one call or a few."""

    aws: LocalAws
    instance_id: str
    done: set[tuple[str, str]] = field(default_factory=set)
    """Kind and path of each change, as `drift` has to name it."""

    moved_to: dict[str, str] = field(default_factory=dict)
    """The paths of the groups that stand for moved ones, by the paths of these."""

    @property
    def client(self) -> Any:
        """The client of Amazon Connect."""
        return self.aws.client("connect")

    @property
    def arn(self) -> str:
        """The instance's ARN."""
        return str(self.client.describe_instance(InstanceId=self.instance_id)["Instance"]["Arn"])

    @property
    def tree(self) -> str:
        """The logical id of the tree that has the groups."""
        resources = self.aws.client("cloudformation").list_stack_resources(StackName=STACK)
        (tree,) = [
            one["LogicalResourceId"]
            for one in resources["StackResourceSummaries"]
            if one["ResourceType"] == ResourceType.TREE
        ]
        return str(tree)

    @property
    def ids(self) -> dict[str, str]:
        """The groups' ids by their paths of names."""
        hierarchy = self.aws.connect.backend.hierarchy(self.instance_id)
        return {"/".join(path): group.id for path, group in hierarchy.by_path.items()}

    def create(self, name: str, above: str | None = None, **tags: str) -> str:
        """Create a group below the one with this id, and give its id."""
        answer = self.client.create_user_hierarchy_group(
            InstanceId=self.instance_id,
            Name=name,
            **({"ParentGroupId": above} if above else {}),
            **({"Tags": tags} if tags else {}),
        )
        return str(answer["HierarchyGroupId"])

    def rename(self, path: str) -> None:
        """Give a group another name."""
        self.client.update_user_hierarchy_group_name(
            InstanceId=self.instance_id, HierarchyGroupId=self.ids[path], Name=f"{path[-9:]} new"
        )
        self.done.add(("RENAMED", path))

    def tag(self, path: str, kind: str, **tags: str) -> None:
        """Set tags, which is a change of this kind."""
        self.client.tag_resource(resourceArn=f"{self.arn}/agent-group/{self.ids[path]}", tags=tags)
        self.done.add((kind, path))

    def untag(self, path: str, *keys: str) -> None:
        """Take tags away."""
        self.client.untag_resource(
            resourceArn=f"{self.arn}/agent-group/{self.ids[path]}", tagKeys=list(keys)
        )
        self.done.add(("RETAGGED", path))

    def delete(self, path: str) -> None:
        """Delete a group."""
        self.client.delete_user_hierarchy_group(
            InstanceId=self.instance_id, HierarchyGroupId=self.ids[path]
        )
        self.done.add(("DELETED", path))

    def move(self, path: str, above: str) -> None:
        """The same name and tags elsewhere, the agents there, the old group deleted."""
        ids, names = self.ids, tuple(path.split("/"))
        hierarchy = self.aws.connect.backend.hierarchy(self.instance_id)
        new = self.create(f"{names[-1]} moved", ids[above], **hierarchy.by_path[names].tags)
        for user in self.client.search_users(InstanceId=self.instance_id)["Users"]:
            if user.get("HierarchyGroupId") == ids[path]:
                self.client.update_user_hierarchy(
                    InstanceId=self.instance_id, UserId=user["Id"], HierarchyGroupId=new
                )
        self.delete(path)
        self.done.remove(("DELETED", path))
        self.done.add(("MOVED", path))
        self.moved_to[path] = f"{above}/{names[-1]} moved"

    def copy(self, name: str, path: str, stack: str) -> None:
        """Create a group with owner tags of a stack that never made it."""
        self.create(name, None, **owner_tags(stack, "Copied", path))
        self.done.add(("UNRECORDED", name))

    def name_level(self, number: int, name: str) -> None:
        """Give a level another name."""
        keys = ("LevelOne", "LevelTwo", "LevelThree")
        names = [*LEVELS]
        names[number - 1] = name
        structure = {key: {"Name": one} for key, one in zip(keys, names, strict=True)}
        self.client.update_user_hierarchy_structure(
            InstanceId=self.instance_id, HierarchyStructure=structure
        )
        self.done.add(("LEVEL", f"level {number}"))


def organisation() -> list[Any]:
    """Four divisions of five regions of four teams."""
    return [
        {
            "name": f"Division {d}",
            "tags": {"cost-center": str(d)},
            "children": [
                {
                    "name": f"Region {d}{r}",
                    "children": [f"Team {d}{r}{t}" for t in range(4)],
                }
                for r in range(5)
            ],
        }
        for d in range(4)
    ]


def build(instance_arn: str, *more: str, repair: bool) -> Any:
    """The app that adopts it, with more divisions."""

    def make(app: Construct) -> None:
        stack = Stack(app, STACK)
        HierarchyProvider(stack, "Provider", requests_per_second=1000, burst=1000)
        structure = HierarchyStructure(
            stack, "Structure", instance_arn=instance_arn, levels=LEVELS, adopt_existing=True
        )
        HierarchyTree(
            stack, "Tree", structure=structure, groups=[*organisation(), *more], adopt_existing=True
        )
        HierarchyDriftCheck(stack, "Check", repair=repair)

    return make


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """An AWS of its own."""
    with unpaced_aws() as running:
        yield running


@pytest.fixture(scope="module")
def cdk(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> CdkCli:
    """The CDK CLI in a bootstrapped environment."""
    return CdkCli.bootstrapped(aws, tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="module")
def hands(aws: LocalAws, cdk: CdkCli) -> Hands:
    """An organisation that was made by hand, with agents, and then adopted by a stack."""
    backend = aws.connect.backend
    instance = new_instance(backend)
    hands = Hands(aws, instance)
    hands.name_level(1, "Division")
    hands.done.clear()

    def make(groups: list[Any], above: str | None) -> None:
        for group in groups:
            name = group if isinstance(group, str) else group["name"]
            group_id = hands.create(name, above)
            make([] if isinstance(group, str) else group.get("children", []), group_id)

    make(organisation(), None)
    for path, group_id in hands.ids.items():
        if path.endswith("0"):
            backend.create_user(instance, f"agent of {path[-3:]}", hierarchy_group_id=group_id)
    cdk.deploy(build(hands.arn, repair=False))
    return hands


@pytest.fixture
def line(aws: LocalAws, tmp_path: Path) -> CommandLine:
    """Commands against it."""
    return CommandLine(aws, tmp_path)


def differences(line: CommandLine, *options: str, code: int) -> list[Mapping[str, Any]]:
    """What `drift` says as JSON, once its exit code is the expected one."""
    run = line.run("drift", "--stack", STACK, "--json", *options)
    assert run.code == code, run
    found: list[Mapping[str, Any]] = json.loads(run.out)["differences"]
    return found


def places(found: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Kind and path of each difference."""
    return sorted((one["kind"], one["path"]) for one in found)


def invoke_by_schedule(aws: LocalAws) -> dict[str, Any]:
    """The function's answer to the event that the stack's rule sends."""
    events = aws.client("events")
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    answer = aws.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"])
    report: dict[str, Any] = json.loads(answer["Payload"].read())
    return report


def change_sixty_things(hands: Hands, owner: str, first: int = 0) -> None:
    """Sixty changes of every kind.

    Args:
        hands: Who makes them.
        owner: What the owner tags call the stack.
        first: The number of the team to begin with, so that others are gone than the last time.
    """
    teams, regions = (
        [*paths[number:], *paths[:number]]
        for depth, number in ((2, first), (1, first // 4))
        for paths in [sorted(path for path in hands.ids if path.count("/") == depth)]
    )
    for path in teams[:14]:
        hands.tag(path, "RETAGGED", **{"cost-center": "changed"})
    for path in teams[14:16]:
        hands.untag(path, RESOURCE_TAG)
    for path in teams[16:18]:
        hands.untag(path, STACK_TAG, RESOURCE_TAG)
    # those whose names end with 0 have agents
    for path in [one for one in teams[20:] if not one.endswith("0")][:12]:
        hands.delete(path)
    for path in teams[45:55]:
        hands.move(path, regions[0])
    for path in teams[55:61]:
        hands.tag(path, "TAKEN", **owner_tags("other/uuid", "Theirs"))
    for number in range(4):
        hands.copy(f"Copy {number}", f"key{number}", owner)
    hands.name_level(2, "Land")
    # parents last, so that the paths of all the others are those from before
    for path in [*teams[61:69], regions[1]]:
        hands.rename(path)


def test_sixty_changes_by_hand(aws: LocalAws, hands: Hands, line: CommandLine) -> None:
    """`drift` names all of them and nothing else; a repair takes back what it may."""
    run = line.run("drift", "--stack", STACK)
    assert (run.code, run.out) == (0, f"{STACK}: everything is as it was deployed\n"), run
    agents, before = agents_by_path(hands), hands.ids
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    change_sixty_things(hands, stack["StackId"].split(":stack/")[1])
    assert len(hands.done) == 60
    kinds = {kind for kind, _ in hands.done}
    assert kinds == {"RENAMED", "RETAGGED", "DELETED", "MOVED", "TAKEN", "UNRECORDED", "LEVEL"}

    found = differences(line, code=2)
    assert places(found) == sorted(hands.done)
    assert all(one["remedy"] for one in found)
    told = line.run("drift", "--stack", STACK)
    assert told.code == 2
    assert f"{STACK}: 60 differences" in told.out
    assert all(path in told.out for _, path in hands.done)

    # the scheduled check counts them and changes nothing
    report = invoke_by_schedule(aws)
    assert places(report["differences"]) == sorted(hands.done)
    assert metrics_of(aws) == {"Differences": 60, "RepairedDifferences": 0, "FailedChecks": 0}

    left = {one for one in hands.done if one[0] in {"TAKEN", "UNRECORDED"}}
    repaired = differences(line, "--repair", code=2)
    assert places(repaired) == sorted(hands.done)
    assert {(one["kind"], one["path"]) for one in repaired if not one["repaired"]} == left
    assert places(differences(line, code=2)) == sorted(left)
    assert agents_by_path(hands) == agents
    after = hands.ids
    assert after.keys() - {path for _, path in left} == before.keys() - {p for _, p in left}
    new = {path for kind, path in hands.done if kind in {"DELETED", "MOVED"}}
    assert {path for path in before if before[path] != after[path]} == new

    check_moves(line, {path: (before[path], after[path]) for path in new})


def test_the_next_plan_says_what_becomes_of_sixty_changes(
    aws: LocalAws, cdk: CdkCli, hands: Hands, line: CommandLine
) -> None:
    """A deployment does with each of them as planned; a repair on schedule does the rest."""
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    owner = stack["StackId"].split(":stack/")[1]
    give_back(hands, owner)
    assert differences(line, code=0) == []
    agents, before = agents_by_path(hands), hands.ids
    hands.done.clear()
    hands.moved_to.clear()
    # what the repair made a moment ago may not show yet, so a deployment would wait for it
    change_sixty_things(hands, owner, first=35)
    assert places(differences(line, code=2)) == sorted(hands.done)

    # what is deployed already: CloudFormation asks for nothing
    unchanged = cdk.assembly(build(hands.arn, repair=False))
    run = line.run("plan", "--app", unchanged)
    assert run.code == 0, run.err
    assert run.out.startswith("No changes. 60 changes by hand will stay.")

    app = cdk.assembly(build(hands.arn, "Division 9", repair=True))
    run = line.run("plan", "--app", app, "--json")
    assert run.code == 2, run.err
    plan = json.loads(run.out)
    fates = {(one["kind"], one["path"]): one["fate"] for one in plan["changed_by_hand"]}
    assert fates == {place: FATES[place[0]] for place in hands.done}
    left = {one["path"]: one for one in plan["changed_by_hand"] if one["left_at"]}
    assert {path: "/".join(one["left_at"]) for path, one in left.items()} == hands.moved_to
    told = line.run("plan", "--app", app).out
    assert all(path in told for _, path in hands.done)
    assert f"connect-hierarchy drift --stack {STACK} --repair" in " ".join(told.split())

    with calls_made(aws.connect, hands.instance_id) as made:
        cdk.run("deploy", "--app", app, "--all", "--require-approval=never")

    assert Counter(made) == Counter(planned_calls(plan))
    stays = {place for place, fate in fates.items() if fate == "stays"}
    strays = {("UNRECORDED", path) for path in hands.moved_to.values()}
    assert places(differences(line, code=2)) == sorted(stays | strays)
    after = hands.ids
    anew = {path for (_, path), fate in fates.items() if fate == "is created again"}
    assert {path for path in before if before[path] != after[path]} == anew
    # agents of moved groups stay where somebody put them
    assert agents_by_path(hands) == {hands.moved_to.get(at, at): agents[at] for at in agents}
    assert {path: one["agents_left"] for path, one in left.items()} == {
        path: len(agents.get(path, [])) for path in left
    }

    # on its schedule, the function repairs what may be repaired
    region = "Division 2/Region 20"
    hands.rename(region)
    wanted = {one for one in stays if one[0] in {"RETAGGED", "LEVEL"}} | {("RENAMED", region)}
    report = invoke_by_schedule(aws)
    assert places([one for one in report["differences"] if one["repaired"]]) == sorted(wanted)
    assert metrics_of(aws) == {
        "Differences": len((stays | strays) - wanted),
        "RepairedDifferences": len(wanted),
        "FailedChecks": 0,
    }
    assert hands.ids == after


def give_back(hands: Hands, owner: str) -> None:
    """Take back by hand what no repair does: the owner tags of others, and copied ones."""
    hierarchy = hands.aws.connect.backend.hierarchy(hands.instance_id)
    for path, placed in hierarchy.by_path.items():
        match Owner.of(placed.tags):
            case Owner(stack="other/uuid"):
                hands.tag("/".join(path), "", **{STACK_TAG: owner, RESOURCE_TAG: hands.tree})
            case Owner(resource="Copied"):
                hands.delete("/".join(path))


def check_moves(line: CommandLine, expected: Mapping[str, tuple[str, str]]) -> None:
    """`moves` has the old and the new id of each of these paths, in each of its forms."""
    run = line.run("moves", "--stack", STACK, "--csv")
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert (run.code, len(rows)) == (0, len(expected))
    found = {row["path"].replace(" / ", "/"): (row["old_id"], row["new_id"]) for row in rows}
    assert found == expected
    assert all(row["at"].endswith("Z") and row["resource"] for row in rows)
    assert json.loads(line.run("moves", "--stack", STACK, "--json").out) == rows
    shown = line.run("moves", "--stack", STACK)
    assert all(row["new_id"] in shown.out for row in rows)


def agents_by_path(hands: Hands) -> dict[str, list[str]]:
    """The user names in each group that has any."""
    hierarchy = hands.aws.connect.backend.hierarchy(hands.instance_id)
    found = {"/".join(path): sorted(hierarchy.usernames(*path)) for path in hierarchy.by_path}
    return {path: names for path, names in found.items() if names}


def metrics_of(aws: LocalAws) -> dict[str, int]:
    """The metrics of the last check, out of the function's log as CloudWatch takes them."""
    logs = aws.client("logs")
    (group,) = [
        one["logGroupName"]
        for one in logs.describe_log_groups()["logGroups"]
        if "ConnectHierarchyFunctionLogs" in one["logGroupName"]
    ]
    lines = [
        json.loads(event["message"])
        for event in logs.filter_log_events(logGroupName=group)["events"]
        if '"_aws"' in event["message"]
    ]
    last = max(lines, key=lambda one: one["_aws"]["Timestamp"])
    (metrics,) = last["_aws"]["CloudWatchMetrics"]
    assert last[metrics["Dimensions"][0][0]] == STACK
    return {one["Name"]: last[one["Name"]] for one in metrics["Metrics"]}


# other ways to call them ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["drift", "moves", "doctor"])
def test_a_stack_that_is_not_there(command: str, line: CommandLine) -> None:
    """One sentence, and what to type next."""
    run = line.run(command, "--stack", "Nowhere")
    assert (run.code, run.out) == (1, "")
    assert "Region eu-west-2 has no stack 'Nowhere'" in run.err
    assert "Try:   aws cloudformation list-stacks" in run.err


@pytest.mark.parametrize("command", ["drift", "moves", "doctor"])
def test_a_stack_without_a_hierarchy(command: str, aws: LocalAws, line: CommandLine) -> None:
    """There is no ledger to read."""
    template = {"Resources": {"Metadata": {"Type": "AWS::CDK::Metadata"}}}
    stack = f"No-hierarchy-for-{command}"
    aws.cloudformation.deploy(stack, template)
    run = line.run(command, "--stack", stack)
    assert (run.code, run.out) == (1, "")
    assert "has no hierarchy of Amazon Connect in it" in run.err


@pytest.mark.parametrize("command", ["drift", "moves", "doctor"])
def test_a_stack_has_to_be_named(command: str, line: CommandLine) -> None:
    """An account has many."""
    run = line.run(command)
    assert run.code == 1
    assert "Missing option '--stack'" in run.err


@pytest.mark.parametrize("options", [[], ["--repair"]])
def test_nobody_looks_while_a_stack_is_deployed(
    options: list[str], aws: LocalAws, hands: Hands, line: CommandLine
) -> None:
    """Half a deployment looks like drift."""
    del hands
    stack = next(one for one in aws.cloudformation.engine.stacks.values() if one.name == STACK)
    status, stack.status = stack.status, "UPDATE_IN_PROGRESS"
    try:
        run = line.run("drift", "--stack", STACK, *options)
    finally:
        stack.status = status
    assert run.code == 1
    assert f"stack {STACK} is UPDATE_IN_PROGRESS" in run.err


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ({}, "it is of an older release"),
        ({"errorMessage": "Task timed out after 900.00 seconds"}, "Task timed out after"),
    ],
)
def test_a_function_without_a_report(
    reports: dict[str, str], told: str, aws: LocalAws, hands: Hands, line: CommandLine
) -> None:
    """An older one knows no checks, and one can run out of time."""
    del hands
    function = {"FunctionArn": "arn:f", "Role": "arn:r", "Timeout": 60}
    logging = {"LoggingConfig": {"LogGroup": "the group"}}
    answers = {"/2015-03-31/functions/": json_answer(**function, **logging, **reports)}
    with ScriptedService(answers) as functions:
        environment = {"AWS_ENDPOINT_URL_LAMBDA": functions.url}
        run = CommandLine(aws, line.folder, environment).run("drift", "--stack", STACK, "--repair")
    assert run.code == 1
    assert f"the function of stack {STACK} gave no report: {told}" in run.err
    assert "Try:   aws logs tail --since 1h 'the group'" in run.err


# doctor -----------------------------------------------------------------------------------------


def verdicts(run: Run) -> dict[str, tuple[str, str]]:
    """Verdict and reason of each finding, by what it is about."""
    assert run.err == ""
    found = json.loads(run.out)
    assert all(one["remedy"] or one["verdict"] == "ok" for one in found)
    return {one["about"].split(" of ")[0]: (one["verdict"], one["why"]) for one in found}


def node(folder: Path, version: str) -> str:
    """A path with a Node.js of this version on it."""
    script = folder / "node"
    script.write_text(f"#!/bin/sh\necho {version}\n")
    script.chmod(0o755)
    return str(folder)


SIMULATED = """<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults><member>
<EvalActionName>connect:TagResource</EvalActionName><EvalResourceName>x</EvalResourceName>
<EvalDecision>{}</EvalDecision></member></EvaluationResults></SimulatePrincipalPolicyResult>
</SimulatePrincipalPolicyResponse>"""


def test_a_stack_that_is_well(aws: LocalAws, hands: Hands, line: CommandLine) -> None:
    """Every line says ok, and why."""
    role_of = {"SimulatePrincipalPolicy": (200, "text/xml", SIMULATED.format("allowed"))}
    with ScriptedService(role_of) as iam:
        environment = {"PATH": node(line.folder, "v24.1.0"), "AWS_ENDPOINT_URL_IAM": iam.url}
        run = CommandLine(aws, line.folder, environment).run("doctor", "--stack", STACK, "--json")
    assert run.code == 0, run
    found = verdicts(run)
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    there = len(hands.ids)
    assert found["quota"][1] == f"{there} of 500 groups exist, {500 - there} can be created"
    assert found.keys() == {
        "stack",
        "quota",
        "other Region",
        "permissions",
        "groups left behind",
        "ledger",
        "runtime",
        "Node.js",
    }
    asked = {(one["PolicySourceArn"], one["ResourceArns.member.1"]) for one in iam.requests}
    assert (len(asked), len({role for role, _ in asked})) == (5, 1)
    assert f"{hands.arn}/agent-group/00000000-0000-0000-0000-000000000000" in {r for _, r in asked}


def test_everything_that_can_be_wrong(aws: LocalAws, hands: Hands, line: CommandLine) -> None:
    """A full quota, denied actions, a replica, old tools, no backups: each with its remedy."""
    answers = {
        f"/instance/{hands.instance_id}": json_answer(
            Instance={"Id": hands.instance_id},
            ReplicationConfiguration={
                "ReplicationStatusSummaryList": [
                    {"Region": "us-east-1", "ReplicationStatus": "INSTANCE_REPLICATION_COMPLETE"}
                ]
            },
        ),
        "/user-hierarchy-groups-summary": json_answer(
            UserHierarchyGroupSummaryList=[{"Id": str(n), "Name": "x"} for n in range(500)]
        ),
    }
    denied = {"SimulatePrincipalPolicy": (200, "text/xml", SIMULATED.format("explicitDeny"))}
    table = aws.client("dynamodb").list_tables()["TableNames"][0]
    set_backups(aws, table, is_on=False)
    with ScriptedService(denied) as iam, ScriptedService(answers) as connect:
        environment = {
            "PATH": node(line.folder, "v20.19.0"),
            "AWS_ENDPOINT_URL_IAM": iam.url,
            "AWS_ENDPOINT_URL_CONNECT": connect.url,
        }
        command_line = CommandLine(aws, line.folder, environment)
        run = command_line.run("doctor", "--stack", STACK, "--json", clock=in_month(2029, 8))
        shown = command_line.run("doctor", "--stack", STACK, clock=in_month(2029, 5))
    set_backups(aws, table, is_on=True)
    assert run.code == 1
    found = verdicts(run)
    assert {about: verdict for about, (verdict, _) in found.items()} == {
        "stack": "ok",
        "quota": "problem",
        "other Region": "warning",
        "permissions": "problem",
        "groups left behind": "ok",
        "ledger": "warning",
        "runtime": "problem",
        "Node.js": "problem",
    }
    assert "500 of 500 groups exist, 0 can be created" in found["quota"][1]
    assert "us-east-1" in found["other Region"][1]
    assert "connect:TagResource" in found["permissions"][1]
    assert "2029-06-30" in found["runtime"][1]
    assert "v20.19.0" in found["Node.js"][1]
    assert "warning  runtime" in shown.out
    assert "L-D68AAAE4" in shown.out


def test_what_a_person_must_not_ask_is_said(aws: LocalAws, hands: Hands, line: CommandLine) -> None:
    """A check that is not possible does not count as passed, and the other checks are made."""
    del hands
    message = "User: me is not authorized to perform: iam:SimulatePrincipalPolicy on resource: r"
    refusal = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    refusal = f"<ErrorResponse>{refusal}</ErrorResponse>"
    with ScriptedService({"SimulatePrincipalPolicy": (403, "text/xml", refusal)}) as iam:
        environment = {"PATH": node(line.folder, "v24.1.0"), "AWS_ENDPOINT_URL_IAM": iam.url}
        run = CommandLine(aws, line.folder, environment).run("doctor", "--stack", STACK)
    assert run.code == 2
    assert (
        "SimulatePrincipalPolicy was refused (AccessDenied), so this could not be checked"
        in run.out
    )
    assert "get the permission iam:SimulatePrincipalPolicy" in run.out
    assert "ok       Node.js" in run.out


def json_answer(**body: Any) -> tuple[int, str, str]:
    """An answer of a service that talks JSON."""
    return 200, "application/json", json.dumps(body)


def set_backups(aws: LocalAws, table: str, *, is_on: bool) -> None:
    """Switch the point-in-time recovery of a table."""
    aws.client("dynamodb").update_continuous_backups(
        TableName=table,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": is_on},
    )


def in_month(year: int, month: int) -> ManualClock:
    """A clock that shows the first day of some month."""
    return ManualClock(datetime(year, month, 1, tzinfo=UTC).timestamp())
