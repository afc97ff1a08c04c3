"""The apps under `examples/`, each deployed from its folder as its README says.

The sample app at the root is what the demo deploys, see `test_demo.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from local_aws import LocalAws
from tests.support.cdk_cli import CdkCli
from tests.support.command_line import CommandLine
from tests.support.instances import new_instance, unpaced_aws

REPOSITORY = Path(__file__).resolve().parents[1]


def test_an_existing_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups join those that are there, a user and a profile of another stack refer to them."""
    # the library and nothing else of the repository, from whatever folder
    rooms = (str(REPOSITORY / room) for room in ("constructs", "lambda_handlers", "tree_files"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(rooms))
    with unpaced_aws() as aws:
        backend = aws.connect.backend
        instance = new_instance(backend, "Division", "Team", "Desk")
        instance_arn = backend.instance_arn(instance)
        backend.create_user_hierarchy_group(instance, "Sales")
        CdkCli.bootstrapped(aws, tmp_path)
        cdk = CdkCli(aws, REPOSITORY / "examples" / "existing_instance")

        cdk.run(
            *("deploy", "--all", "--require-approval=never", "--output", str(tmp_path / "cdk.out")),
            *("-c", f"instance-arn={instance_arn}"),
            *("-c", f"routing-profile-arn={instance_arn}/routing-profile/1"),
        )
        hierarchy = backend.hierarchy(instance)
        groups = hierarchy.by_path
        assert {
            "/".join(path): group.tags.get("cost-center") for path, group in groups.items()
        } == {
            "Sales": None,
            "Field service": "7100",
            "Field service/North": "7110",
            "Field service/North/Installers": "7111",
            "Field service/North/Repairs": "7112",
            "Field service/South": "7120",
        }
        assert hierarchy.usernames("Field service", "North") == ("hedy",)
        (profile,) = backend.list_security_profiles(instance)
        assert profile.hierarchy_group_id == groups["Field service", "North"].id
        assert profile.attributes["HierarchyRestrictedResources"] == ["User"]


def test_a_workflow_writes_the_plan_of_a_pull_request(tmp_path: Path) -> None:
    """Its step writes the comment, and an exit code that later steps look at; errors, too."""
    file = REPOSITORY / "examples" / "plan_on_pull_request" / "plan.yml"
    steps = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]["plan"]["steps"]
    for step in steps:
        subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, check=True)
    (script,) = [step["run"] for step in steps if step.get("id") == "plan"]
    command = tmp_path / "connect-hierarchy"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m connect_hierarchy_cli "$@"\n')
    command.chmod(0o755)

    def run(stack: str) -> tuple[str, str]:
        output = tmp_path / "output"
        output.write_text("")
        with LocalAws() as aws:
            environment = {
                **CommandLine(aws, tmp_path).process_environment(),
                "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(output),
                "STACK": stack,
            }
            bash = ["bash", "-e", "-o", "pipefail", "-c", script]
            subprocess.run(bash, cwd=tmp_path, env=environment, check=True)
        return (tmp_path / "plan.md").read_text(encoding="utf-8"), output.read_text()

    out = tmp_path / "cdk.out"
    out.mkdir()
    properties = {"InstanceArn": {"Fn::GetAtt": ["Instance", "Arn"]}, "Levels": ["Division"]}
    resources = {
        "Instance": {"Type": "AWS::Connect::Instance", "Properties": {}},
        "Structure": {"Type": "Custom::ConnectHierarchyStructure", "Properties": properties},
    }
    (out / "Centre.template.json").write_text(json.dumps({"Resources": resources}))
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://123456789012/eu-west-2",
        "properties": {"templateFile": "Centre.template.json"},
    }
    (out / "manifest.json").write_text(json.dumps({"artifacts": {"Centre": artifact}}))
    comment, told = run("Centre")
    assert comment.startswith("### Centre: levels changed\n")
    assert told == "code=2\n"
    assert (tmp_path / "plan.svg").is_file()
    comment, told = run("Missing")
    assert comment.startswith(
        "### No plan of the hierarchy\n\n    Error: cdk.out has 0 stacks 'Missing'"
    )
    assert told == "code=1\n"
