"""Intrinsic functions of templates, resolved as far as their values are known before a deployment.

A value that cannot be known becomes a text that says so. It is the same text everywhere, so that
two templates that use the value in the same way do not differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SUBSTITUTION = re.compile(r"\$\{(?P<literal>!?)(?P<name>[^}]+)\}")
_UNKNOWN = re.compile(r"<known after deployment: (?P<what>[^<>]*)>")
_DYNAMIC = "{{resolve:"

_OMITTED = object()
"""What `AWS::NoValue` stands for: the property is left out."""

Lookup = Callable[[str], Any]


class TemplateError(Exception):
    """A template that cannot be evaluated."""


def unknown(what: str) -> str:
    """The text in place of a value that only the deployment knows."""
    return f"<known after deployment: {re.sub('[<>]', '', what)}>"


def unknowns(value: object) -> list[str]:
    """The unknown parts of a resolved value, each once."""
    return list(dict.fromkeys(_unknowns(value)))


def _unknowns(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from (match["what"] for match in _UNKNOWN.finditer(value))
        if _DYNAMIC in value:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _unknowns(item)
    elif isinstance(value, list):
        for item in value:
            yield from _unknowns(item)


def as_text(value: object) -> str:
    """A value as CloudFormation writes it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def stringified(value: Any) -> Any:
    """A value as a custom resource gets it: every scalar is a text."""
    if isinstance(value, Mapping):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    return as_text(value)


