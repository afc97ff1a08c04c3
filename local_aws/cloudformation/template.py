"""Templates: parsing, parameters, conditions, intrinsic functions and the order of resources."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from local_aws.cloudformation.dynamic_references import DynamicReferences
from local_aws.cloudformation.exceptions import ValidationError

Value = Any
"""A JSON value, resolved or not."""


class UnresolvableError(Exception):
    """A reference without a value, for example an attribute that an answer lacks."""


class _Omitted:
    """What `AWS::NoValue` stands for: the property is left out."""


OMITTED = _Omitted()

_SUBSTITUTION = re.compile(r"\$\{(?P<literal>!?)(?P<name>[^}]+)\}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms; dates stay strings."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Value:
    if isinstance(node, yaml.ScalarNode):
        value: Value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has no fourth kind
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class ResourceDeclaration:
    """One entry of a template's Resources, unresolved."""

    logical_id: str
    type: str
    properties: Mapping[str, Value]
    depends_on: tuple[str, ...]
    condition: str | None
    deletion_policy: str
    update_replace_policy: str

    @property
    def is_custom(self) -> bool:
        """Whether it is a custom resource."""
        return self.type.startswith("Custom::") or self.type == (
            "AWS::CloudFormation::CustomResource"
        )


@dataclass(frozen=True)
class Template:
    """A template as it was submitted, parsed but not resolved."""

    body: str
    document: Mapping[str, Value] = field(repr=False)
    resources: Mapping[str, ResourceDeclaration] = field(repr=False)

    @classmethod
    def parse(cls, body: str) -> Template:
        """Read JSON or YAML; ValidationError if it is not a template."""
        try:
            document = json.loads(body)
        except ValueError:
            try:
                document = yaml.load(body, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
            except yaml.YAMLError as error:
                where = getattr(error, "problem_mark", None)
                place = f" (line {where.line + 1}, column {where.column + 1})" if where else ""
                msg = f"Template format error: YAML not well-formed.{place}"
                raise ValidationError(msg) from None
        if not isinstance(document, dict):
            msg = "Template format error: unsupported structure."
            raise ValidationError(msg)
        if not isinstance(document.get("Resources"), dict) or not document["Resources"]:
            msg = "Template format error: At least one Resources member must be defined."
            raise ValidationError(msg)
        resources = {
            logical_id: _declaration(logical_id, resource)
            for logical_id, resource in document["Resources"].items()
        }
        return cls(body, document, resources)

    def section(self, name: str) -> Mapping[str, Value]:
        """A section by name, empty if the template has none."""
        return self.document.get(name) or {}


def _declaration(logical_id: str, resource: Mapping[str, Value]) -> ResourceDeclaration:
    if not isinstance(resource, dict) or "Type" not in resource:
        msg = f"Template format error: [/Resources/{logical_id}] Every Resource must have a Type."
        raise ValidationError(msg)
    if not logical_id.isalnum() or not logical_id.isascii():
        msg = f"Template format error: Resource name {logical_id} is non alphanumeric."
        raise ValidationError(msg)
    for attribute, allowed in _POLICIES.items():
        policy = resource.get(attribute, "Delete")
        if policy not in allowed:
            msg = (
                f"Template format error: Unrecognized {attribute} {policy} for template resource "
                f"{logical_id}"
            )
            raise ValidationError(msg)
    _refuse_null(resource.get("Properties", {}), f"/Resources/{logical_id}/Properties")
    depends_on = resource.get("DependsOn", [])
    return ResourceDeclaration(
        logical_id=logical_id,
        type=resource["Type"],
        properties=resource.get("Properties") or {},
        depends_on=(depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
        condition=resource.get("Condition"),
        deletion_policy=resource.get("DeletionPolicy", "Delete"),
        update_replace_policy=resource.get("UpdateReplacePolicy", "Delete"),
    )


_POLICIES = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot"),
    "UpdateReplacePolicy": ("Delete", "Retain", "Snapshot"),
}


def _refuse_null(value: Value, path: str) -> None:
    if value is None:
        msg = f"Template format error: [{path}] 'null' values are not allowed in templates"
        raise ValidationError(msg)
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_null(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_null(item, f"{path}/{number}")


def _no_other_stacks(stack_name: str, output_name: str, region: str) -> Value:
    msg = f"there is no stack {stack_name} here to read {output_name} from {region}".rstrip()
    raise UnresolvableError(msg)


@dataclass
class Scope:
    """The values of references in one stack's template.

    `ref` and `attribute` look up resources, `import_value` the exports of other stacks,
    `stack_output` an output of another stack by that stack's name and its own, and a Region or an
    empty text.
    """

    template: Template
    parameters: Mapping[str, Value]
    pseudo_parameters: Mapping[str, Value]
    ref: Callable[[str], Value]
    attribute: Callable[[str, str], Value]
    import_value: Callable[[str], Value]
    stack_output: Callable[[str, str, str], Value] = _no_other_stacks
    dynamic_references: DynamicReferences = field(default_factory=DynamicReferences)

    def active_resources(self) -> dict[str, ResourceDeclaration]:
        """The resources whose condition holds, each with the branches of Fn::If that count."""
        active = {
            logical_id: resource
            for logical_id, resource in self.template.resources.items()
            if resource.condition is None or self.condition(resource.condition)
        }
        if not self.template.section("Conditions"):
            return active
        return {
            logical_id: replace(resource, properties=self._chosen(dict(resource.properties)))
            for logical_id, resource in active.items()
        }

    def active_outputs(self) -> dict[str, Mapping[str, Value]]:
        """The outputs whose condition holds, as `active_resources`."""
        return {
            key: self._chosen(output)
            for key, output in self.template.section("Outputs").items()
            if "Condition" not in output or self.condition(output["Condition"])
        }

    def _chosen(self, value: Value) -> Value:
        """The value without the branches that conditions rule out."""
        if isinstance(value, dict):
            if value.keys() == {"Fn::If"}:
                name, if_true, if_false = value["Fn::If"]
                return self._chosen(if_true if self.condition(name) else if_false)
            return {key: self._chosen(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._chosen(item) for item in value]
        return value

    def condition(self, name: str) -> bool:
        """Whether a named condition holds."""
        try:
            expression = self.template.section("Conditions")[name]
        except KeyError:
            msg = f"Template format error: Unresolved condition dependency {name}"
            raise ValidationError(msg) from None
        return bool(self.resolve(expression))

    def resolve(self, value: Value) -> Value:
        """The value with every intrinsic function replaced by what it gives."""
        if isinstance(value, dict):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                    return self._call(name, argument)
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not OMITTED}
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not OMITTED]
        return value

    def properties(self, declaration: ResourceDeclaration) -> dict[str, Value]:
        """The properties of a resource, resolved, dynamic references included."""
        resolved = self.resolve(dict(declaration.properties))
        replaced: dict[str, Value] = self.dynamic_references.replaced(resolved)
        return replaced

    def _call(self, name: str, argument: Value) -> Value:
        function = _FUNCTIONS.get(name)
        if function is None:
            # a map with one key that only looks like a function, such as a policy's Condition
            if not name.startswith("Fn::"):
                return {name: self.resolve(argument)}
            msg = f"Template error: {name} is not supported here"
            raise ValidationError(msg)
        return function(self, argument)

    def _ref(self, name: Value) -> Value:
        if name == "AWS::NoValue":
            return OMITTED
        if name in self.pseudo_parameters:
            return self.pseudo_parameters[name]
        if name in self.parameters:
            return self.parameters[name]
        return self.ref(name)

    def _get_att(self, argument: Value) -> Value:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        return self.attribute(parts[0], str(self.resolve(parts[1])))

    def _sub(self, argument: Value) -> Value:
        text, variables = argument if isinstance(argument, list) else (argument, {})

        def value_of(match: re.Match[str]) -> str:
            name = match["name"].strip()
            if match["literal"]:
                return "${" + name + "}"
            if name in variables:
                return as_text(self.resolve(variables[name]))
            if "." in name:
                return as_text(self._get_att(name))
            return as_text(self._ref(name))

        return _SUBSTITUTION.sub(value_of, text)

    def _join(self, argument: Value) -> Value:
        separator, items = argument
        return separator.join(as_text(item) for item in self.resolve(items))

    def _split(self, argument: Value) -> Value:
        separator, text = argument
        return as_text(self.resolve(text)).split(separator)

    def _select(self, argument: Value) -> Value:
        index, items = (self.resolve(item) for item in argument)
        if not 0 <= int(index) < len(items):
            msg = f"Template error: Fn::Select cannot select nonexistent value at index {index}"
            raise ValidationError(msg)
        return items[int(index)]

    def _find_in_map(self, argument: Value) -> Value:
        name, first, second = (self.resolve(item) for item in argument[:3])
        try:
            return self.template.section("Mappings")[name][first][second]
        except KeyError:
            msg = f"Template error: Unable to get mapping for {name}::{first}::{second}"
            raise ValidationError(msg) from None

    def _get_stack_output(self, argument: Value) -> Value:
        """Resolve Fn::GetStackOutput; a RoleArn has no effect in the only account."""
        given = self.resolve(argument)
        missing = sorted({"StackName", "OutputName"} - given.keys())
        if missing:
            msg = f"Template error: Fn::GetStackOutput needs {' and '.join(missing)}"
            raise ValidationError(msg)
        return self.stack_output(given["StackName"], given["OutputName"], given.get("Region", ""))

    def _if(self, argument: Value) -> Value:
        name, if_true, if_false = argument
        return self.resolve(if_true if self.condition(name) else if_false)

    def _condition_reference(self, argument: Value) -> Value:
        if isinstance(argument, str) and argument in self.template.section("Conditions"):
            return self.condition(argument)
        return {"Condition": self.resolve(argument)}


_FUNCTIONS: dict[str, Callable[[Scope, Value], Value]] = {
    "Ref": Scope._ref,  # noqa: SLF001 - the table belongs to the class
    "Condition": Scope._condition_reference,  # noqa: SLF001
    "Fn::GetAtt": Scope._get_att,  # noqa: SLF001
    "Fn::Sub": Scope._sub,  # noqa: SLF001
    "Fn::Join": Scope._join,  # noqa: SLF001
    "Fn::Split": Scope._split,  # noqa: SLF001
    "Fn::Select": Scope._select,  # noqa: SLF001
    "Fn::FindInMap": Scope._find_in_map,  # noqa: SLF001
    "Fn::If": Scope._if,  # noqa: SLF001
    "Fn::GetStackOutput": Scope._get_stack_output,  # noqa: SLF001
    "Fn::ImportValue": lambda scope, argument: scope.import_value(scope.resolve(argument)),
    "Fn::Base64": lambda scope, argument: base64.b64encode(
        as_text(scope.resolve(argument)).encode()
    ).decode(),
    "Fn::GetAZs": lambda scope, _: [f"{scope.pseudo_parameters['AWS::Region']}{z}" for z in "abc"],
    "Fn::Equals": lambda scope, argument: (
        as_text(scope.resolve(argument[0])) == as_text(scope.resolve(argument[1]))
    ),
    "Fn::Not": lambda scope, argument: not scope.resolve(argument[0]),
    "Fn::And": lambda scope, argument: all(scope.resolve(item) for item in argument),
    "Fn::Or": lambda scope, argument: any(scope.resolve(item) for item in argument),
}


def as_text(value: Value) -> str:
    """A scalar as the text that a function or another template gets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def stringified(value: Value) -> Value:
    """Properties as a custom resource's function gets them: every scalar is a string."""
    if isinstance(value, dict):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    return None if value is None else as_text(value)


def references(value: Value) -> Iterator[str]:
    """Every name that a Ref, Fn::GetAtt or Fn::Sub in this value mentions."""
    for name, _ in _mentions(value):
        yield name


def _mentions(value: Value) -> Iterator[tuple[str, bool]]:
    """The same names, each with whether an attribute is asked for."""
    if isinstance(value, dict):
        for name, argument in value.items():
            if name == "Ref" and isinstance(argument, str):
                yield argument, False
            elif name == "Fn::GetAtt":
                yield argument.split(".", 1)[0] if isinstance(argument, str) else argument[0], True
            elif name == "Fn::Sub":
                text, own = argument if isinstance(argument, list) else (argument, {})
                for match in _SUBSTITUTION.finditer(text):
                    owner, dot, _ = match["name"].strip().partition(".")
                    if not match["literal"] and match["name"].strip() not in own:
                        yield owner, bool(dot)
            yield from _mentions(argument)
    elif isinstance(value, list):
        for item in value:
            yield from _mentions(item)


def dependencies(resources: Mapping[str, ResourceDeclaration]) -> dict[str, frozenset[str]]:
    """The resources that each one waits for; ValidationError for a cycle."""
    graph = {
        logical_id: frozenset(
            name
            for name in (*resource.depends_on, *references(resource.properties))
            if name in resources
        )
        for logical_id, resource in resources.items()
    }
    left = dict(graph)
    while left:
        free = [logical_id for logical_id, waits in left.items() if not waits & left.keys()]
        if not free:
            cycle = ", ".join(sorted(left))
            msg = f"Circular dependency between resources: [{cycle}]"
            raise ValidationError(msg)
        for logical_id in free:
            del left[logical_id]
    return graph


MAX_RESOURCES = 500


def check(scope: Scope, known: Callable[[ResourceDeclaration], bool]) -> None:
    """Refuse what CloudFormation refuses before it creates anything.

    ValidationError for an unknown resource type, a reference to nothing or to what a
    condition leaves out, a cycle, and more than 500 resources.
    """
    template, active = scope.template, scope.active_resources()
    if len(template.resources) > MAX_RESOURCES:
        msg = (
            f"Template format error: Number of resources, {len(template.resources)}, is greater "
            f"than maximum allowed, {MAX_RESOURCES}"
        )
        raise ValidationError(msg)
    unknown = sorted({r.type for r in active.values() if not known(r)})
    if unknown:
        msg = f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        raise ValidationError(msg)
    depends_on = {name for resource in active.values() for name in resource.depends_on}
    used = [resource.properties for resource in active.values()]
    _check_mentions(scope, used, active, "Resources", depends_on - template.resources.keys())
    _check_mentions(scope, list(scope.active_outputs().values()), active, "Outputs", set())
    dependencies(active)


def _check_mentions(
    scope: Scope, values: Collection[Value], active: Collection[str], block: str, missing: set[str]
) -> None:
    mentions = {mention for value in values for mention in _mentions(value)}
    named = {name for name, _ in mentions if not name.startswith("AWS::")}
    missing = missing | (named - set(active) - scope.parameters.keys())
    if missing:
        msg = (
            f"Template format error: Unresolved resource dependencies "
            f"[{', '.join(sorted(missing))}] in the {block} block of the template"
        )
        raise ValidationError(msg)
    for name, is_attribute in sorted(mentions):
        if is_attribute and name not in active:
            msg = f"Template error: instance of Fn::GetAtt references undefined resource {name}"
            raise ValidationError(msg)
