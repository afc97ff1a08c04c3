"""The properties of `Custom::ConnectHierarchyGroup`, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connect_hierarchy_lambda.model.arns import GroupArn, check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import check_group_name, quoted
from connect_hierarchy_lambda.model.properties import AgentsOnDelete, GroupProperty
from connect_hierarchy_lambda.model.tags import check_user_tags
from connect_hierarchy_lambda.resources.request import Properties


@dataclass(frozen=True)
class GroupProperties:
    """The properties of a group, checked."""

    instance_arn: str
    name: str
    parent_id: str | None
    tags: Mapping[str, str]
    adopt_existing: bool
    agents_on_delete: AgentsOnDelete
    adopt_from_stack: str = ""
    """Name of a stack of native CloudFormation that has let the group go."""

    @classmethod
    def read_earlier(cls, values: Mapping[str, Any], wanted: GroupProperties) -> GroupProperties:
        """Those of before an update; where they can not be read, nothing is like it was wanted.

        A reversed Update carries what was refused before.
        """
        try:
            return cls.read(values)
        except HierarchyError:
            return replace(wanted, name="", tags={})

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> GroupProperties:
        """Check them; HierarchyError for what can not be."""
        properties = Properties(values)
        instance_arn = properties.text(GroupProperty.INSTANCE_ARN)
        name = properties.text(GroupProperty.NAME)
        parent_arn = properties.optional_text(GroupProperty.PARENT_GROUP_ARN)
        tags = properties.text_map(GroupProperty.TAGS)
        policy = properties.optional_text(GroupProperty.AGENTS_ON_DELETE) or AgentsOnDelete.FAIL
        doing = f"reading the properties of hierarchy group {quoted(name)}"
        parent = None
        try:
            check_instance_arn(instance_arn)
            check_group_name(name)
            check_user_tags(tags)
            if parent_arn is not None:
                parent = GroupArn.parse(parent_arn)
        except InvalidHierarchyError as error:
            raise HierarchyError(doing, str(error)) from None
        if policy not in set(AgentsOnDelete):
            wanted = f"one of {', '.join(AgentsOnDelete)} is needed"
            raise HierarchyError(doing, f"AgentsOnDelete is {quoted(policy)}", wanted)
        if parent is not None and parent.instance_arn != instance_arn:
            raise HierarchyError(
                doing,
                f"the parent group is of another instance, {parent.instance_arn}",
                "parent and child need one instance",
            )
        return cls(
            instance_arn=instance_arn,
            name=name,
            parent_id=parent.group_id if parent else None,
            tags=tags,
            adopt_existing=properties.flag(GroupProperty.ADOPT_EXISTING),
            agents_on_delete=AgentsOnDelete(policy),
            adopt_from_stack=properties.optional_text(GroupProperty.ADOPT_FROM_STACK) or "",
        )