@dataclass(frozen=True)
class Scope:
    """What references in one template resolve to.

    `ref` and `attribute` look resources up, `import_value` exports, `stack_output` an output of
    another stack by that stack's name and its own. Each returns `unknown(…)` if it does not know
    the value.
    """

    template: Mapping[str, Any]
    parameters: Mapping[str, Any]
    pseudo_parameters: Mapping[str, Any]
    ref: Lookup
    attribute: Callable[[str, str], Any]
    import_value: Lookup = field(default=lambda name: unknown(f"export {name}"))
    stack_output: Callable[[str, str], Any] = field(
        default=lambda stack, output: unknown(f"output {output} of stack {stack}")
    )

    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The declarations whose condition holds, by logical id."""
        declared: Mapping[str, Mapping[str, Any]] = self.template.get("Resources") or {}
        return {
            logical_id: declaration
            for logical_id, declaration in declared.items()
            if self.holds(declaration.get("Condition"))
        }

    def holds(self, name: str | None) -> bool:
        """Whether the condition of a declaration holds; without a condition, it always does."""
        return name is None or self.condition(name) is True

    def condition(self, name: str) -> bool:
        """Whether a condition holds; TemplateError if that is not known before the deployment."""
        conditions = self.template.get("Conditions") or {}
        if name not in conditions:
            raise TemplateError(f"the template has no condition {name}")
        value = self.resolve(conditions[name])
        if unknowns(value):
            raise TemplateError(f"condition {name} is known after the deployment only")
        return value is True

    def properties(self, declaration: Mapping[str, Any]) -> dict[str, Any]:
        """The properties of a resource as an event has them."""
        resolved: dict[str, Any] = stringified(self.resolve(declaration.get("Properties") or {}))
        return resolved

    def resolve(self, value: Any) -> Any:
        """The value with every intrinsic function replaced by what it gives."""
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                    return self._call(name, argument)
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not _OMITTED}
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not _OMITTED]
        return value

    def _call(self, name: str, argument: Any) -> Any:
        function = _FUNCTIONS.get(name)
        if function is None:
            return unknown(json.dumps({name: argument}, default=str))
        return function(self, argument)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _OMITTED
        for known in (self.pseudo_parameters, self.parameters):
            if name in known:
                return known[name]
        return self.ref(name)

    def _get_att(self, argument: Any) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        return self.attribute(parts[0], as_text(self.resolve(parts[1])))

    def _sub(self, argument: Any) -> str:
        text, variables = argument if isinstance(argument, list) else (argument, {})

        def value_of(match: re.Match[str]) -> str:
            name = match["name"].strip()
            if match["literal"]:
                return "${" + name + "}"
            if name in variables:
                return as_text(self.resolve(variables[name]))
            return as_text(self._get_att(name) if "." in name else self._ref(name))

        return _SUBSTITUTION.sub(value_of, text)

    def _join(self, argument: Any) -> str:
        separator, items = argument
        resolved = self.resolve(items)
        if not isinstance(resolved, list):
            return as_text(resolved)
        return str(separator).join(as_text(item) for item in resolved)

    def _split(self, argument: Any) -> Any:
        separator, text = argument
        resolved = as_text(self.resolve(text))
        return [resolved] if unknowns(resolved) else resolved.split(separator)

    def _select(self, argument: Any) -> Any:
        index, items = argument
        number, resolved = self.resolve(index), self.resolve(items)
        if unknowns(resolved) or not isinstance(resolved, list):
            return unknown(f"item {number} of {json.dumps(items, default=str)}")
        if not 0 <= int(number) < len(resolved):
            raise TemplateError(f"Fn::Select cannot select item {number} of {len(resolved)}")
        return resolved[int(number)]

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second = (self.resolve(item) for item in argument[:3])
        try:
            return self.template["Mappings"][name][first][second]
        except KeyError:
            return unknown(f"{name}.{first}.{second}")

    def _import_value(self, argument: Any) -> Any:
        return self.import_value(as_text(self.resolve(argument)))

    def _stack_output(self, argument: Any) -> Any:
        given = self.resolve(argument)
        return self.stack_output(as_text(given["StackName"]), as_text(given["OutputName"]))

    def _if(self, argument: Any) -> Any:
        name, if_true, if_false = argument
        return self.resolve(if_true if self.condition(name) else if_false)

    def _condition_reference(self, argument: Any) -> Any:
        if isinstance(argument, str) and argument in (self.template.get("Conditions") or {}):
            return self.condition(argument)
        return {"Condition": self.resolve(argument)}

    def _equals(self, argument: Any) -> Any:
        first, second = self.resolve(argument)
        if unknowns([first, second]) and first != second:
            return unknown("Fn::Equals")
        return as_text(first) == as_text(second)

    def _not(self, argument: Any) -> Any:
        (value,) = self.resolve(argument)
        return value if unknowns(value) else value is not True

    def _and(self, argument: Any) -> Any:
        values = self.resolve(argument)
        return unknown("Fn::And") if unknowns(values) else all(v is True for v in values)

    def _or(self, argument: Any) -> Any:
        values = self.resolve(argument)
        return unknown("Fn::Or") if unknowns(values) else any(v is True for v in values)


_FUNCTIONS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Ref": Scope._ref,  # noqa: SLF001 - the class's own
    "Condition": Scope._condition_reference,  # noqa: SLF001 - the same
    "Fn::GetAtt": Scope._get_att,  # noqa: SLF001 - the same
    "Fn::Sub": Scope._sub,  # noqa: SLF001 - the same
    "Fn::Join": Scope._join,  # noqa: SLF001 - the same
    "Fn::Split": Scope._split,  # noqa: SLF001 - the same
    "Fn::Select": Scope._select,  # noqa: SLF001 - the same
    "Fn::FindInMap": Scope._find_in_map,  # noqa: SLF001 - the same
    "Fn::ImportValue": Scope._import_value,  # noqa: SLF001 - the same
    "Fn::GetStackOutput": Scope._stack_output,  # noqa: SLF001 - the same
    "Fn::If": Scope._if,  # noqa: SLF001 - the same
    "Fn::Equals": Scope._equals,  # noqa: SLF001 - the same
    "Fn::Not": Scope._not,  # noqa: SLF001 - the same
    "Fn::And": Scope._and,  # noqa: SLF001 - the same
    "Fn::Or": Scope._or,  # noqa: SLF001 - the same
}


def dependencies(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """The resources that each resource waits for, by its references and its DependsOn."""
    found: dict[str, set[str]] = {}
    for logical_id, declaration in resources.items():
        stated = declaration.get("DependsOn", [])
        names = {stated} if isinstance(stated, str) else set(stated)
        names |= set(_referred_to(declaration.get("Properties") or {}))
        found[logical_id] = {name for name in names if name in resources and name != logical_id}
    return found


def _referred_to(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _referred_to(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name == "Ref" and isinstance(item, str):
                yield item
            elif name == "Fn::GetAtt":
                yield item.split(".", 1)[0] if isinstance(item, str) else str(item[0])
            elif name == "Fn::Sub":
                text = item[0] if isinstance(item, list) else item
                yield from (m["name"].strip().split(".")[0] for m in _SUBSTITUTION.finditer(text))
            yield from _referred_to(item)
