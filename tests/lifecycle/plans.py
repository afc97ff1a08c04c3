"""The wish of a stack: a plain model of a template, and its text for CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from connect_hierarchy_lambda.model.properties import reference_attribute
from connect_hierarchy_lambda.model.tree import key_mark
from tests.support.stacks import Site

FAIL, MOVE_TO_PARENT, UNASSIGN = "FAIL", "MOVE_TO_PARENT", "UNASSIGN"

_SEPARATOR = ":"


@dataclass(frozen=True)
class GroupPlan:
    """One group; `parent` is the member that it is below, None at level one."""

    name: str
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    adopt: bool = False
    on_delete: str = FAIL


@dataclass(frozen=True)
class NodePlan:
    """One group of a tree; `parent` is the key of another node, None at the top of the tree."""

    name: str
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    on_delete: str | None = None
    """What becomes of its agents, if it is not what the tree says."""


@dataclass(frozen=True)
class TreePlan:
    """One tree construct, its nodes by their keys; `parent` is a member, None at level one."""

    nodes: Mapping[str, NodePlan]
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    adopt: bool = False
    on_delete: str = FAIL

    def default_key(self, node: NodePlan) -> str:
        """The key of a node that is given none."""
        return node.name if node.parent is None else f"{node.parent}/{node.name}"

    def below(self, key: str) -> set[str]:
        """The keys of a node and of all below it."""
        keys, before = {key}, 0
        while len(keys) > before:
            before = len(keys)
            keys |= {key for key, node in self.nodes.items() if node.parent in keys}
        return keys

    def tags_of(self, key: str) -> dict[str, str]:
        """All tags of a node: the tree's, those of the nodes above, its own; the last wins."""
        line: list[str] = []
        here: str | None = key
        # a plan that is not sound may go round in a circle
        while here is not None and here in self.nodes and here not in line:
            line.append(here)
            here = self.nodes[here].parent
        tags = dict(self.tags)
        for one in reversed(line):
            tags |= self.nodes[one].tags
        return tags

    def groups(self, parent: str | None = None) -> list[dict[str, Any]]:
        """The nodes below one as the template has them."""
        return [
            {
                "Name": node.name,
                **({} if key == self.default_key(node) else {"Key": key}),
                **({"Tags": dict(node.tags)} if node.tags else {}),
                **({} if node.on_delete is None else {"AgentsOnDelete": node.on_delete}),
                "Children": self.groups(key),
            }
            for key, node in self.nodes.items()
            if node.parent == parent
        ]


