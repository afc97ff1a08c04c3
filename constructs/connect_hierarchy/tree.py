"""Many groups as one resource: `HierarchyTree`, from nested Python or from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jsii
from aws_cdk import (
    CfnResource,
    CustomResource,
    Duration,
    IStableAnyProducer,
    ITaggableV2,
    Lazy,
    Reference,
    ReferenceStrength,
    RemovalPolicy,
    Resource,
    Stack,
    TagManager,
    TagType,
)
from constructs import Construct, IValidation

from connect_hierarchy.app_register import AppRegister, Home
from connect_hierarchy.arguments import check_arguments
from connect_hierarchy.group import (
    GroupBase,
    level_below,
    names_below,
    not_known,
    place_below,
    structure_of,
)
from connect_hierarchy.identity import Identity, is_token
from connect_hierarchy.interfaces import (
    HierarchyTreeGroup,
    IHierarchyGroup,
    IHierarchyStructure,
)
from connect_hierarchy.internals import instance_of, names_of, ready
from connect_hierarchy.permissions import instance_policy
from connect_hierarchy.provider import SERVICE_TIMEOUT_SECONDS, provider_for
from connect_hierarchy.validation import (
    check_adoption,
    check_removal_policy,
    check_same_home,
    check_tags,
    located,
)
from connect_hierarchy_lambda.model.declaring import as_declared
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.placement import checked_agents_on_delete
from connect_hierarchy_lambda.model.properties import (
    REFERENCES_AN_ANSWER,
    AgentsOnDelete,
    GroupAttribute,
    ResourceType,
    TreeProperty,
    TreeReferencesProperty,
    digest_attribute,
    reference_attribute,
)
from connect_hierarchy_lambda.model.tree import Node, Place, Tree, located_error
from connect_hierarchy_tree_files import SCHEMA, read_tree_file
from connect_hierarchy_tree_files.checks import Placement, placed_tree, too_large

_IN_ARN = "agent-group"


@jsii.implements(ITaggableV2)
class HierarchyTree(Resource):
    """Groups of an Amazon Connect instance, as many as it may have, as one resource.

    It is created after its structure or its parent, and deleted before it. A group is known by its
    key. If its name changes and its key stays, it is renamed in place. If its key appears under
    another parent, it moves, with its agents and all groups below it.

    Args:
        scope: The construct's scope.
        id: The construct's id in that scope.
        groups: A sequence of groups. A group is a mapping with `name`, 1 to 100 characters, and
            optionally `key` (the default is the parent's key, a slash and the name), `tags` (of the
            group and of all groups below it; the nearest wins), `agents_on_delete` (the default is
            the tree's) and `children`, a sequence of groups. A text alone is a group of this name.
            Names and keys neither begin nor end with a blank. Only values of tags can be tokens.
        structure: For a tree that begins at level one. Give either `structure` or `parent`.
        parent: For a tree below a group.
        tags: Tags of every group of the tree, see `HierarchyGroupOptions`.
        adopt_existing: Adopt groups that exist with these names at these places and that no stack
            owns. They stay when they leave the tree. False by default.
        adopt_from_stack: Name of the stack that owned the groups to adopt, see
            `HierarchyGroupOptions`.
        agents_on_delete: What happens to the agents in a group that is removed. The default FAIL
            refuses to remove a group while agents are in it.
        removal_policy: What happens to the groups when the tree leaves the stack. DESTROY, the
            default, deletes them; RETAIN and RETAIN_ON_UPDATE_OR_DELETE keep them.

    Raises:
        ValueError: For an invalid tree, with the path of the group and, in a file, the line; for a
            tree that is too deep for its structure; for more groups than the quota; and for the
            name of a sibling in the app.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        groups: Sequence[str | HierarchyTreeGroup],
        structure: IHierarchyStructure | None = None,
        parent: IHierarchyGroup | None = None,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        adopt_from_stack: str | None = None,
        agents_on_delete: AgentsOnDelete = AgentsOnDelete.FAIL,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        super().__init__(scope, id)
        # each access to the construct is a call into JavaScript, and there can be many groups
        self._path = self.node.path
        with located(self):
            self._structure = structure_of(structure, parent)
            self._parent = parent
            top_level = level_below(parent)
            policy = checked_agents_on_delete(agents_on_delete, at_level_one=False)
            self._tree = _read(groups, Placement(top_level, self._structure.levels, policy))
            check_removal_policy(removal_policy, "hierarchy tree")
            check_tags(tags or {})
            check_adoption(adopt_existing=adopt_existing, from_stack=adopt_from_stack)
            home = Home.of(self)
            check_same_home(
                instance_of(self._structure).arn, region=home.region, account=home.account
            )
            self._provider = provider_for(self)
            self._register_nodes()
        self._level = top_level
        self._groups: dict[str, TreeGroup] = {}
        self._references: list[list[str]] = []
        self._carriers: list[CustomResource] = []
        self._tags = TagManager(TagType.MAP, ResourceType.TREE.value, {**home.tags, **(tags or {})})
        properties: dict[str, object] = {
            TreeProperty.INSTANCE_ARN.value: self._structure.instance_arn,
            TreeProperty.GROUPS.value: as_declared(self._tree),
            TreeProperty.TAGS.value: self._tags.rendered_tags,
            TreeProperty.ADOPT_EXISTING.value: adopt_existing,
            TreeProperty.AGENTS_ON_DELETE.value: policy.value,
            # references to groups may be added later in the app
            TreeProperty.REFERENCES.value: Lazy.any(_LateReferences(lambda: self._references)),
        }
        if adopt_from_stack is not None:
            properties[TreeProperty.ADOPT_FROM_STACK.value] = adopt_from_stack
        if parent is not None:
            properties[TreeProperty.PARENT_GROUP_ARN.value] = parent.hierarchy_group_arn
        self._resource = self._add_resource("Resource", ResourceType.TREE, properties)
        # The old generation has only groups that an update removed or moved. It is an override,
        # since `RemovalPolicies.of` sets both policies of all that it finds.
        resource = cast("CfnResource", self._resource.node.default_child)
        resource.add_override("UpdateReplacePolicy", "Delete")
        self._resource.apply_removal_policy(removal_policy)
        self.node.add_validation(_TreeAtSynth(self._tree, self._tags, self.stack, properties))

    @staticmethod
    @check_arguments
    def from_file(
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        path: str | Path,
        *,
        structure: IHierarchyStructure | None = None,
        parent: IHierarchyGroup | None = None,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        adopt_from_stack: str | None = None,
        agents_on_delete: AgentsOnDelete = AgentsOnDelete.FAIL,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> HierarchyTree:
        """Create a tree from a file; the other arguments are those of `HierarchyTree`.

        YAML and JSON files have the groups in a field `groups`, or are the list itself. Other
        fields must begin with `x-` and are yours, for example for anchors; `<<` merges mappings. A
        CSV file has a column `path` of names joined with slashes, and a row for each group. The
        columns `key` and `agents_on_delete` are these fields; each further column is a tag, and an
        empty cell is no tag. Cells are separated by commas, semicolons or tabs; blanks around them
        are ignored.

        Args:
            scope: The construct's scope.
            id: The construct's id in that scope.
            path: A file that ends in .yaml, .yml, .json or .csv, in UTF-8, or in UTF-16 with a byte
                order mark.
            structure: For a tree that begins at level one.
            parent: For a tree below a group.
            tags: Tags of every group of the tree.
            adopt_existing: Adopt groups that exist and that no stack owns.
            adopt_from_stack: Name of the stack that owned the groups to adopt.
            agents_on_delete: What happens to the agents in a group that is removed.
            removal_policy: What happens to the groups when the tree leaves the stack.

        Raises:
            ValueError: For a file that cannot be read, and as for `HierarchyTree`, with the line.
        """
        try:
            file = read_tree_file(Path(path))
        except InvalidHierarchyError as error:
            msg = f"{scope.node.path}/{id}: {error}"
            raise InvalidHierarchyError(msg) from None
        return HierarchyTree(
            scope,
            id,
            groups=cast("Any", _FromFile(file.groups, file.line_of)),
            structure=structure,
            parent=parent,
            tags=tags,
            adopt_existing=adopt_existing,
            adopt_from_stack=adopt_from_stack,
            agents_on_delete=agents_on_delete,
            removal_policy=removal_policy,
        )

    @staticmethod
    def schema_path() -> Path:
        """Path of the JSON schema of YAML and JSON files, for editors."""
        return SCHEMA

    @property
    def structure(self) -> IHierarchyStructure:
        """The structure that the groups belong to."""
        return self._structure

    @property
    def parent(self) -> IHierarchyGroup | None:
        """The group above the tree; None if the tree begins at level one."""
        return self._parent

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all groups, as `group` takes them; parents before their children."""
        return tuple("/".join(node.path) for node in self._tree.nodes)

    @check_arguments
    def group(self, path: str | Sequence[str]) -> IHierarchyGroup:
        """Give one of the groups, for use anywhere in the app.

        Args:
            path: Names from the top of the tree down, joined with slashes: `Support/EMEA`. If a
                name has a slash, a sequence of names. The `path` of a group is accepted as well:
                names from level one down, joined with " / ".

        Raises:
            ValueError: If the tree has no such group, with the nearest ones; for a token.
        """
        with located(self):
            if isinstance(path, str) and is_token(path):
                msg = (
                    "path is a token, since a name above the tree is known at deployment only: "
                    "give the names from the top of the tree down, as a list"
                )
                raise InvalidHierarchyError(msg)
            above = () if self._parent is None else names_of(self._parent)
            return self._group(self._tree.at(path, above))

    @check_arguments
    def group_with_key(self, key: str) -> IHierarchyGroup:
        """Give one of the groups by its key, so that the code does not change when it moves.

        Args:
            key: The group's `key`, or the default key if none was given.

        Raises:
            ValueError: If the tree has no group with this key, with the nearest ones.
        """
        with located(self):
            return self._group(self._tree.with_key(key))

    @property
    def cdk_tag_manager(self) -> TagManager:
        """The tags of every group, for `Tags.of`."""
        return self._tags

    @check_arguments
    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Set what happens to the groups when the tree leaves the stack.

        Args:
            policy: See `removal_policy`.

        Raises:
            ValueError: For SNAPSHOT, which a tree cannot have.
        """
        with located(self):
            check_removal_policy(policy, "hierarchy tree")
        self._resource.apply_removal_policy(policy)

    def _id_of(self, node: Node) -> str:
        """The id of a node's group, as a token; it counts as a reference."""
        for number, marks in enumerate(self._references):
            if node.mark in marks:
                return self._answered(number, node.mark)
        if not self._references or len(self._references[-1]) >= REFERENCES_AN_ANSWER:
            self._references.append([])
            self._carriers.append(self._carrier(len(self._references) - 1))
        self._references[-1].append(node.mark)
        return self._answered(len(self._references) - 1, node.mark)

    def _place_of(self, node: Node | None) -> Identity:
        """The place of the groups below a node, or of the topmost ones."""
        if node is None:
            return place_below(self._structure, self._parent)
        return Identity(f"{self._path} {node.mark}")

    def _group(self, node: Node) -> IHierarchyGroup:
        if node.key not in self._groups:
            above = self._parent if len(node.path) == 1 else self.group(node.path[:-1])
            self._groups[node.key] = TreeGroup(
                self,
                node,
                above,
                id_of=lambda: self._id_of(node),
                place=lambda: self._place_of(node),
            )
        return self._groups[node.key]

    def _answered(self, number: int, mark: str) -> str:
        return self._carriers[number].get_att_string(reference_attribute(mark))

    def _carrier(self, number: int) -> CustomResource:
        """The resource that answers the ids of a list of references."""
        if number == 0:
            return self._resource
        marks = _LateReferences(lambda: self._references[number])
        return self._add_resource(
            f"References{number}",
            ResourceType.TREE_REFERENCES,
            {
                TreeReferencesProperty.TREE.value: self._resource.ref,
                TreeReferencesProperty.REFERENCES.value: Lazy.any(marks),
                TreeReferencesProperty.DIGEST.value: self._resource.get_att_string(
                    digest_attribute(number)
                ),
            },
        )

    def _add_resource(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        resource_type: ResourceType,
        properties: Mapping[str, object],
    ) -> CustomResource:
        resource = CustomResource(
            self,
            id,
            resource_type=resource_type.value,
            service_token=self._provider.service_token,
            service_timeout=Duration.seconds(SERVICE_TIMEOUT_SECONDS),
            properties=properties,
        )
        resource.node.add_dependency(
            instance_policy(self, self._structure, self._provider), *ready(self._provider)
        )
        # as with single groups: ids can change, and a weak reference would keep the old one
        resource.apply_cross_stack_reference_strength(ReferenceStrength.STRONG)
        return resource

    def _register_nodes(self) -> None:
        register, instance = AppRegister.of(self), instance_of(self._structure)
        by_key = {node.key: node for node in self._tree.nodes}
        for node in self._tree.nodes:
            above = None if node.parent is None else by_key[node.parent]
            path = f"{self._path}: {'/'.join(node.path)}"
            try:
                register.add_group(path, instance, self._place_of(above), node.name)
            except InvalidHierarchyError as error:
                raise located_error(node.line, node.path, str(error)) from None


class TreeGroup(GroupBase):
    """A group of a tree, see `HierarchyTree.group`."""

    def __init__(
        self,
        tree: HierarchyTree,
        node: Node,
        parent: IHierarchyGroup | None,
        *,
        id_of: Callable[[], str],
        place: Callable[[], Identity],
    ) -> None:
        # the key rather than the name, since a changed construct path replaces what is below it
        super().__init__(tree, f"Group{node.mark}")
        self._tree = tree
        self._id_of = id_of
        self._place_in_tree = place
        self._structure = tree.structure
        self._parent = parent
        self._stack_path = Home.of(tree).path
        self._level = level_below(parent)
        self._names = names_below(parent, node.name)
        self._arn: str | None = None

    @property
    def hierarchy_group_arn(self) -> str:
        """ARN of the group, as `CfnUser` takes it."""
        if self._arn is None:
            arn = f"{self._structure.instance_arn}/{_IN_ARN}/{self.hierarchy_group_id}"
            self._arn = _GroupArnReference(arn, self._tree, "GroupArn").to_string()
        return self._arn

    @property
    def hierarchy_group_id(self) -> str:
        """Id of the group, as `CfnSecurityProfile` takes it."""
        return self._id_of()

    def _place(self) -> Identity:
        return self._place_in_tree()

    def _answered(self, attribute: GroupAttribute) -> str:
        raise not_known(self, attribute, "of a group of a tree below an imported one")


class _GroupArnReference(Reference):
    """An ARN of several parts that counts as one attribute, as `Stack.export_value` wants it."""


class _FromFile:
    """Groups of a file, with their lines."""

    def __init__(self, groups: object, line_of: Callable[[Place], str]) -> None:
        self.groups = groups
        self.line_of = line_of


@jsii.implements(IValidation)
class _TreeAtSynth:
    """Checks that need the whole app."""

    def __init__(
        self, tree: Tree, tags: TagManager, stack: Stack, properties: Mapping[str, object]
    ) -> None:
        self._tree = tree
        self._tags = tags
        self._stack = stack
        self._properties = properties

    def validate(self) -> list[str]:
        """What is wrong; the CDK says where."""
        return [*self._too_many_tags(), *self._too_large()]

    def _too_many_tags(self) -> list[str]:
        common = self._tags.tag_values()
        try:
            check_tags(common)
        except InvalidHierarchyError as error:
            return [str(error)]
        for node in self._tree.nodes:
            try:
                if node.tags:
                    check_tags({**common, **node.tags})
            except InvalidHierarchyError as error:
                return [str(located_error(node.line, node.path, str(error)))]
        return []

    def _too_large(self) -> list[str]:
        problem = too_large(self._tree, self._stack.resolve(dict(self._properties)))
        return [] if problem is None else [problem]


@jsii.implements(IStableAnyProducer)
class _LateReferences:
    """References that are not all known before synth."""

    def __init__(self, references: Callable[[], object]) -> None:
        self._references = references

    def produce(self) -> object:
        """The references that there are by now."""
        return self._references()


def _read(groups: object, placement: Placement) -> Tree:
    if isinstance(groups, _FromFile):
        return placed_tree(groups.groups, placement, line_of=groups.line_of, is_token=is_token)
    return placed_tree(groups, placement, is_token=is_token)
