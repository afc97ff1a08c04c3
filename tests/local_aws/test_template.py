"""Templates: functions, conditions, references, and what is refused before anything is made."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from local_aws.cloudformation.dynamic_references import DynamicReferences
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.template import (
    Scope,
    Template,
    UnresolvableError,
    check,
    dependencies,
    stringified,
)

YAML = """
Parameters:
  Names: {Type: CommaDelimitedList}
Mappings:
  Regions: {eu-west-2: {City: London}}
Conditions:
  IsLondon: !Equals [!FindInMap [Regions, !Ref AWS::Region, City], London]
  Never: !Not [!Condition IsLondon]
  Both: !And [!Condition IsLondon, !Not [!Condition Never]]
  Either: !Or [!Condition Never, !Condition IsLondon]
Resources:
  A: {Type: Test::Recorded}
"""


def scope(**document: Any) -> Scope:
    """The scope of a template in which A is `id-a` with an attribute Arn."""
    parsed = Template.parse(json.dumps({"Resources": {"A": {"Type": "T::T"}}, **document}))
    return scope_of(parsed)


def scope_of(template: Template) -> Scope:
    """As `scope`."""

    def attribute(name: str, attribute_name: str) -> str:
        if attribute_name != "Arn":
            raise UnresolvableError(attribute_name)
        return f"arn:{name}"

    return Scope(
        template,
        {"Names": ["x", "y"], "Flag": "true"},
        {"AWS::Region": "eu-west-2", "AWS::StackName": "stack"},
        lambda name: f"id-{name.lower()}",
        attribute,
        lambda name: f"exported {name}",
        lambda stack_name, output, region: f"{output} of {stack_name} in {region or 'here'}",
        DynamicReferences(
            {"/p": "value", "/p:2": "second"}.__getitem__,
            lambda *which: json.dumps({"user": "ada", "which": which}),
        ),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "A"}, "id-a"),
        ({"Ref": "Names"}, ["x", "y"]),
        ({"Ref": "AWS::Region"}, "eu-west-2"),
        ({"Fn::GetAtt": ["A", "Arn"]}, "arn:A"),
        ({"Fn::GetAtt": "A.Arn"}, "arn:A"),
        ({"Fn::Sub": "${A} ${A.Arn} ${AWS::StackName} ${!Kept}"}, "id-a arn:A stack ${Kept}"),
        ({"Fn::Sub": ["${A}-${V}", {"V": {"Ref": "A"}, "A": "own"}]}, "own-id-a"),
        ({"Fn::Join": ["/", ["a", {"Ref": "A"}, {"Ref": "AWS::NoValue"}, 1]]}, "a/id-a/1"),
        ({"Fn::Split": ["-", {"Ref": "A"}]}, ["id", "a"]),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", {"Ref": "A"}]}]}, "a"),
        ({"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}-x"}}, "exported stack-x"),
        ({"Fn::GetStackOutput": {"StackName": "s", "OutputName": "O"}}, "O of s in here"),
        (
            {
                "Fn::GetStackOutput": {
                    "StackName": {"Ref": "AWS::StackName"},
                    "OutputName": "O",
                    "Region": {"Ref": "AWS::Region"},
                    "RoleArn": "arn:aws:iam::123456789012:role/reader",
                }
            },
            "O of stack in eu-west-2",
        ),
        ({"Fn::Base64": "text"}, "dGV4dA=="),
        ({"Fn::GetAZs": ""}, ["eu-west-2a", "eu-west-2b", "eu-west-2c"]),
        ({"Kept": 1, "Gone": {"Ref": "AWS::NoValue"}}, {"Kept": 1}),
        ({"Condition": {"StringEquals": {"a": {"Ref": "A"}}}}, None),
        ([True, 5, "x", {"Ref": "A"}], [True, 5, "x", "id-a"]),
    ],
)
def test_functions(value: Any, expected: Any) -> None:
    """Each function gives what it gives at AWS; what only looks like one stays."""
    if expected is None:
        expected = {"Condition": {"StringEquals": {"a": "id-a"}}}
    assert scope().resolve(value) == expected


def test_conditions_choose_branches_resources_and_outputs() -> None:
    """A branch that is not chosen counts for nothing, not even as a dependency."""
    made = scope(
        Conditions={
            "Yes": {"Fn::Equals": [True, "true"]},
            "No": {"Fn::Not": [{"Condition": "Yes"}]},
        },
        Resources={
            "A": {"Type": "T::T", "Properties": {"P": {"Fn::If": ["No", {"Ref": "B"}, "other"]}}},
            "B": {"Type": "T::T", "Condition": "Yes", "Properties": {"P": {"Ref": "A"}}},
            "C": {"Type": "T::T", "Condition": "No"},
        },
        Outputs={"O": {"Value": "x", "Condition": "No"}, "P": {"Value": "y"}},
    )
    active = made.active_resources()
    assert dependencies(active) == {"A": frozenset(), "B": frozenset({"A"})}
    assert made.resolve(dict(active["A"].properties)) == {"P": "other"}
    assert list(made.active_outputs()) == ["P"]


def test_yaml_short_forms() -> None:
    """Every short form is its long form, and dates stay strings."""
    made = scope_of(Template.parse(YAML))
    assert [made.condition(n) for n in ("IsLondon", "Never", "Both", "Either")] == [
        True,
        False,
        True,
        True,
    ]
    body = """
