"""References in templates: resolved where that can be known before a deployment, said where not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connect_hierarchy_cli.plan.intrinsics import (
    Scope,
    TemplateError,
    dependencies,
    unknown,
    unknowns,
)

TEMPLATE: Mapping[str, Any] = {
    "Conditions": {
        "Yes": {"Fn::Equals": ["a", {"Ref": "P"}]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Open": {"Fn::Equals": [{"Ref": "Later"}, "x"]},
    },
    "Mappings": {"M": {"eu": {"name": "mapped"}}},
    "Resources": {
        "A": {"Type": "T", "Properties": {}},
        "B": {"Type": "T", "Condition": "No"},
    },
}


def scope(template: Mapping[str, Any] = TEMPLATE) -> Scope:
    """A template with one parameter and one resource that is known."""
    known = {"A": "id-of-a"}
    return Scope(
        template,
        parameters={"P": "a"},
        pseudo_parameters={"AWS::Region": "eu-west-2"},
        ref=lambda name: known.get(name) or unknown(name),
        attribute=lambda name, attribute: f"{name}.{attribute}",
        import_value=lambda name: f"imported {name}",
        stack_output=lambda stack, output: f"{stack}/{output}",
    )


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "P"}, "a"),
        ({"Ref": "AWS::Region"}, "eu-west-2"),
        ({"Ref": "A"}, "id-of-a"),
        ({"Fn::GetAtt": ["A", "Arn"]}, "A.Arn"),
        ({"Fn::GetAtt": "A.Outputs.X"}, "A.Outputs.X"),
        ({"Fn::Join": ["/", [{"Ref": "A"}, "x", 5]]}, "id-of-a/x/5"),
        ({"Fn::Sub": "${A}-${A.Arn}-${!A}-${P}"}, "id-of-a-A.Arn-${A}-a"),
        ({"Fn::Sub": ["${X}", {"X": {"Ref": "A"}}]}, "id-of-a"),
        ({"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "A"}]}]}, "of"),
        ({"Fn::FindInMap": ["M", "eu", "name"]}, "mapped"),
        ({"Fn::ImportValue": {"Fn::Sub": "${P}-name"}}, "imported a-name"),
        ({"Fn::GetStackOutput": {"StackName": "S", "OutputName": "O"}}, "S/O"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ([{"Ref": "AWS::NoValue"}, "kept"], ["kept"]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": True}, {"b": True}),
    ],
)
def test_functions_give_what_cloudformation_gives(value: object, resolved: object) -> None:
    """Each function of templates that the CDK writes."""
    assert scope().resolve(value) == resolved


def test_properties_are_texts_as_in_events() -> None:
    """Numbers and truths are texts, everywhere in them."""
    declaration = {"Properties": {"Number": 5, "Flags": [True, {"No": False}]}}
    expected = {"Number": "5", "Flags": ["true", {"No": "false"}]}
    assert scope().properties(declaration) == expected


def test_conditions_leave_resources_out() -> None:
    """A resource whose condition does not hold is not there."""
    assert list(scope().resources()) == ["A"]


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Later"},
        {"Fn::Join": ["/", ["x", {"Ref": "Later"}]]},
        {"Fn::Sub": "arn:${Later}"},
        {"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "Later"}]}]},
        {"Fn::FindInMap": ["M", "us", "name"]},
        {"Fn::Cidr": ["10.0.0.0/8", 1]},
        "{{resolve:ssm:/instance}}",
    ],
)
def test_what_only_the_deployment_knows_is_said(value: object) -> None:
    """And it is the same text in two templates, so that it makes no difference."""
    resolved = scope().resolve(value)
    assert unknowns({"in": [resolved]})
    assert resolved == scope().resolve(value)


@pytest.mark.parametrize(
    ("name", "why"), [("Open", "known after the deployment"), ("None", "no condition None")]
)
def test_a_condition_that_is_open_is_an_error(name: str, why: str) -> None:
    """Nothing can be planned where it is open which resources there are."""
    with pytest.raises(TemplateError, match=why):
        scope().condition(name)


def test_what_a_resource_waits_for() -> None:
    """References of all kinds, and what it says by itself; only resources count."""
    resources: dict[str, Any] = {
        "A": {"DependsOn": "B", "Properties": {"x": {"Ref": "C"}, "p": {"Ref": "P"}}},
        "B": {"DependsOn": ["C"], "Properties": [{"Fn::Sub": ["${D}${AWS::Region}", {}]}]},
        "C": {"Properties": {"Fn::GetAtt": "D.Arn"}},
        "D": {"Properties": {"y": {"Fn::GetAtt": ["D", "Arn"]}}},
    }
    assert dependencies(resources) == {"A": {"B", "C"}, "B": {"C", "D"}, "C": {"D"}, "D": set()}
