"""cdk-nag's AwsSolutions pack over the sample app: what it finds, and why each of that stays.

The reasons stand here and not in the library: the owners of an app decide what of their stacks they
acknowledge, and a library that did it would hide its permissions from them. The page about security
shows how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks

from app import ContactCentre
from connect_hierarchy import HierarchyDriftCheck
from tests.support.constructs_fixtures import INSTANCE_ARN

_GROUPS_ARE_NOT_KNOWN = (
    "the ids of groups are not known before Connect has made them; a handler deletes and renames "
    "only those whose tags say that they are of its stack"
)
_AGENTS_ARE_NOT_KNOWN = (
    "agents join and leave groups without this app; what a handler does to one is to take it along "
    "when its group moves or goes"
)

ACKNOWLEDGED = {
    "AwsSolutions-L1": (
        "the runtime is the newest that Lambda has in every Region, not the newest of all; "
        "HierarchyProvider(runtime=…) chooses another"
    ),
    "AwsSolutions-IAM5[Resource::{instance}/agent-group/*]": _GROUPS_ARE_NOT_KNOWN,
    "AwsSolutions-IAM5[Resource::{instance}/agent/*]": _AGENTS_ARE_NOT_KNOWN,
}


def findings(folder: Path, instance_arn: str | None, acknowledged: Mapping[str, str]) -> set[str]:
    """What the pack reports of the sample app, with a check for drift in it."""
    context: dict[str, Any] = {"aws:cdk:bundling-stacks": []}
    if instance_arn is not None:
        context["instance-arn"] = instance_arn
    app = App(outdir=str(folder), context=context, analytics_reporting=False)
    stack = ContactCentre(app, "ContactCentre")
    HierarchyDriftCheck(stack, "DriftCheck", repair=True)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for rule, reason in acknowledged.items():
        Validations.of(stack).acknowledge(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))
    try:
        app.synth()
    except RuntimeError as error:
        assert "ValidationFailed" in str(error)  # noqa: PT017 - the report tells what
    report = json.loads((folder / "validation-report.json").read_text())
    (pack,) = report["pluginReports"]
    assert pack["pluginName"] == "AwsSolutions"
    found = {violation["ruleName"] for violation in pack["violations"]}
    assert bool(found) == (pack["conclusion"] == "failure")
    return found


@pytest.mark.parametrize(
    ("instance_arn", "shown"),
    [(None, "<Instance.Arn>"), (INSTANCE_ARN, INSTANCE_ARN)],
    ids=["an instance of the stack", "one that exists"],
)
def test_aws_solutions(tmp_path: Path, instance_arn: str | None, shown: str) -> None:
    """The pack finds nothing but what is acknowledged, and nothing is acknowledged in vain."""
    acknowledged = {rule.format(instance=shown): why for rule, why in ACKNOWLEDGED.items()}
    page = (Path(__file__).parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
    assert all(rule.format(instance="{arn}") in page for rule in ACKNOWLEDGED)
    assert findings(tmp_path / "all", instance_arn, {}) == set(acknowledged)
    assert findings(tmp_path / "acknowledged", instance_arn, acknowledged) == set()