Resources:
  A:
    Type: Test::Recorded
    Properties:
      Version: 2012-10-17
      Att: !GetAtt A.Outputs.Deep
      Pair: !GetAtt [A, Arn]
      Sub: !Sub ["${V}", {V: !Ref A}]
      Join: !Join ["", [!Select [0, !Split [",", "a,b"]], !Base64 x]]
      If: !If [Chosen, !ImportValue e, !Ref AWS::NoValue]
"""
    properties = Template.parse(body).resources["A"].properties
    assert properties == {
        "Version": "2012-10-17",
        "Att": {"Fn::GetAtt": ["A", "Outputs.Deep"]},
        "Pair": {"Fn::GetAtt": ["A", "Arn"]},
        "Sub": {"Fn::Sub": ["${V}", {"V": {"Ref": "A"}}]},
        "Join": {
            "Fn::Join": [
                "",
                [{"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}, {"Fn::Base64": "x"}],
            ]
        },
        "If": {"Fn::If": ["Chosen", {"Fn::ImportValue": "e"}, {"Ref": "AWS::NoValue"}]},
    }


def test_properties_reach_functions_as_strings() -> None:
    """Every scalar, at any depth."""
    value = {"n": 5, "f": 1.5, "t": True, "l": [False, {"d": 0}], "s": "x"}
    assert stringified(value) == {
        "n": "5",
        "f": "1.5",
        "t": "true",
        "l": ["false", {"d": "0"}],
        "s": "x",
    }


def test_dependencies_come_from_every_kind_of_reference() -> None:
    """Ref, GetAtt in both forms, Sub, and DependsOn; not from what Sub defines itself."""
    template = Template.parse(
        json.dumps(
            {
                "Resources": {
                    **{n: {"Type": "T::T"} for n in "ABCDEF"},
                    "Z": {
                        "Type": "T::T",
                        "DependsOn": "A",
                        "Properties": {
                            "P": [{"Ref": "B"}, {"Fn::GetAtt": ["C", "x"]}],
                            "Q": {"Fn::Sub": ["${D.x} ${E} ${!F}", {"E": "own"}]},
                            "R": {"Fn::GetAtt": "F.y"},
                        },
                    },
                }
            }
        )
    )
    assert dependencies(template.resources)["Z"] == frozenset("ABCDF")


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            {
                "A": {"Type": "T::T", "DependsOn": ["B"]},
                "B": {"Type": "T::T", "Properties": {"P": {"Ref": "A"}}},
            },
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"A": {"Type": "T::T", "Properties": {"P": {"Fn::GetAtt": "A.Arn"}}}},
            "Circular dependency between resources: [A]",
        ),
        (
            {"A": {"Type": "No::Such"}, "B": {"Type": "Other::One"}, "C": {"Type": "T::T"}},
            "Template format error: Unrecognized resource types: [No::Such, Other::One]",
        ),
        (
            {"A": {"Type": "T::T", "Properties": {"P": {"Ref": "Nobody"}}, "DependsOn": "None"}},
            (
                "Template format error: Unresolved resource dependencies [Nobody, None] in the "
                "Resources block of the template"
            ),
        ),
        (
            {"A": {"Type": "T::T", "Properties": {"P": {"Fn::GetAtt": ["Flag", "x"]}}}},
            "Template error: instance of Fn::GetAtt references undefined resource Flag",
        ),
        (
            {f"R{n}": {"Type": "T::T"} for n in range(501)},
            "Template format error: Number of resources, 501, is greater than maximum allowed, 500",
        ),
    ],
)
def test_refused_before_anything_is_made(resources: Any, message: str) -> None:
    """What AWS refuses, in its words."""
    with pytest.raises(ValidationError) as refused:
        check(scope(Resources=resources), lambda declaration: declaration.type == "T::T")
    assert str(refused.value) == message


def test_five_hundred_resources_are_allowed() -> None:
    """The limit itself is no error; a type that a condition leaves out is not looked at."""
    resources: dict[str, Any] = {f"R{n}": {"Type": "T::T"} for n in range(499)}
    resources["Last"] = {"Type": "No::Such", "Condition": "No"}
    made = scope(Resources=resources, Conditions={"No": {"Fn::Equals": ["a", "b"]}})
    check(made, lambda declaration: declaration.type == "T::T")
    assert len(made.active_resources()) == 499


def test_outputs_that_refer_to_nothing_are_refused() -> None:
    """Before the deployment, not at its end."""
    with pytest.raises(ValidationError, match=r"dependencies \[Nobody\] in the Outputs block"):
        check(scope(Outputs={"O": {"Value": {"Ref": "Nobody"}}}), lambda _: True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{}", "At least one Resources member must be defined"),
        ('{"Resources": {}}', "At least one Resources member must be defined"),
        ("just text", "unsupported structure"),
        ("a: [1", r"YAML not well-formed. \(line 1, column 6\)"),
        ('{"Resources": {"A": {}}}', r"\[/Resources/A\] Every Resource must have a Type"),
        ('{"Resources": {"A-b": {"Type": "T"}}}', "Resource name A-b is non alphanumeric"),
        (
            '{"Resources": {"A": {"Type": "T", "DeletionPolicy": "Keep"}}}',
            "Unrecognized DeletionPolicy Keep for template resource A",
        ),
        (
            '{"Resources": {"A": {"Type": "T", "UpdateReplacePolicy": "RetainExceptOnCreate"}}}',
            "Unrecognized UpdateReplacePolicy RetainExceptOnCreate for template resource A",
        ),
        (
            '{"Resources": {"A": {"Type": "T", "Properties": {"P": [{"Q": null}]}}}}',
            r"\[/Resources/A/Properties/P/0/Q\] 'null' values are not allowed",
        ),
    ],
)
def test_what_is_no_template(body: str, message: str) -> None:
    """Malformed templates are refused with the place."""
    with pytest.raises(ValidationError, match=message):
        Template.parse(body)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::FindInMap": ["Regions", "nowhere", "City"]}, "Unable to get mapping"),
        ({"Fn::Select": [2, ["a", "b"]]}, "Fn::Select cannot select nonexistent value at index 2"),
        ({"Fn::Cidr": ["10.0.0.0/8", 1]}, "Fn::Cidr is not supported"),
        ({"Fn::If": ["Missing", 1, 2]}, "Unresolved condition dependency Missing"),
    ],
)
def test_functions_that_fail(value: Any, message: str) -> None:
    """Each says what is wrong with it."""
    with pytest.raises(ValidationError, match=message):
        scope_of(Template.parse(YAML)).resolve(value)


def properties(value: Any, dynamic_references: DynamicReferences | None = None) -> Any:
    """What a property resolves to, dynamic references included."""
    resources = {"A": {"Type": "T::T", "Properties": {"P": value}}}
    made = scope(Resources=resources)
    if dynamic_references is not None:
        made = replace(made, dynamic_references=dynamic_references)
    return made.properties(made.template.resources["A"])["P"]


_ARN = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:s-AbCdEf"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{resolve:ssm:/p}}", "value"),
        ("a {{resolve:ssm:/p}} and {{resolve:ssm:/p:2}}", "a value and second"),
        ({"Fn::Join": ["", ["{{resolve:", "ssm", ":/p}}"]]}, "value"),
        ({"L": ["{{resolve:ssm:/p}}", 1]}, {"L": ["value", 1]}),
        ("{{resolve:secretsmanager:s:SecretString:user}}", "ada"),
        ("{{resolve:secretsmanager:s:SecretString:which}}", "['s', '', '']"),
        (
            f"{{{{resolve:secretsmanager:{_ARN}:SecretString:which:stage}}}}",
            f"['{_ARN}', 'stage', '']",
        ),
        ("{{resolve:secretsmanager:s:SecretString:which::v}}", "['s', '', 'v']"),
        ("{{resolve:secretsmanager:s}}", '{"user": "ada", "which": ["s", "", ""]}'),
        ("{{nothing}}", "{{nothing}}"),
    ],
)
def test_dynamic_references(value: Any, expected: Any) -> None:
    """They are read after all functions, wherever they stand in a property."""
    assert properties(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{resolve:ssm-secure:/p}}", "of 'ssm-secure' are not supported here"),
        ("{{resolve:secretsmanager:s:SecretBinary}}", "only SecretString is supported"),
        ("{{resolve:secretsmanager:s:SecretString:absent}}", "Could not find a value"),
    ],
)
def test_dynamic_references_that_fail(value: Any, message: str) -> None:
    """They say which one, and why."""
    with pytest.raises(ValidationError, match=message):
        properties(value)


@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
def test_dynamic_references_without_the_service(service: str) -> None:
    """Where there is none to ask, that is the error."""
    reference = f"{{{{resolve:{service}:x}}}}"
    with pytest.raises(ValidationError, match=f"there is no .* here to read {reference} from"):
        properties(reference, DynamicReferences())
