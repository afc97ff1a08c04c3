"""The same groups as single resources or as one tree: one test plays a history both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from connect_hierarchy_lambda.model.properties import reference_attribute
from connect_hierarchy_lambda.model.tree import key_mark
from local_aws.cloudformation.stacks import Stack
from tests.support.deployments import LEVELS, cancel, fail, up
from tests.support.stacks import Site, node

START = (node("A", "T"), "B")
"""Three groups, the second below the first."""

MOVED = ("A", node("B", node("T", Key="A/T")))
"""The same groups, the second moved below the third."""

_OF_SINGLE_GROUPS = ("AdoptExisting", "DependsOn")


class Kind(Enum):
    """As what an organisation is deployed."""

    SINGLE = "single"
    """A `HierarchyGroup` for each group."""

    TREE = "tree"
    """One `HierarchyTree` for all of them."""


@dataclass(frozen=True)
class Organisation:
    """Groups of a stack on a site.

    Groups are written as nodes of a tree, with `node` or as a name alone, and known by their keys:
    without `Key` that is the parent's key, a slash and the name. A single group's logical id is its
    key without slashes. Two fields of a node are for single groups: `DependsOn`, keys of others,
    which a tree does without, and `AdoptExisting`, which a tree has as a whole if one node has it.
    Tags reach what is below, as they do in a tree.

    Options are properties of the tree, or of each of the single groups; `ParentGroupArn` is for
    those at the top.
    """

    site: Site
    kind: Kind
    name: str = ""
    """What the logical ids begin with, where a stack has several organisations."""

    levels: Sequence[str] = LEVELS
    adopt_levels: bool = False

    def resources(self, *groups: Any, **options: Any) -> dict[str, Any]:
        """The structure and the resources of these groups."""
        structure = self.site.structure(*self.levels, AdoptExisting=self.adopt_levels)
        return {"Structure": structure, **self.of(*groups, **options)}

    def of(self, *groups: Any, **options: Any) -> dict[str, Any]:
        """The resources of these groups without the structure; a tree of none is left out."""
        if not groups:
            return {}
        if self.kind is Kind.TREE:
            if any(node.get("AdoptExisting") for node in _all(groups)):
                options = {"AdoptExisting": True, **options}
            return {self.tree_id: self.site.tree(*map(_of_tree, groups), **options)}
        options.pop("references", None)
        found = dict(self._single_groups(groups, options))
        assert len(found) == sum(1 for _ in _all(groups)), "two groups have one logical id"
        return found

    def up(self, *groups: Any, **options: Any) -> Stack:
        """Deploy them, which has to go well."""
        return up(self.site, self.resources(*groups, **options))

    def fail(self, *groups: Any, **options: Any) -> Stack:
        """Deploy them with something that fails after all else."""
        return fail(self.site, self.resources(*groups, **options))

    def cancel(self, seconds: float, *groups: Any, **options: Any) -> Stack:
        """Deploy them with something that fails after so many seconds, while they are at work."""
        return cancel(self.site, self.resources(*groups, **options), seconds)

    def refused(self, *groups: Any, **options: Any) -> Stack:
        """Deploy them to a stack that is there, which has to fail and to be rolled back."""
        stack = self.site.up(self.resources(*groups, **options))
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", self.site.reasons(stack)
        return stack

    def left_behind(self, *groups: Any) -> dict[str, Any]:
        """Let these groups be retained; the resources with which they are found again."""
        self.up(*groups, DeletionPolicy="Retain")
        self.up()
        self.site.clock.sleep(2000)
        return self.resources(*groups)

    @property
    def tree_id(self) -> str:
        """The logical id of the tree."""
        return f"{self.name}Tree"

    def logical_id(self, key: str) -> str:
        """The logical id of the resource that a group belongs to."""
        if self.kind is Kind.TREE:
            return self.tree_id
        return self.name + key.replace("/", "")

    def arn(self, key: str) -> Any:
        """A group's ARN in a template; in a tree it is one of `references`."""
        if self.kind is Kind.SINGLE:
            return {"Ref": self.logical_id(key)}
        group_id = {"Fn::GetAtt": [self.tree_id, reference_attribute(key_mark(key))]}
        instance_arn = {"Fn::GetAtt": ["Structure", "InstanceArn"]}
        return {"Fn::Join": ["/", [instance_arn, "agent-group", group_id]]}

    def answered(self, stack: Stack, key: str) -> str:
        """The id of a group as CloudFormation was told; in a tree it is one of `references`."""
        resource = stack.resources[self.logical_id(key)]
        if self.kind is Kind.SINGLE:
            return str(resource.physical_id).rsplit("/", 1)[-1]
        return str(resource.attributes[reference_attribute(key_mark(key))])

    def _single_groups(
        self,
        groups: Sequence[Any],
        options: Mapping[str, Any],
        parent: str | None = None,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for group in groups:
            node = _node(group)
            key = node.get("Key") or (f"{parent}/{node['Name']}" if parent else node["Name"])
            own = {k: v for k, v in node.items() if k not in {"Name", "Key", "Children"}}
            depends_on = own.pop("DependsOn", ())
            tags = {**options.get("Tags", {}), **own.pop("Tags", {})}
            properties = {**options, **own, **({"Tags": tags} if tags else {})}
            above = None if parent is None else self.logical_id(parent)
            resource = self.site.group(node["Name"], above, **properties)
            if depends_on:
                resource["DependsOn"] = [self.logical_id(other) for other in depends_on]
            yield self.logical_id(key), resource
            below = {name: value for name, value in options.items() if name != "ParentGroupArn"}
            if tags:
                below["Tags"] = tags
            yield from self._single_groups(node.get("Children", ()), below, key)


def _node(group: Any) -> Mapping[str, Any]:
    return {"Name": group} if isinstance(group, str) else group


def _all(groups: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for group in groups:
        node = _node(group)
        yield node
        yield from _all(node.get("Children", ()))


def _of_tree(group: Any) -> dict[str, Any]:
    node = {key: value for key, value in _node(group).items() if key not in _OF_SINGLE_GROUPS}
    if "Children" in node:
        node["Children"] = [_of_tree(child) for child in node["Children"]]
    return node
