"""The structures, groups and providers of one app, for checks that span several constructs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import MissingRemovalPolicies, Stack
from constructs import IConstruct

from connect_hierarchy.identity import Identity, Instance, is_token
from connect_hierarchy.validation import TagsAtSynth
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import composed, quoted
from connect_hierarchy_lambda.model.properties import ResourceType

if TYPE_CHECKING:
    # these keep themselves in this register
    from connect_hierarchy.permissions import InstancePolicy
    from connect_hierarchy.provider import HierarchyProvider

_FIRST = 0
"""Priority of an aspect that comes before all others; the CDK's own begin at 200."""

_registers: dict[str, AppRegister] = {}
_homes: dict[str, Home] = {}


def _same(construct: IConstruct) -> str:
    """What is the same for two Python objects that stand for one construct.

    Python gets a new object whenever it asks for a construct that JavaScript made, such as the app
    that `Stack()` makes for itself. Both sides keep what they call a construct for good.
    """
    return str(construct.__jsii_ref__.ref)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Home:
    """What every group needs to know of its stack, read once: each read is a call into JavaScript.

    Attributes:
        stack: The stack.
        register: Of the tree that the stack stands in.
        path: The stack's.
        region: Its Region, None where it is a token.
        account: Its account, likewise.
        tags: The tags that it was made with, and those of the stacks that it is nested in, of which
            the inner ones win. CloudFormation itself hands them to no custom resource.
        tags_at_synth: Checks the tags of its groups.
    """

    stack: Stack
    register: AppRegister
    path: str
    region: str | None
    account: str | None
    tags: Mapping[str, str]
    tags_at_synth: TagsAtSynth

    @classmethod
    def of(cls, construct: IConstruct) -> Home:
        """What is known of the stack around a construct, or of the construct if it is one."""
        name = _same(construct)
        if name not in _homes:
            stack = stack_of(construct)
            if _same(stack) not in _homes:
                _homes[_same(stack)] = cls._make(stack)
            _homes[name] = _homes[_same(stack)]
        return _homes[name]

    @classmethod
    def below(cls, scope: IConstruct, construct: IConstruct) -> Home:
        """What is known of the stack around a construct that is made in `scope`."""
        home = cls.of(scope)
        _homes[_same(construct)] = home
        return home

    @classmethod
    def _make(cls, stack: Stack) -> Home:
        node, tags_at_synth = stack.node, TagsAtSynth()
        node.add_validation(tags_at_synth)
        # Groups go when they leave the stack, unless something else is said of them: once for all,
        # and before any other such policy for what has none.
        MissingRemovalPolicies.of(stack).destroy(
            apply_to_resource_types=[ResourceType.GROUP.value], priority=_FIRST
        )
        outer = stack.nested_stack_parent
        above = {} if outer is None else cls.of(outer).tags
        return cls(
            stack,
            AppRegister.of(stack),
            node.path,
            _known(stack.region),
            _known(stack.account),
            {**above, **stack.tags.tag_values()},
            tags_at_synth,
        )


def _known(value: str) -> str | None:
    return None if is_token(value) else value


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
        """The provider of each stack, by the stack's path."""
        self.policies: dict[tuple[str, Identity], InstancePolicy] = {}
        """The policy for an instance in a stack, by the stack's path."""
        self.shared_policies: dict[str, InstancePolicy] = {}
        """The policy that is for several instances, by the stack's path."""
        self._instances: dict[Identity, Instance] = {}
        self._structures: dict[Identity, tuple[str, int]] = {}
        self._siblings: dict[tuple[Identity, str], str | IConstruct] = {}
        self._group_arns: set[str] = set()
        self._keys: dict[tuple[str, str], IConstruct] = {}
        self._groups: Counter[Identity] = Counter()

    @classmethod
    def of(cls, construct: IConstruct) -> AppRegister:
        """The register of the tree that the construct stands in."""
        root = construct.node.root
        return _registers.setdefault(_same(root), cls())

    def instance(self, arn: str, construct: IConstruct) -> Instance:
        """The instance of this ARN; an attribute of a structure means the structure's own."""
        identity = Identity.of(arn, construct)
        known = self._instances.get(identity)
        return known or Instance(arn, identity, Stack.of(construct))

    def add_attribute(self, attribute: Identity, instance: Instance) -> None:
        """Register that an attribute of a structure is the ARN of this instance."""
        self._instances[attribute] = instance

    def add_structure(self, path: str, instance: Instance, group_quota: int) -> None:
        """Register the structure of an instance; InvalidHierarchyError for a second one."""
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
        """Register a group; InvalidHierarchyError for the name of a sibling, or one group too many.

        Args:
            path: The group's construct path, or the construct, whose path is looked at only when
                there is something to say about it.
            instance: The instance that the group belongs to.
            parent: What stands above the group: another group, or the instance at level one.
            name: The group's name, None where it is a token.
        """
        # names that differ only in how their accents are written look the same
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

    def add_group_arn(self, arn: str) -> None:
        """Register the token that is the ARN of a group, so that it is not parsed again."""
        self._group_arns.add(arn)

    def place_of(self, arn: str, construct: IConstruct) -> Identity:
        """The place of groups below the group of this ARN."""
        return Identity(arn) if arn in self._group_arns else Identity.of(arn, construct)

    def add_key(self, group: IConstruct, stack_path: str, key: str) -> None:
        """Register the key of a group; InvalidHierarchyError if the stack has it already."""
        other = self._keys.setdefault((stack_path, key), group)
        if other is not group:
            msg = (
                f"hierarchy group '{other.node.path}' has the same key, one group of a key is "
                f"allowed in a stack, give one of them another: {quoted(key)}"
            )
            raise InvalidHierarchyError(msg)


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