@dataclass(frozen=True)
class StackPlan:
    """A structure on one of the site's instances, its single groups and its trees by logical id.

    Single groups and nodes of trees are the stack's members. A member is known by the logical id of
    its group, or by that of its tree and its key.
    """

    instance_arn: str
    levels: tuple[str, ...]
    groups: Mapping[str, GroupPlan]
    trees: Mapping[str, TreePlan] = field(default_factory=dict)
    adopt_levels: bool = False

    @cached_property
    def members(self) -> dict[str, GroupPlan]:
        """All groups, each as if it were a construct of its own."""
        return {**self.groups, **dict(self._nodes())}

    def _nodes(self) -> Iterator[tuple[str, GroupPlan]]:
        for tree_id, tree in self.trees.items():
            for key, node in tree.nodes.items():
                yield (
                    member_of_tree(tree_id, key),
                    GroupPlan(
                        name=node.name,
                        parent=(
                            tree.parent
                            if node.parent is None
                            else member_of_tree(tree_id, node.parent)
                        ),
                        tags=tree.tags_of(key),
                        adopt=tree.adopt,
                        on_delete=node.on_delete or tree.on_delete,
                    ),
                )

    def resources(self, site: Site) -> dict[str, Any]:
        """The resources of the template."""
        properties = {"InstanceArn": self.instance_arn, "AdoptExisting": self.adopt_levels}
        resources = {"Structure": site.structure(*self.levels, **properties)}
        for logical_id, group in self.groups.items():
            resources[logical_id] = site.group(
                group.name,
                Tags=dict(group.tags),
                AdoptExisting=group.adopt,
                AgentsOnDelete=group.on_delete,
                **self._below(group.parent),
            )
        for logical_id, tree in self.trees.items():
            resources[logical_id] = site.tree(
                *tree.groups(),
                references=self.references(logical_id),
                Tags=dict(tree.tags),
                AdoptExisting=tree.adopt,
                AgentsOnDelete=tree.on_delete,
                **self._below(tree.parent),
            )
        return resources

    def _below(self, parent: str | None) -> dict[str, Any]:
        if parent is None:
            return {}
        tree_id, key = tree_of(parent), key_of(parent)
        if tree_id is None:
            return {"ParentGroupArn": {"Ref": parent}}
        group_id = {"Fn::GetAtt": [tree_id, reference_attribute(key_mark(key))]}
        instance_arn = {"Fn::GetAtt": ["Structure", "InstanceArn"]}
        return {"ParentGroupArn": {"Fn::Join": ["/", [instance_arn, "agent-group", group_id]]}}

    def references(self, tree_id: str) -> list[str]:
        """The keys of the tree's nodes with groups of other constructs below them."""
        below = [group.parent for group in self.groups.values()]
        below += [tree.parent for tree in self.trees.values()]
        return sorted({key_of(parent) for parent in below if parent and tree_of(parent) == tree_id})

    def above(self, member: str) -> Iterator[str]:
        """The member itself and those above it, from below."""
        here: str | None = member
        while here is not None:
            yield here
            here = self.members[here].parent

    def depth(self, member: str) -> int:
        """Its level."""
        return sum(1 for _ in self.above(member))

    @property
    def parents_first(self) -> list[str]:
        """The members, each after its parent."""
        return sorted(self.members, key=self.depth)

    def without(self, member: str) -> StackPlan:
        """The plan without a member and all that is below it."""
        gone = {one for one in self.members if member in self.above(one)}
        trees = {
            tree_id: replace(
                tree,
                nodes={
                    k: n for k, n in tree.nodes.items() if member_of_tree(tree_id, k) not in gone
                },
            )
            for tree_id, tree in self.trees.items()
            if tree.parent not in gone
        }
        groups = {name: group for name, group in self.groups.items() if name not in gone}
        return replace(self, groups=groups, trees=trees)

    def repointed(self, passed: Mapping[str, str]) -> StackPlan:
        """The plan in which what is below a member is below the one that goes on for it."""
        return replace(
            self,
            groups={
                name: replace(group, parent=passed.get(group.parent or "", group.parent))
                for name, group in self.groups.items()
            },
            trees={
                name: replace(tree, parent=passed.get(tree.parent or "", tree.parent))
                for name, tree in self.trees.items()
            },
        )

    def is_sound(self, *, one_name_an_instance: bool) -> bool:
        """Whether synth would let it pass, and the service: depth, names, no cycle."""
        members = self.members
        if any(
            tree.parent is not None and tree.parent not in members for tree in self.trees.values()
        ):
            return False
        for member, group in members.items():
            seen: set[str] = set()
            here: str | None = member
            while here is not None:
                if here in seen or here not in members:
                    return False
                seen.add(here)
                here = members[here].parent
            if len(seen) > len(self.levels):
                return False
            if group.parent is None and group.on_delete == MOVE_TO_PARENT:
                return False
        places = [
            (None if one_name_an_instance else group.parent, group.name)
            for group in members.values()
        ]
        return len(set(places)) == len(places)


def member_of_tree(tree_id: str, key: str) -> str:
    """What a node of a tree is known by."""
    return f"{tree_id}{_SEPARATOR}{key}"


def tree_of(member: str) -> str | None:
    """The logical id of the member's tree, None for a single group."""
    tree_id, separator, _ = member.partition(_SEPARATOR)
    return tree_id if separator else None


def key_of(member: str) -> str:
    """The key of a node."""
    return member.partition(_SEPARATOR)[2]


def resource_of(member: str) -> str:
    """The logical id of the resource that the member belongs to."""
    return member.partition(_SEPARATOR)[0]
