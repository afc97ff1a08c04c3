"""Values that stacks share: outputs, exports and imports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from local_aws.cloudformation.stacks import Output, Stack
from local_aws.cloudformation.template import Scope, UnresolvableError, as_text


def outputs_of(scope: Scope) -> dict[str, Output]:
    """The outputs of a template whose resources exist."""
    outputs = {}
    for key, output in scope.active_outputs().items():
        export = output.get("Export")
        outputs[key] = Output(
            key,
            as_text(scope.resolve(output["Value"])),
            output.get("Description"),
            None if export is None else str(scope.resolve(export["Name"])),
        )
    return outputs


def imports_of(scope: Scope) -> frozenset[str]:
    """The names of the exports that a template uses."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for name, argument in value.items():
                if name == "Fn::ImportValue":
                    try:
                        found.add(str(scope.resolve(argument)))
                    except UnresolvableError:
                        continue  # the resource that uses it fails for the same reason
                else:
                    look(argument)
        elif isinstance(value, list):
            for item in value:
                look(item)

    for resource in scope.active_resources().values():
        look(dict(resource.properties))
    look(scope.active_outputs())
    return frozenset(found)


class Exports:
    """The exports of all stacks together."""

    def __init__(self, stacks: Mapping[str, Stack]) -> None:
        self._stacks = stacks

    def value(self, name: str) -> str:
        """The export of this name; UnresolvableError if there is none."""
        for stack in list(self._stacks.values()):
            for output in list(stack.outputs.values()):
                if output.export_name == name:
                    return output.value
        msg = f"No export named {name} found."
        raise UnresolvableError(msg)

    def output(self, stack_name: str, key: str) -> str:
        """An output of a stack by their names; UnresolvableError if there is none."""
        for stack in list(self._stacks.values()):
            if stack.name == stack_name and key in stack.outputs:
                return stack.outputs[key].value
        msg = f"No output named {key} found in a stack named {stack_name}."
        raise UnresolvableError(msg)

    def why_not(self, stack: Stack, outputs: Mapping[str, Output]) -> str:
        """Why a stack cannot get these outputs, or an empty string."""
        new = {o.export_name: o.value for o in outputs.values() if o.export_name}
        for name, value in _exports(stack).items():
            users = self._users(stack, name)
            if users and new.get(name) != value:
                verb = "updated" if name in new else "deleted"
                return f"Export {name} cannot be {verb} as it is in use by {_listed(users)}"
        for other in list(self._stacks.values()):
            taken = new.keys() & _exports(other).keys()
            if other is not stack and taken:
                name = min(taken)
                return f"Export with name {name} is already exported by stack {other.name}."
        return ""

    def why_not_deleted(self, stack: Stack) -> str:
        """Why a stack cannot be deleted, or an empty string."""
        for name in _exports(stack):
            users = self._users(stack, name)
            if users:
                return (
                    f"Delete canceled. Cannot delete export {name} as it is in use by "
                    f"{_listed(users)}."
                )
        return ""

    def importers(self, name: str) -> list[str]:
        """The names of the stacks that import an export."""
        return [stack.name for stack in list(self._stacks.values()) if name in stack.imports]

    def _users(self, stack: Stack, name: str) -> list[str]:
        stacks = list(self._stacks.values())
        return [other.name for other in stacks if name in other.imports and other is not stack]


def _exports(stack: Stack) -> dict[str, str]:
    outputs = list(stack.outputs.values())
    return {output.export_name: output.value for output in outputs if output.export_name}


def _listed(names: Collection[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
