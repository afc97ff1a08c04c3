"""A group of agents: `HierarchyGroup`, and its import from elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Unpack

import jsii
from aws_cdk import (
    CfnResource,
    Fn,
    ITaggableV2,
    ReferenceStrength,
    RemovalPolicy,
    Resource,
    TagManager,
    TagType,
    Token,
)
from aws_cdk.interfaces.aws_connect import IUserHierarchyGroupRef, UserHierarchyGroupReference
from constructs import Construct

# The module rather than the class, since groups and structures import each other.
from connect_hierarchy import structure as structures
from connect_hierarchy.app_register import AppRegister, Home
from connect_hierarchy.arguments import check_arguments, implementation_of
from connect_hierarchy.identity import Identity, is_dynamic_reference, is_known_later, is_token
from connect_hierarchy.interfaces import (
    HierarchyGroupOptions,
    IHierarchyGroup,
    IHierarchyStructure,
)
from connect_hierarchy.internals import (
    instance_of,
    key_of,
    names_of,
    place_of,
    ready,
    waits_in,
)
from connect_hierarchy.permissions import instance_policy
from connect_hierarchy.provider import SERVICE_TIMEOUT_SECONDS, provider_for
from connect_hierarchy.validation import (
    check_adoption,
    check_removal_policy,
    check_same_home,
    check_tags,
    checked_group_name,
    checked_key,
    located,
    parsed_group_arn,
)
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.placement import check_level, checked_agents_on_delete
from connect_hierarchy_lambda.model.properties import (
    AgentsOnDelete,
    GroupAttribute,
    GroupProperty,
    ResourceType,
)
from connect_hierarchy_lambda.model.tree import SEPARATOR, key_mark

_GROUP_IN_ARN = "/agent-group/"
PATH_SEPARATOR = " / "
_READABLE_LENGTH = 40


@implementation_of(IHierarchyGroup)
@jsii.implements(IUserHierarchyGroupRef)
class GroupBase(Resource):
    """What every group offers, created here or imported."""

    _structure: IHierarchyStructure
    _parent: IHierarchyGroup | None
    _level: int | None
    _names: tuple[str, ...] | None
    _key: str | None = None
    _stack_path: str | None = None

    @property
    def structure(self) -> IHierarchyStructure:
        """The structure that the group belongs to."""
        return self._structure

    @property
    def parent(self) -> IHierarchyGroup | None:
        """The group above; None at level one and for an imported group."""
        return self._parent

    @property
    def level(self) -> int | None:
        """The level, 1 to 5; None where it is not known at synth."""
        return self._level

    @property
    @abstractmethod
    def hierarchy_group_arn(self) -> str:
        """ARN of the group."""

    @property
    @abstractmethod
    def hierarchy_group_id(self) -> str:
        """Id of the group."""

    @property
    def level_id(self) -> str:
        """The level as Amazon Connect writes it, "1" to "5".

        Raises:
            ValueError: For a group imported without its level, and for groups of a tree below it.
        """
        if self._level is None:
            return self._answered(GroupAttribute.LEVEL_ID)
        return str(self._level)

    @property
    def path(self) -> str:
        """Names from level one down to this group, joined with " / ".

        Raises:
            ValueError: For a group imported without its path, and for groups of a tree below it.
        """
        if self._names is None:
            return self._answered(GroupAttribute.PATH)
        return PATH_SEPARATOR.join(self._names)

    def _place(self) -> Identity:
        """The place of groups below this one; equal for two constructs that are the same group."""
        return AppRegister.of(self).place_of(self.hierarchy_group_arn, self)

    @abstractmethod
    def _answered(self, attribute: GroupAttribute) -> str:
        """An attribute that only the deployment knows; a ValueError if there is none."""

    @property
    def user_hierarchy_group_ref(self) -> UserHierarchyGroupReference:
        """The reference that the CDK's own constructs take."""
        return UserHierarchyGroupReference(user_hierarchy_group_arn=self.hierarchy_group_arn)

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        **options: Unpack[HierarchyGroupOptions],
    ) -> HierarchyGroup:
        """Create a group below this one, as a child of this construct.

        Args:
            id: The construct's id in that scope.
            options: `name`, and the optional ones of `HierarchyGroupOptions`, such as `key`.

        Raises:
            ValueError: As `HierarchyGroup`.
        """
        return HierarchyGroup(self, id, parent=self, **options)


