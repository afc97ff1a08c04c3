"""The present values of Ref and Fn::GetAtt in a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local_aws.cloudformation.dynamic_references import DynamicReferences
from local_aws.cloudformation.stacks import Change, Stack
from local_aws.cloudformation.template import Scope, UnresolvableError


class References:
    """Makes the scopes in which templates are resolved."""

    def __init__(
        self,
        pseudo_parameters: Mapping[str, str],
        import_value: Callable[[str], str],
        stack_output: Callable[[str, str], str],
        dynamic_references: DynamicReferences,
    ) -> None:
        self._pseudo_parameters = pseudo_parameters
        self._import_value = import_value
        self._stack_output = stack_output
        self._dynamic_references = dynamic_references

    def scope(self, stack: Stack, change: Change) -> Scope:
        """The scope of a template that the stack has or is to have."""

        def ref(name: str) -> Any:
            resource = stack.resources.get(name)
            if resource is None or not resource.physical_id:
                msg = f"Unresolved reference to {name}"
                raise UnresolvableError(msg)
            return resource.physical_id

        pseudo = {
            **self._pseudo_parameters,
            "AWS::StackId": stack.stack_id,
            "AWS::StackName": stack.name,
        }
        return Scope(
            change.template,
            change.parameters,
            pseudo,
            ref,
            lambda name, attribute: _attribute(stack, name, attribute),
            self._import_value,
            self._output_of_stack,
            self._dynamic_references,
        )

    def _output_of_stack(self, stack_name: str, output_name: str, region: str) -> str:
        here = self._pseudo_parameters["AWS::Region"]
        if region not in {"", here}:
            msg = (
                f"Fn::GetStackOutput of stack {stack_name} in {region}: this AWS has one Region, "
                f"{here}"
            )
            raise UnresolvableError(msg)
        return self._stack_output(stack_name, output_name)


def _attribute(stack: Stack, name: str, attribute: str) -> Any:
    resource = stack.resources.get(name)
    if resource is None:
        msg = f"Unresolved reference to {name}.{attribute}"
        raise UnresolvableError(msg)
    value: Any = resource.attributes
    if attribute in value:
        return value[attribute]
    for part in attribute.split("."):
        if not isinstance(value, Mapping) or part not in value:
            msg = (
                f"CustomResource attribute error: Vendor response doesn't contain "
                f"{attribute} key in object {stack.stack_id}|{name}"
                if resource.declaration.is_custom
                else f"Requested attribute {attribute} does not exist in schema for {resource.type}"
            )
            raise UnresolvableError(msg)
        value = value[part]
    return value
