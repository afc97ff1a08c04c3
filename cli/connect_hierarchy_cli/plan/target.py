"""The target of a deployment: the stack as it is, and its new template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_cli.plan.intrinsics import Scope, unknown, unknowns
from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid

_INSTANCE = "AWS::Connect::Instance"

Resources = Mapping[str, Mapping[str, Any]]
"""Declarations of a template by logical id."""


@dataclass(frozen=True)
class Home:
    """The partition, Region and account of a stack."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, arn: str) -> Home:
        """The home in an ARN."""
        _, partition, _, region, account, _ = arn.split(":", 5)
        return cls(partition, region, account)

    def arn(self, service: str, rest: str) -> str:
        """An ARN in this home."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"


@dataclass(frozen=True)
class Target:
    """A stack that is deployed to.

    `imported` gives the value of an export, `output` that of an output of another stack,
    `importers` the names of the stacks that import an export.
    """

    stack_id: str
    new_template: Mapping[str, Any]
    new_parameters: Mapping[str, Any] = field(default_factory=dict)
    old_template: Mapping[str, Any] | None = None
    """None for the first deployment of the stack."""

    old_parameters: Mapping[str, Any] = field(default_factory=dict)
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    """The declarations of the deployed template, by logical id."""

    imported: Callable[[str], str | None] = field(default=lambda _: None)
    output: Callable[[str, str], str | None] = field(default=lambda _, __: None)

    importers: Callable[[str], Sequence[str]] = field(default=lambda _: ())

    @property
    def name(self) -> str:
        """The name of the stack."""
        return stack_name_and_uuid(self.stack_id).split("/", 1)[0]

    @property
    def home(self) -> Home:
        """Where it is."""
        return Home.of(self.stack_id)

    @property
    def is_first(self) -> bool:
        """Whether the stack does not exist yet."""
        return self.old_template is None

    def scope(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, Any],
        ref: Callable[[str], str | None],
        attribute: Callable[[str, str], str | None],
    ) -> Scope:
        """The scope of a template of the stack.

        Args:
            template: The old or the new one.
            parameters: The values of its parameters.
            ref: The physical id of a resource of this library, None for any other.
            attribute: An attribute of one, likewise.
        """
        declared: Resources = template.get("Resources") or {}

        def ref_of(name: str) -> str:
            found = ref(name)
            return self._physical_id(declared, name) if found is None else found

        def attribute_of(name: str, attribute_name: str) -> str:
            found = attribute(name, attribute_name)
            return self._attribute(declared, name, attribute_name) if found is None else found

        def import_of(name: str) -> str:
            return self.imported(name) or unknown(f"export {name}")

        def output_of(stack: str, name: str) -> str:
            return self.output(stack, name) or unknown(f"output {name} of stack {stack}")

        home = self.home
        return Scope(
            template=template,
            parameters={**_defaults(template), **parameters},
            pseudo_parameters={
                "AWS::AccountId": home.account,
                "AWS::Partition": home.partition,
                "AWS::Region": home.region,
                "AWS::StackId": self.stack_id,
                "AWS::StackName": self.name,
                "AWS::URLSuffix": _suffix(home.partition),
                "AWS::NotificationARNs": [],
            },
            ref=ref_of,
            attribute=attribute_of,
            import_value=import_of,
            stack_output=output_of,
        )

    def new_instances(self) -> list[str]:
        """Placeholder ARNs of the instances that the deployment creates."""
        declared: Resources = self.new_template.get("Resources") or {}
        return [
            self._instance_arn(name)
            for name, declaration in declared.items()
            if declaration.get("Type") == _INSTANCE and name not in self.physical_ids
        ]

    def _instance_arn(self, logical_id: str) -> str:
        return self.home.arn("connect", f"instance/planned-{logical_id}")

    def _physical_id(self, declared: Resources, name: str) -> str:
        if self.physical_ids.get(name):
            return self.physical_ids[name]
        if declared.get(name, {}).get("Type") == _INSTANCE:
            return self._instance_arn(name)
        return unknown(name)

    def _attribute(self, declared: Resources, name: str, attribute: str) -> str:
        """An attribute that follows from the physical id; CloudFormation shows no others."""
        physical_id = self._physical_id(declared, name)
        what = (declared.get(name, {}).get("Type"), attribute)
        if unknowns(physical_id):
            return unknown(f"{name}.{attribute}")
        if what == ("AWS::Connect::Instance", "Id"):
            return physical_id.rsplit("/", 1)[-1]
        if what == ("AWS::Lambda::Function", "Arn") and not physical_id.startswith("arn:"):
            return self.home.arn("lambda", f"function:{physical_id}")
        if attribute.endswith("Arn") and physical_id.startswith("arn:"):
            return physical_id
        return unknown(f"{name}.{attribute}")


def _defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: declaration.get("Default", unknown(f"parameter {name}"))
        for name, declaration in (template.get("Parameters") or {}).items()
    }


def _suffix(partition: str) -> str:
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