@jsii.implements(ITaggableV2)
class HierarchyGroup(GroupBase):
    """A group in the agent hierarchy of an Amazon Connect instance.

    It is created after its structure and its parent, and deleted before them. A change of the name
    renames it in place. A change of the parent creates a group with a new id, moves the agents to
    it, and deletes the old group last.

    Other stacks of the app refer to a group by an export, even if the flag
    `@aws-cdk/core:defaultCrossStackReferences` is `weak`. CloudFormation then refuses to move the
    group, so that no stack keeps the id of a deleted group. To move it, wrap the reference in
    `Stack.consume_reference(…, ReferenceStrength.BOTH)` and deploy both stacks. Then change it to
    `ReferenceStrength.WEAK` and move the group. The other stack keeps the old id until its template
    changes. References from a parent stack to a group in a nested stack are as strong as the flag
    says.

    Args:
        scope: The construct's scope.
        id: The construct's id in that scope.
        structure: For a group at level one. Give either `structure` or `parent`.
        parent: For a group below another.
        options: `name`, and the optional ones of `HierarchyGroupOptions`: `key`, `tags`,
            `adopt_existing`, `adopt_from_stack`, `agents_on_delete` and `removal_policy`.

    Raises:
        ValueError: For an argument of a wrong type; for an invalid name, key, tag or level; for
            more groups than the quota; for the name of a sibling, or the key of another group of
            the stack; and for both or neither of `structure` and `parent`.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        structure: IHierarchyStructure | None = None,
        parent: IHierarchyGroup | None = None,
        **options: Unpack[HierarchyGroupOptions],
    ) -> None:
        super().__init__(scope, id)
        name, tags = options["name"], options.get("tags") or {}
        removal_policy = options.get("removal_policy")
        # Each access to a construct is a call into JavaScript, and there can be hundreds of groups,
        # so values that are needed twice are kept.
        self._home = Home.below(scope, self)
        self._stack_path = self._home.path
        with located(self):
            self._structure = structure_of(structure, parent)
            self._parent = parent
            known_name = checked_group_name(name)
            self._level = level_below(parent)
            if self._level is not None:
                what = f"hierarchy group {quoted(name)}"
                check_level(self._level, self._structure.levels, what)
            agents_policy = checked_agents_on_delete(
                options.get("agents_on_delete", AgentsOnDelete.FAIL),
                at_level_one=self._level == 1,
            )
            if removal_policy is not None:
                check_removal_policy(removal_policy, "hierarchy group")
            check_tags(tags)
            adopt_existing = options.get("adopt_existing", False)
            adopt_from_stack = options.get("adopt_from_stack")
            check_adoption(adopt_existing=adopt_existing, from_stack=adopt_from_stack)
            _check_reachable(self._structure, self._home)
            self._key = _key_of(scope, id, options.get("key"))
            provider = provider_for(self._home.stack)
            self._home.register.add_group(
                self,
                instance_of(self._structure),
                place_below(self._structure, parent),
                known_name,
            )
            if self._key is not None:
                self._home.register.add_key(self, self._home.path, self._key)
        self._names = names_below(parent, known_name)
        self._tags: TagManager | None = None

        properties: dict[str, object] = {
            "ServiceToken": provider.service_token,
            "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS),
            GroupProperty.INSTANCE_ARN.value: self._structure.instance_arn,
            GroupProperty.NAME.value: name,
            GroupProperty.ADOPT_EXISTING.value: adopt_existing,
            GroupProperty.AGENTS_ON_DELETE.value: agents_policy.value,
        }
        tags = {**self._home.tags, **tags}
        if tags:
            self._tags = self._make_tags(tags)
            properties[GroupProperty.TAGS.value] = self._tags.rendered_tags
        if adopt_from_stack is not None:
            properties[GroupProperty.ADOPT_FROM_STACK.value] = adopt_from_stack
        if parent is not None:
            properties[GroupProperty.PARENT_GROUP_ARN.value] = parent.hierarchy_group_arn
        # The CDK's CustomResource would be one more construct, and some more calls, for each group.
        self._resource = CfnResource(
            self, "Resource", type=ResourceType.GROUP.value, properties=properties
        )
        if self._key is not None:
            self._resource.override_logical_id(_logical_id(self._key))
        # the id of a group can change, and what refers to it weakly would not learn of it
        self._resource.apply_cross_stack_reference_strength(ReferenceStrength.STRONG)
        self._ref: str | None = None
        # A replaced group was moved: its agents are in the new one, and the old one is empty. It is
        # an override, since `RemovalPolicies.of` sets both policies of all that it finds.
        self._resource.add_override("UpdateReplacePolicy", "Delete")
        # without one, the aspect of `Home` sets it
        if removal_policy is not None:
            self._resource.apply_removal_policy(removal_policy)
        policy = instance_policy(self._home.stack, self._structure, provider)
        if not waits_in(self._home.path, self._structure if parent is None else parent):
            self._resource.node.add_dependency(policy, *ready(provider))

    @staticmethod
    def from_hierarchy_group_arn(
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        hierarchy_group_arn: str,
    ) -> IHierarchyGroup:
        """Import a group that is managed elsewhere. Nothing is deployed.

        Args:
            scope: The construct's scope.
            id: The construct's id in that scope.
            hierarchy_group_arn: ARN of the group.

        Raises:
            ValueError: If this is not the ARN of a hierarchy group.
        """
        return ImportedGroup(scope, id, hierarchy_group_arn=hierarchy_group_arn)

    @staticmethod
    def from_hierarchy_group_attributes(
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        hierarchy_group_arn: str,
        structure: IHierarchyStructure | None = None,
        level: int | None = None,
        path: str | None = None,
    ) -> IHierarchyGroup:
        """Import a group that is managed elsewhere, with its attributes. Nothing is deployed.

        Args:
            scope: The construct's scope.
            id: The construct's id in that scope.
            hierarchy_group_arn: ARN of the group.
            structure: The group's structure, so that groups below it wait for the levels.
            level: The group's level, 1 to 5, so that the depth of groups below it is checked.
            path: Names from level one down to the group, joined with " / ".

        Raises:
            ValueError: If this is not the ARN of a hierarchy group, if the group is in another
                instance than the structure, or if the structure has no such level.
        """
        return ImportedGroup(
            scope,
            id,
            hierarchy_group_arn=hierarchy_group_arn,
            structure=structure,
            level=level,
            path=path,
        )

    @property
    def hierarchy_group_arn(self) -> str:
        """ARN of the group, as `CfnUser` takes it."""
        # Ref rather than Fn::GetAtt: CloudFormation knows that the physical id stays when the group
        # is renamed, and does not update the resources that refer to it.
        if self._ref is None:
            self._ref = self._resource.ref
            self._home.register.add_group_arn(self._ref)
        return self._ref

    @property
    def hierarchy_group_id(self) -> str:
        """Id of the group, as `CfnSecurityProfile` takes it."""
        return self._answered(GroupAttribute.HIERARCHY_GROUP_ID)

    @property
    def cdk_tag_manager(self) -> TagManager:
        """The group's tags, for `Tags.of`."""
        if self._tags is None:
            # created when it is asked for, since most groups have no tags
            self._tags = self._make_tags({})
            self._resource.add_property_override(GroupProperty.TAGS.value, self._tags.rendered_tags)
        return self._tags

    @check_arguments
    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Set what happens to the group when it leaves the stack.

        Args:
            policy: See `removal_policy`.

        Raises:
            ValueError: For SNAPSHOT, which a group cannot have.
        """
        with located(self):
            check_removal_policy(policy, "hierarchy group")
        self._resource.apply_removal_policy(policy)

    def _place(self) -> Identity:
        return self._home.register.place_of(self.hierarchy_group_arn, self)

    def _answered(self, attribute: GroupAttribute) -> str:
        return Token.as_string(self._resource.get_att(attribute.value))

    def _make_tags(self, tags: Mapping[str, str]) -> TagManager:
        manager = TagManager(TagType.MAP, ResourceType.GROUP.value, dict(tags))
        self._home.tags_at_synth.add(self, manager)
        return manager


class ImportedGroup(GroupBase):
    """A group that is managed elsewhere, see `HierarchyGroup.from_hierarchy_group_attributes`."""

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        hierarchy_group_arn: str,
        structure: IHierarchyStructure | None = None,
        level: int | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        with located(self):
            parsed = parsed_group_arn(hierarchy_group_arn)
            # CloudFormation's functions would split the text of the reference, not its value
            self._is_closed = is_dynamic_reference(hierarchy_group_arn)
            if parsed is None and not is_token(hierarchy_group_arn):
                instance_arn = group_id = hierarchy_group_arn
            elif parsed is None:
                parts = Fn.split(_GROUP_IN_ARN, hierarchy_group_arn)
                instance_arn, group_id = Fn.select(0, parts), Fn.select(1, parts)
            else:
                instance_arn, group_id = parsed.instance_arn, parsed.group_id
                if structure is not None:
                    _check_same_instance(instance_arn, structure)
            if level is not None:
                levels = None if structure is None else structure.levels
                check_level(level, levels, "the imported hierarchy group")
        self._hierarchy_group_arn = hierarchy_group_arn
        self._hierarchy_group_id = group_id
        self._has_structure = structure is not None
        self._structure = structure or structures.ImportedStructure(
            self, "Structure", instance_arn=instance_arn
        )
        self._parent = None
        self._level = level
        self._names = None if path is None else tuple(path.split(PATH_SEPARATOR))

    @property
    def structure(self) -> IHierarchyStructure:
        """The structure that the group belongs to.

        Raises:
            ValueError: For a group that was imported by a dynamic reference, without a structure.
        """
        if self._is_closed and not self._has_structure:
            raise self._closed("instance", "give structure as well, or a token of the ARN")
        return self._structure

    @property
    def hierarchy_group_arn(self) -> str:
        """ARN of the group, as given."""
        return self._hierarchy_group_arn

    @property
    def hierarchy_group_id(self) -> str:
        """Id of the group, the end of its ARN.

        Raises:
            ValueError: For a group that was imported by a dynamic reference.
        """
        if self._is_closed:
            raise self._closed("id", "give a token of the ARN")
        return self._hierarchy_group_id

    def _closed(self, what: str, remedy: str) -> ValueError:
        return ValueError(
            f"{self.node.path}: the {what} of the imported hierarchy group is not known, since its "
            f"ARN is a dynamic reference: {remedy}, as value_for_string_parameter makes one: "
            f"{quoted(self._hierarchy_group_arn, 100)}"
        )

    def _answered(self, attribute: GroupAttribute) -> str:
        raise not_known(self, attribute, "of an imported hierarchy group")


def not_known(construct: Construct, attribute: GroupAttribute, of_what: str) -> ValueError:
    """The error about an attribute that the import was not given."""
    what = "level" if attribute is GroupAttribute.LEVEL_ID else "path"
    return ValueError(
        f"{construct.node.path}: the {what} {of_what} is not known: "
        f"give {what} to HierarchyGroup.from_hierarchy_group_attributes"
    )


def structure_of(
    structure: IHierarchyStructure | None, parent: IHierarchyGroup | None
) -> IHierarchyStructure:
    """The structure of a group or a tree with this structure or this parent."""
    if structure is not None and parent is not None:
        msg = (
            f"both structure '{structure.node.path}' and parent '{parent.node.path}' are given, "
            "one is needed: leave out structure, the parent knows it"
        )
        raise InvalidHierarchyError(msg)
    if parent is not None:
        return parent.structure
    if structure is not None:
        return structure
    msg = (
        "neither structure nor parent is given, one is needed: "
        "structure for a group at level one, parent for a group below another"
    )
    raise InvalidHierarchyError(msg)


def level_below(parent: IHierarchyGroup | None) -> int | None:
    """The level below a parent, 1 without one; None if it is not known."""
    if parent is None:
        return 1
    return None if parent.level is None else parent.level + 1


def names_below(parent: IHierarchyGroup | None, name: str | None) -> tuple[str, ...] | None:
    """The names from level one down to a group; None if one of them is not known."""
    above = () if parent is None else names_of(parent)
    return None if above is None or name is None else (*above, name)


def place_below(structure: IHierarchyStructure, parent: IHierarchyGroup | None) -> Identity:
    """The place above a group; equal for two constructs that are the same place."""
    return instance_of(structure).identity if parent is None else place_of(parent)


def _check_same_instance(instance_arn: str, structure: IHierarchyStructure) -> None:
    other = instance_of(structure).arn
    if not is_known_later(other) and other != instance_arn:
        msg = (
            f"the hierarchy group is in instance {quoted(instance_arn, 120)}, its structure in "
            f"{quoted(other, 120)}, the same is needed: give the structure of the group's instance"
        )
        raise InvalidHierarchyError(msg)


def _check_reachable(structure: IHierarchyStructure, home: Home) -> None:
    """Raise InvalidHierarchyError for an instance that the function of this stack cannot reach."""
    # a structure of this stack was checked when it was created
    if not waits_in(home.path, structure):
        check_same_home(instance_of(structure).arn, region=home.region, account=home.account)


def _key_of(scope: Construct, id: str, key: str | None) -> str | None:  # noqa: A002 - the CDK's name for it
    """The key of a group: its own, or the one that follows from the key of the group above."""
    if key is not None:
        return checked_key(key)
    above = key_of(scope) if isinstance(scope, GroupBase) else None
    return None if above is None else f"{above}{SEPARATOR}{id}"


def _logical_id(key: str) -> str:
    """The logical id of a group that has a key: readable, and different for each key."""
    readable = "".join(
        character for character in key if character.isascii() and character.isalnum()
    )
    return f"HierarchyGroup{readable[:_READABLE_LENGTH]}{key_mark(key)}"
