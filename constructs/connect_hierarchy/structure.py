"""The levels of an instance: `HierarchyStructure`, and its import from elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Unpack

from aws_cdk import CustomResource, Duration, ReferenceStrength, RemovalPolicy, Resource
from constructs import Construct

# The module rather than the class, since groups and structures import each other.
from connect_hierarchy import group as groups
from connect_hierarchy.app_register import AppRegister, Home
from connect_hierarchy.arguments import check_arguments, implementation_of
from connect_hierarchy.identity import Identity, Instance
from connect_hierarchy.interfaces import HierarchyGroupOptions, IHierarchyStructure
from connect_hierarchy.internals import ready
from connect_hierarchy.permissions import instance_policy
from connect_hierarchy.provider import (
    SERVICE_TIMEOUT_SECONDS,
    HierarchyProvider,
    provider_for,
)
from connect_hierarchy.validation import (
    check_group_quota,
    check_removal_policy,
    check_same_home,
    checked_instance_arn,
    checked_levels,
    located,
)
from connect_hierarchy_lambda.model.limits import DEFAULT_GROUP_QUOTA
from connect_hierarchy_lambda.model.properties import (
    ResourceType,
    StructureAttribute,
    StructureProperty,
)


@implementation_of(IHierarchyStructure)
class StructureBase(Resource):
    """What every structure offers, created here or imported."""

    _instance: Instance
    _levels: tuple[str, ...] | None
    _stack_path: str | None

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the levels, level one first; None where they are not known at synth."""
        return self._levels

    @property
    @abstractmethod
    def instance_arn(self) -> str:
        """ARN of the instance."""

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        **options: Unpack[HierarchyGroupOptions],
    ) -> groups.HierarchyGroup:
        """Create a group at level one, as a child of this construct.

        Args:
            id: The construct's id in that scope.
            options: `name`, and the optional ones of `HierarchyGroupOptions`, such as `key`.

        Raises:
            ValueError: As `HierarchyGroup`.
        """
        return groups.HierarchyGroup(
            self,
            id,
            structure=self,
            **options,
        )


class HierarchyStructure(StructureBase):
    """The levels of an Amazon Connect instance, one to five, for example division, region, team.

    An instance has one structure, so an app declares at most one for it. Everything that refers
    to the structure's `instance_arn`, as its groups do, is deployed after the levels.

    Args:
        scope: The construct's scope.
        id: The construct's id in that scope.
        instance_arn: ARN of the instance. A change to another instance creates a structure there
            and leaves this one as it is.
        levels: Names of the levels, level one first: 1 to 5 names of 1 to 50 characters, all
            different. To remove a level, first deploy without its groups. Amazon Connect then
            severs the level from past contacts, which cannot be undone.
        adopt_existing: Adopt the levels that the instance has. They must be the first of
            `levels`. By default, existing levels are an error.
        group_quota: How many groups the instance may have over all levels: the service quota
            L-D68AAAE4 of your account, 500 unless raised. More groups are an error at synth.
        removal_policy: What happens to the levels when the structure leaves the stack. The default
            RETAIN_ON_UPDATE_OR_DELETE keeps them, unless the deployment that created them fails.
            RETAIN keeps them in that case too. DESTROY removes them, once all groups are gone.
        provider: The function of another stack, to use in place of the stack's own.

    Raises:
        ValueError: For a malformed ARN, an instance in another Region or account than the stack,
            invalid levels, a second structure for an instance in the app, more groups than the
            quota, or a second provider in the stack.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        instance_arn: str,
        levels: Sequence[str],
        adopt_existing: bool = False,
        group_quota: int = DEFAULT_GROUP_QUOTA,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        provider: HierarchyProvider | None = None,
    ) -> None:
        super().__init__(scope, id)
        with located(self):
            self._levels = checked_levels(levels)
            check_removal_policy(removal_policy, "hierarchy structure")
            check_group_quota(group_quota)
            home = Home.of(self)
            register, self._stack_path = home.register, home.path
            self._instance = register.instance(checked_instance_arn(instance_arn), self)
            check_same_home(self._instance.arn, region=home.region, account=home.account)
            register.add_structure(self.node.path, self._instance, group_quota)
            self._provider = provider_for(self, provider)

        self._resource = CustomResource(
            self,
            "Resource",
            resource_type=ResourceType.STRUCTURE.value,
            service_token=self._provider.service_token,
            service_timeout=Duration.seconds(SERVICE_TIMEOUT_SECONDS),
            properties={
                StructureProperty.INSTANCE_ARN.value: instance_arn,
                StructureProperty.LEVELS.value: list(levels),
                StructureProperty.ADOPT_EXISTING.value: adopt_existing,
            },
            removal_policy=removal_policy,
        )
        self._resource.node.add_dependency(
            instance_policy(self, self, self._provider), *ready(self._provider)
        )
        # another instance is another structure: a strong reference tells other stacks about it
        self._resource.apply_cross_stack_reference_strength(ReferenceStrength.STRONG)
        self._instance_arn = self._resource.get_att_string(StructureAttribute.INSTANCE_ARN.value)
        # a construct that imports this attribute means this instance
        register.add_attribute(Identity.of(self._instance_arn, self), self._instance)

    @staticmethod
    def from_instance_arn(
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        instance_arn: str,
        *,
        levels: Sequence[str] | None = None,
    ) -> IHierarchyStructure:
        """Import the structure of an instance that is managed elsewhere. Nothing is deployed.

        Args:
            scope: The construct's scope.
            id: The construct's id in that scope.
            instance_arn: ARN of the instance.
            levels: Names of its levels, used only to check the depth of groups at synth.

        Raises:
            ValueError: For a malformed ARN or invalid levels.
        """
        return ImportedStructure(scope, id, instance_arn=instance_arn, levels=levels)

    @property
    def instance_arn(self) -> str:
        """ARN of the instance. A reference to it waits for the levels."""
        return self._instance_arn

    @property
    def provider(self) -> HierarchyProvider:
        """The function that serves the structure."""
        return self._provider

    @check_arguments
    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Set what happens to the levels when the structure leaves the stack.

        Args:
            policy: See `removal_policy`.

        Raises:
            ValueError: For SNAPSHOT, which a structure cannot have.
        """
        with located(self):
            check_removal_policy(policy, "hierarchy structure")
        self._resource.apply_removal_policy(policy)


class ImportedStructure(StructureBase):
    """A structure that is managed elsewhere, see `HierarchyStructure.from_instance_arn`."""

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        instance_arn: str,
        levels: Sequence[str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        with located(self):
            self._stack_path = None
            self._instance = AppRegister.of(self).instance(checked_instance_arn(instance_arn), self)
            self._levels = None if levels is None else checked_levels(levels)
        self._instance_arn = instance_arn

    @property
    def instance_arn(self) -> str:
        """ARN of the instance, as given."""
        return self._instance_arn
