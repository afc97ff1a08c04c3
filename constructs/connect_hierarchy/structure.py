"""The levels of an instance: `HierarchyStructure`, and the import of one that is elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Unpack

from aws_cdk import CustomResource, Duration, ReferenceStrength, RemovalPolicy, Resource
from constructs import Construct

# The module and not the class: groups and structures make each other.
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
    """What a structure offers however it came to be."""

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
        """Make a group at level one, as a child of this construct.

        Args:
            id: Its id there.
            options: `name`, and what else `HierarchyGroupOptions` has: `key`, `tags` and so on.

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

    An instance has one structure, so an app can have one for it. What refers to the structure's
    `instance_arn`, as its groups do, waits until the levels are there.

    Args:
        scope: Where the construct stands.
        id: Its id there.
        instance_arn: ARN of the instance; another instance later is another structure, and leaves
            this one behind.
        levels: Names of the levels, level one first: 1 to 5, each of 1 to 50 characters, no two
            alike. Taking one away needs a deployment that first takes away its groups; Amazon
            Connect then cuts its tie to past contacts for good.
        adopt_existing: Take an instance that has levels already; they must be the first of
            `levels`. Without this they are an error.
        group_quota: How many groups the instance may have over all levels: the service quota
            L-D68AAAE4 of your account, 500 unless raised. More in the app are an error at synth.
        removal_policy: What becomes of the levels when the structure leaves the stack. The default
            RETAIN_ON_UPDATE_OR_DELETE keeps them unless the deployment that made them fails;
            RETAIN keeps them then, too; DESTROY removes them, and needs all groups to be gone.
        provider: The function, if it is to be one of another stack; otherwise the stack's own.

    Raises:
        ValueError: For a malformed ARN, an instance in another Region or account than the stack,
            levels that cannot be, a second structure of an instance in the app, more groups than
            the quota, or a second provider in the stack.
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
        # another instance is another structure: what refers to this one is to know it
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
        """The structure of an instance, made elsewhere: nothing is deployed for it.

        Args:
            scope: Where the construct stands.
            id: Its id there.
            instance_arn: ARN of the instance.
            levels: Names of its levels, so that the depth of groups is checked at synth. They are
                not sent anywhere.

        Raises:
            ValueError: For a malformed ARN, or levels that cannot be.
        """
        return ImportedStructure(scope, id, instance_arn=instance_arn, levels=levels)

    @property
    def instance_arn(self) -> str:
        """ARN of the instance; what refers to it waits for the structure."""
        return self._instance_arn

    @property
    def provider(self) -> HierarchyProvider:
        """The function behind the structure."""
        return self._provider

    @check_arguments
    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Set what becomes of the levels when the structure leaves the stack.

        Args:
            policy: As `removal_policy`.

        Raises:
            ValueError: For SNAPSHOT, which a structure cannot have.
        """
        with located(self):
            check_removal_policy(policy, "hierarchy structure")
        self._resource.apply_removal_policy(policy)


class ImportedStructure(StructureBase):
    """A structure that is made elsewhere, see `HierarchyStructure.from_instance_arn`."""

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
