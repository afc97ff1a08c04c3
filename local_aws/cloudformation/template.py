"""Templates: parsing, parameters, conditions, intrinsic functions and the order of resources."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from local_aws.cloudformation.exceptions import ValidationError

Value = Any
"""A JSON value, resolved or not."""


class UnresolvableError(Exception):
    """A reference that has no value, for example an attribute that an answer did not give."""


class _Omitted:
    """What `AWS::NoValue` stands for: the property is left out."""


OMITTED = _Omitted()

_SUBSTITUTION = re.compile(r"\$\{(?P<literal>!?)(?P<name>[^}]+)\}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms; dates stay the strings that they were written as."""


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
    """One entry of a template's Resources, as it is written."""

    logical_id: str
    type: str
    properties: Mapping[str, Value]
    depends_on: tuple[str, ...]
    condition: str | None
    deletion_policy: str
    update_replace_policy: str

    @property
    def is_custom(self) -> bool:
        """Whether a Lambda function makes it."""
        return self.type.startswith("Custom::") or self.type == (
            "AWS::CloudFormation::CustomResource"
        )


@dataclass(frozen=True)
class Template:
    """A template as it was submitted, taken apart but not resolved."""

    body: str
    document: Mapping[str, Value] = field(repr=False)
    resources: Mapping[str, ResourceDeclaration] = field(repr=False)

    @classmethod
    def parse(cls, body: str) -> Template:
        """Read JSON or YAML; ValidationError where it is no template."""
        try:
            document = json.loads(body)
        except ValueError:
            try:
                document = yaml.load(body, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
            except yaml.YAMLError as error:
                msg = f"Template format error: neither JSON nor YAML. ({error})"
                raise ValidationError(msg) from None
        if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
            msg = "Template format error: At least one Resources member must be defined."
            raise ValidationError(msg)
        resources = {
            logical_id: _declaration(logical_id, resource)
            for logical_id, resource in document["Resources"].items()
        }
        return cls(body, document, resources)

    def section(self, name: str) -> Mapping[str, Value]:
        """A section by name, empty where the template has none."""
        return self.document.get(name) or {}


def _declaration(logical_id: str, resource: Mapping[str, Value]) -> ResourceDeclaration:
    if not isinstance(resource, dict) or "Type" not in resource:
        msg = f"Template format error: [/Resources/{logical_id}] Every Resource must have a Type."
        raise ValidationError(msg)
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


@dataclass
class Scope:
    """What references in one stack's template resolve to.

    `ref` and `attribute` look up resources, `import_value` the exports of other stacks.
    """

    template: Template
    parameters: Mapping[str, Value]
    pseudo_parameters: Mapping[str, Value]
    ref: Callable[[str], Value]
    attribute: Callable[[str, str], Value]
    import_value: Callable[[str], Value]

    def active_resources(self) -> dict[str, ResourceDeclaration]:
        """The resources whose condition holds."""
        return {
            logical_id: resource
            for logical_id, resource in self.template.resources.items()
            if resource.condition is None or self.condition(resource.condition)
        }

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

    def _call(self, name: str, argument: Value) -> Value:
        function = _FUNCTIONS.get(name)
        if function is None:
            # a map with one key that merely looks like a function, such as a policy's Condition
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
                return _as_text(self.resolve(variables[name]))
            if "." in name:
                return _as_text(self._get_att(name))
            return _as_text(self._ref(name))

        return _SUBSTITUTION.sub(value_of, text)

    def _join(self, argument: Value) -> Value:
        separator, items = argument
        return separator.join(_as_text(item) for item in self.resolve(items))

    def _split(self, argument: Value) -> Value:
        separator, text = argument
        return _as_text(self.resolve(text)).split(separator)

    def _select(self, argument: Value) -> Value:
        index, items = (self.resolve(item) for item in argument)
        return items[int(index)]

    def _find_in_map(self, argument: Value) -> Value:
        name, first, second = (self.resolve(item) for item in argument[:3])
        try:
            return self.template.section("Mappings")[name][first][second]
        except KeyError:
            msg = f"Template error: Unable to get mapping for {name}::{first}::{second}"
            raise ValidationError(msg) from None

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
    "Fn::ImportValue": lambda scope, argument: scope.import_value(scope.resolve(argument)),
    "Fn::Base64": lambda scope, argument: base64.b64encode(
        _as_text(scope.resolve(argument)).encode()
    ).decode(),
    "Fn::GetAZs": lambda scope, _: [f"{scope.pseudo_parameters['AWS::Region']}{z}" for z in "abc"],
    "Fn::Equals": lambda scope, argument: (
        _as_text(scope.resolve(argument[0])) == _as_text(scope.resolve(argument[1]))
    ),
    "Fn::Not": lambda scope, argument: not scope.resolve(argument[0]),
    "Fn::And": lambda scope, argument: all(scope.resolve(item) for item in argument),
    "Fn::Or": lambda scope, argument: any(scope.resolve(item) for item in argument),
}


def _as_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def stringified(value: Value) -> Value:
    """Properties as a custom resource's function gets them: every scalar a string."""
    if isinstance(value, dict):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    return None if value is None else _as_text(value)


def references(value: Value) -> Iterator[str]:
    """Every name that a Ref, Fn::GetAtt or Fn::Sub in this value mentions."""
    if isinstance(value, dict):
        for name, argument in value.items():
            if name == "Ref" and isinstance(argument, str):
                yield argument
            elif name == "Fn::GetAtt":
                yield argument.split(".", 1)[0] if isinstance(argument, str) else argument[0]
            elif name == "Fn::Sub":
                text, own = argument if isinstance(argument, list) else (argument, {})
                for match in _SUBSTITUTION.finditer(text):
                    name_in_text = match["name"].strip()
                    if not match["literal"] and name_in_text not in own:
                        yield name_in_text.split(".", 1)[0]
            yield from references(argument)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def dependencies(resources: Mapping[str, ResourceDeclaration]) -> dict[str, frozenset[str]]:
    """Which resources each one waits for; ValidationError where they wait for each other."""
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


def check(
    template: Template,
    active: Mapping[str, ResourceDeclaration],
    known_type: Callable[[str], bool],
    parameters: set[str],
) -> None:
    """Refuse what CloudFormation refuses before it makes anything.

    `active` are the resources whose condition holds; types of others are not looked at.
    ValidationError for a resource type that is not known, a reference to nothing, a cycle, and more
    than 500 resources.
    """
    maximum = 500
    if len(template.resources) > maximum:
        msg = (
            f"Template format error: Number of resources, {len(template.resources)}, is greater "
            f"than maximum allowed, {maximum}"
        )
        raise ValidationError(msg)
    unknown = sorted({r.type for r in active.values() if not known_type(r.type)})
    if unknown:
        msg = f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        raise ValidationError(msg)
    names = template.resources.keys() | parameters
    for logical_id, resource in template.resources.items():
        used = {*references(resource.properties), *resource.depends_on}
        missing = sorted(n for n in used if n not in names and not n.startswith("AWS::"))
        if missing:
            msg = (
                "Template format error: Unresolved resource dependencies "
                f"[{', '.join(missing)}] in the Resources block of the template ({logical_id})"
            )
            raise ValidationError(msg)
    dependencies(template.resources)
