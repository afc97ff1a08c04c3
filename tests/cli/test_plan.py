"""`plan` at the command line: a file on an instance, a synthesised app, and how both end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connect_hierarchy_cli.errors import EXIT_CHANGES, EXIT_ERROR
from local_aws import LocalAws
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws

FILE = """\
groups:
  - name: Support
    children:
      - EMEA
      - name: "#1 @desk"
  - Sales
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """An AWS with an instance that has levels, the group Support, and EMEA below it."""
    with unpaced_aws() as aws:
        backend = aws.connect.backend
        instance = new_instance(backend, "Division", "Region", alias="acme")
        support = backend.create_user_hierarchy_group(instance, "Support")
        backend.create_user_hierarchy_group(instance, "EMEA", support.group.id)
        yield aws


@pytest.fixture
def line(aws: LocalAws, tmp_path: Path) -> CommandLine:
    """Commands against it, in a folder with a file."""
    (tmp_path / "tree.yaml").write_text(FILE, encoding="utf-8")
    return CommandLine(aws, tmp_path)


def test_a_file_on_an_instance_that_has_groups_is_refused(line: CommandLine) -> None:
    """In the words of the deployment; the code is that of an error."""
    run = line.run("plan", "tree.yaml", "--instance", "acme")
    assert run.code == EXIT_ERROR
    first, second, *_ = run.out.splitlines()
    assert first == "The deployment of NewStack will fail."
    assert second.startswith("Tree: creating hierarchy group 'Support': it exists already")
    assert "adopt_existing=True" in second


def test_adoption_is_drawn(line: CommandLine) -> None:
    """What is taken over, and what is added below it; then calls and time."""
    run = line.run("plan", "tree.yaml", "--instance", "acme", "--adopt-existing")
    assert (run.code, run.err) == (EXIT_CHANGES, "")
    lines = run.out.splitlines()
    assert lines[0] == "NewStack: 2 added, 2 adopted"
    assert lines[1].endswith("Division > Region")
    assert lines[2:6] == [
        "├── + Sales  added",
        "└── * Support  adopted",
        "    ├── + #1 @desk  added",
        "    └── * EMEA  adopted",
    ]
    assert any(one.split() == ["TagResource", "2"] for one in lines)
    assert "calls take less than a second" in run.out


def test_json_has_all_of_it(line: CommandLine) -> None:
    """Paths as lists, ids of what is there, each call that writes, and nothing for people."""
    run = line.run("plan", "tree.yaml", "--instance", "acme", "--adopt-existing", "--json")
    value = json.loads(run.out)
    assert run.code == EXIT_CHANGES
    assert value["changes"] == {"added": 2, "adopted": 2}
    (instance,) = value["instances"]
    by_path = {"/".join(group["path"]): group for group in instance["groups"]}
    assert by_path["Sales"]["id"] is None
    assert by_path["Support/EMEA"]["changes"] == ["adopted"]
    assert len(by_path["Support/EMEA"]["id"]) == 36
    done = [call["api"] for call in value["calls"] if call["refused_with"] is None]
    assert sorted(done) == ["CreateUserHierarchyGroup"] * 2 + ["TagResource"] * 2
    assert value["refusal"] is None


def test_markdown_mentions_nobody(line: CommandLine) -> None:
    """Names are anybody's: they call no person and no issue of the place where this is read."""
    run = line.run("plan", "tree.yaml", "--instance", "acme", "--adopt-existing", "--markdown")
    assert run.code == EXIT_CHANGES
    assert run.out.startswith("### NewStack: 2 added, 2 adopted\n")
    assert "| Support/EMEA | adopted |" in run.out
    assert "#1" not in run.out
    assert "@desk" not in run.out


