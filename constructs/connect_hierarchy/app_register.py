"""What one app has of structures, groups and providers: the checks that look beyond a construct."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aws_cdk import Stack, TagManager
from constructs import IConstruct

from connect_hierarchy.identity import Identity, Instance
from connect_hierarchy.validation import TagsAtSynth
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import composed, quoted

if TYPE_CHECKING:
    # these keep themselves in this register
    from connect_hierarchy.permissions import InstancePolicy
    from connect_hierarchy.provider import HierarchyProvider

_registers: WeakKeyDictionary[IConstruct, AppRegister] = WeakKeyDictionary()
_homes: WeakKeyDictionary[Stack, Home] = WeakKeyDictionary()


@dataclass(frozen=True)
class Home:
    """What every group wants to know of its stack: asking the stack is a call into JavaScript.

    Attributes:
        register: Of the tree that the stack stands in.
        path: The stack's.
        region: Its Region, which can be a token.
        account: Its account, likewise.
        outer: The stack that it is nested in.
        tags: Its tags, whatever they are at the moment.
        tags_at_synth: Checks the tags of its groups.
    """

    register: AppRegister
    path: str
    region: str
    account: str
    outer: Stack | None
    tags: TagManager
    tags_at_synth: TagsAtSynth

    @classmethod
    def of(cls, stack: Stack) -> Home:
        """What is known of this stack."""
        if stack not in _homes:
            node, tags_at_synth = stack.node, TagsAtSynth()
            node.add_validation(tags_at_synth)
            _homes[stack] = cls(
                AppRegister.of(stack),
                node.path,
                stack.region,
                stack.account,
                stack.nested_stack_parent,
                stack.tags,
                tags_at_synth,
            )
        return _homes[stack]


def stack_of(construct: IConstruct) -> Stack:
    """The stack around a construct, or the construct if it is one."""
    return construct if isinstance(construct, Stack) else Stack.of(construct)


class AppRegister:
    """The register of one construct tree, from its root down.

    Kept beside the tree and not searched in it: walking thousands of constructs for each group
    would cost a call into JavaScript for each of them.
    """

    def __init__(self) -> None:
        self.providers: dict[str, HierarchyProvider] = {}
        """The provider that each stack uses, by the stack's path."""
        self.policies: dict[tuple[str, Identity], InstancePolicy] = {}
        """The policy for an instance in a stack, by the stack's path."""
        self.shared_policies: dict[str, InstancePolicy] = {}
        """The policy that is for several instances, by the stack's path."""
        self._instances: dict[Identity, Instance] = {}
        self._structures: dict[Identity, tuple[str, int]] = {}
        self._siblings: dict[tuple[Identity, str], str | IConstruct] = {}
        self._groups: Counter[Identity] = Counter()

    @classmethod
    def of(cls, construct: IConstruct) -> AppRegister:
        """The register of the tree that the construct stands in."""
        root = construct.node.root
        if root not in _registers:
            _registers[root] = cls()
        return _registers[root]

    def instance(self, arn: str, construct: IConstruct) -> Instance:
        """The instance of this ARN; an attribute of a structure means the structure's own."""
        identity = Identity.of(arn, construct)
        known = self._instances.get(identity)
        return known or Instance(arn, identity, Stack.of(construct))

    def add_attribute(self, attribute: Identity, instance: Instance) -> None:
        """Take down that an attribute of a structure is the ARN of this instance."""
        self._instances[attribute] = instance

    def add_structure(self, path: str, instance: Instance, group_quota: int) -> None:
        """Take down the one structure of an instance; InvalidHierarchyError for a second."""
        other = self._structures.get(instance.identity)
        if other is not None:
            msg = (
                f"the instance already has a structure in this app at '{other[0]}', "
                "one is allowed: use that one, or HierarchyStructure.from_instance_arn, here"
            )
            raise InvalidHierarchyError(msg)
        _check_quota(self._groups[instance.identity], group_quota, path)
        self._structures[instance.identity] = (path, group_quota)

    def add_group(
        self,
        path: str | IConstruct,
        instance: Instance,
        parent: Identity,
        name: str | None,
    ) -> None:
        """Take down a group; InvalidHierarchyError for a name or a number that cannot be.

        Args:
            path: The group's construct path, or the construct, whose path is looked at only when
                there is something to say about it.
            instance: The instance that the group belongs to.
            parent: What stands above the group: another group, or the instance at level one.
            name: The group's name, None where it is a token.
        """
        # two names that differ in nothing but how their accents are written look the same
        alike = "" if name is None else composed(name)
        sibling = None if name is None else self._siblings.get((parent, alike))
        if name is not None and sibling is not None:
            msg = (
                f"hierarchy group '{_path_of(sibling)}' has the same name and the same parent, "
                f"one group of a name is allowed among siblings, rename one: {quoted(name)}"
            )
            raise InvalidHierarchyError(msg)
        structure, group_quota = self._structures.get(instance.identity, ("", None))
        if group_quota is not None:
            _check_quota(self._groups[instance.identity] + 1, group_quota, structure)
        self._groups[instance.identity] += 1
        if name is not None:
            self._siblings[parent, alike] = path


def _path_of(path: str | IConstruct) -> str:
    return path if isinstance(path, str) else path.node.path


def _check_quota(groups: int, group_quota: int, structure: str) -> None:
    if groups > group_quota:
        msg = (
            f"the app has {groups} hierarchy groups for one instance, at most {group_quota} are "
            "allowed: remove some, or have the service quota L-D68AAAE4 of Amazon Connect raised "
            f"and set group_quota of '{structure}'"
        )
        raise InvalidHierarchyError(msg)