def test_a_picture_has_a_mark_on_each_group_that_changes(line: CommandLine) -> None:
    """It is written beside the output."""
    options = ("--instance", "acme", "--adopt-existing", "--svg", "plan.svg")
    run = line.run("plan", "tree.yaml", *options)
    assert run.code == EXIT_CHANGES
    text = (line.folder / "plan.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "Sales" in text
    assert "added" in text
    assert "adopted" in text


def test_a_tree_below_a_group(line: CommandLine) -> None:
    """The group is named by its path; one that is not there is an error with the next command."""
    (line.folder / "below.csv").write_text("path\nChat\n", encoding="utf-8")
    run = line.run("plan", "below.csv", "--instance", "acme", "--parent", "Support")
    assert run.code == EXIT_CHANGES
    assert "└──   Support\n    └── + Chat  added" in run.out
    run = line.run("plan", "below.csv", "--instance", "acme", "--parent", "Supprt")
    assert run.code == EXIT_ERROR
    assert "instance acme has no group 'Supprt'" in run.err
    assert "Try:   connect-hierarchy tree acme" in run.err


def test_a_tree_that_is_too_deep_is_refused(line: CommandLine) -> None:
    """The instance has two levels."""
    (line.folder / "deep.csv").write_text("path\nA\nA/B\nA/B/C\n", encoding="utf-8")
    run = line.run("plan", "deep.csv", "--instance", "acme")
    assert run.code == EXIT_ERROR
    assert "creating hierarchy group 'C'" in run.out
    assert "What would be done before it:" in run.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give FILE, or --app"),
        (("tree.yaml", "--app", "cdk.out"), "give FILE, or --app"),
        (("tree.yaml", "--json", "--markdown"), "exclude each other"),
        (("tree.yaml", "--stack", "S", "--parent", "A"), "are for a first deployment"),
        (("none.yaml",), "none.yaml: can not be read"),
        (("broken.yaml",), "broken.yaml:1: "),
        (("--app", "."), "is no cloud assembly"),
        (("tree.yaml", "--stack", "Nothing"), "has no stack 'Nothing'"),
        (("tree.yaml", "--instance", "other"), "has no instance 'other'"),
    ],
)
def test_errors_are_one_sentence(line: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    """And the next command to type; nothing is written to standard output."""
    (line.folder / "broken.yaml").write_text("groups: [{nam: x}]\n", encoding="utf-8")
    run = line.run("plan", *arguments)
    assert (run.code, run.out) == (EXIT_ERROR, "")
    assert told in run.err
    assert run.err.startswith("Error: ")


# synthesised apps --------------------------------------------------------------------------------


def assembly(folder: Path, artifacts: Mapping[str, Any], **templates: Mapping[str, Any]) -> None:
    """A cloud assembly as `cdk synth` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"version": "48.0.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for name, template in templates.items():
        file = folder / f"{name}.template.json"
        file.write_text(json.dumps(template), encoding="utf-8")


def stack(name: str, path: str | None = None, **properties: Any) -> dict[str, Any]:
    """The artifact of a stack."""
    return {
        "type": "aws:cloudformation:stack",
        "environment": "aws://123456789012/eu-west-2",
        "displayName": path or name,
        "properties": {"templateFile": f"{name}.template.json", **properties},
    }


def hierarchy(**structure: Any) -> dict[str, Any]:
    """A template with an instance, levels and a group."""
    arn = {"Fn::GetAtt": ["Instance", "Arn"]}
    properties = {"InstanceArn": arn, "Levels": ["Division"], "AdoptExisting": False}
    return {
        "Resources": {
            "Instance": {"Type": "AWS::Connect::Instance", "Properties": {}},
            "Structure": {
                "Type": "Custom::ConnectHierarchyStructure",
                "Properties": {**properties, **structure},
            },
            "Group": {
                "Type": "Custom::ConnectHierarchyGroup",
                "Properties": {
                    "InstanceArn": {"Fn::GetAtt": ["Structure", "InstanceArn"]},
                    "Name": "Support",
                },
            },
        }
    }


def test_the_only_stack_with_a_hierarchy_need_not_be_named(line: CommandLine) -> None:
    """A first deployment makes an instance, its levels and its groups."""
    artifacts = {"Centre": stack("Centre"), "Other": stack("Other")}
    other = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    assembly(line.folder / "cdk.out", artifacts, Centre=hierarchy(), Other=other)
    run = line.run("plan", "--app", "cdk.out")
    assert (run.code, run.err) == (EXIT_CHANGES, "")
    assert run.out.startswith("Centre: 1 added, levels changed\n")
    assert "a new instance  levels none → Division" in run.out


def test_a_stack_of_a_stage_is_named_by_its_path_or_name(line: CommandLine) -> None:
    """Stages are assemblies in the assembly."""
    stage = {
        "type": "cdk:cloud-assembly",
        "properties": {"directoryName": "assembly-Prod"},
        "displayName": "Prod",
    }
    out = line.folder / "cdk.out"
    assembly(out, {"assembly-Prod": stage, "Centre": stack("Centre")}, Centre=hierarchy())
    inside = {"ProdCentre": stack("Centre", "Prod/Centre", stackName="Prod-Centre")}
    assembly(out / "assembly-Prod", inside, Centre=hierarchy(Levels=["A"]))
    for name in ("Prod/Centre", "Prod-Centre"):
        run = line.run("plan", "--app", "cdk.out", "--stack", name)
        assert run.out.startswith("Prod-Centre: 1 added, levels changed\n")
    run = line.run("plan", "--app", "cdk.out")
    assert run.code == EXIT_ERROR
    assert "2 stacks with a hierarchy are in cdk.out, which has Centre, Prod/Centre" in run.err


def test_a_hierarchy_in_a_nested_stack_is_refused(line: CommandLine) -> None:
    """One without a hierarchy is no hindrance."""
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Metadata": {"aws:asset:path": "Nested.template.json"},
        "Properties": {},
    }
    template = hierarchy()
    template["Resources"]["Nested"] = nested
    artifacts = {"Centre": stack("Centre")}
    queue = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    assembly(line.folder / "cdk.out", artifacts, Centre=template, Nested=queue)
    assert line.run("plan", "--app", "cdk.out").code == EXIT_CHANGES
    assembly(line.folder / "cdk.out", artifacts, Centre=template, Nested=hierarchy())
    run = line.run("plan", "--app", "cdk.out", "--stack", "Centre")
    assert run.code == EXIT_ERROR
    assert "nested stack Nested" in run.err
