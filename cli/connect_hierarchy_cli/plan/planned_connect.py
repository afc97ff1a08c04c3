"""Amazon Connect in a plan: the present state, with the changes of the plan on top.

It replaces a boto3 client, and answers as the service does. The present state is read once, when it
is first needed. No call that writes leaves this process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Protocol

from botocore.exceptions import ClientError

from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.model.limits import MAX_LEVELS, MAX_TAGS
from connect_hierarchy_lambda.ports.calls import (
    DUPLICATE,
    IN_USE,
    INVALID_REQUEST,
    NOT_FOUND,
    QUOTA,
)

_LEVEL_KEYS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")
_AWS_PREFIX = "aws:"
_PLANNED = "planned-"

_STATUS = {NOT_FOUND: 404, IN_USE: 409, DUPLICATE: 409, QUOTA: 429}

READS = frozenset(
    {
        "describe_user",
        "describe_user_hierarchy_group",
        "describe_user_hierarchy_structure",
        "list_user_hierarchy_groups",
        "search_user_hierarchy_groups",
        "search_users",
    }
)
"""The calls that change nothing, by their names in boto3."""


class Source(Protocol):
    """The present state: each part is read once, when first needed; NotReadError if that fails."""

    def levels(self, instance_arn: str) -> Sequence[str]:
        """The level names, level one first."""

    def groups(self, instance_arn: str) -> Sequence[Group]:
        """All groups."""

    def agents(self, instance_arn: str) -> Sequence[Agent]:
        """All agents, with the groups that they are in."""


@dataclass(frozen=True)
class PlannedCall:
    """A call that the deployment will make."""

    request: str
    """Id of the request of CloudFormation that it serves."""

    operation: str
    """The name of the method in boto3."""

    parameters: Mapping[str, Any]
    answer: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    """The code of the service's refusal, empty for none."""

    @property
    def api(self) -> str:
        """The name in Amazon Connect."""
        return "".join(part.capitalize() for part in self.operation.split("_"))

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, whatever its answer."""
        return self.operation in READS

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return not self.is_read and not self.error


@dataclass(frozen=True)
class PlannedGroup:
    """A group in a plan."""

    id: str
    name: str
    parent_id: str | None
    level: int
    tags: Mapping[str, str]

    @property
    def is_new(self) -> bool:
        """Whether the group does not exist yet."""
        return self.id.startswith(_PLANNED)


class PlannedInstance:
    """One instance: its present state, and its state in the plan."""

    def __init__(self, arn: str, source: Source, numbers: Iterator[int]) -> None:
        self.arn = arn
        self._source = source
        self._numbers = numbers
        self._answers: dict[str, dict[str, Any]] = {}
        """Groups as the service shows them, until they change."""

    @cached_property
    def levels_before(self) -> tuple[str, ...]:
        """The present level names, level one first."""
        return tuple(self._source.levels(self.arn))

    @cached_property
    def levels(self) -> list[str]:
        """The level names, level one first; empty for a gap."""
        return list(self.levels_before)

    @cached_property
    def groups_before(self) -> Mapping[str, PlannedGroup]:
        """The present groups by their ids."""
        return {
            group.id: PlannedGroup(
                group.id, group.name, group.parent_id, len(group.path), dict(group.tags)
            )
            for group in self._source.groups(self.arn)
        }

    @cached_property
    def groups(self) -> dict[str, PlannedGroup]:
        """The groups by their ids."""
        return dict(self.groups_before)

    @cached_property
    def agents_before(self) -> Mapping[str, Agent]:
        """The agents by their ids, in their present groups."""
        return {agent.id: agent for agent in self._source.agents(self.arn)}

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """The agents by their ids, in their groups in the plan."""
        return dict(self.agents_before)

    @cached_property
    def _children(self) -> dict[str | None, dict[str, None]]:
        found: dict[str | None, dict[str, None]] = {}
        for group in self.groups.values():
            found.setdefault(group.parent_id, {})[group.id] = None
        return found

    @cached_property
    def _inside(self) -> dict[str | None, dict[str, None]]:
        found: dict[str | None, dict[str, None]] = {}
        for agent in self.agents.values():
            found.setdefault(agent.group_id, {})[agent.id] = None
        return found

    def has_read_levels(self) -> bool:
        """Whether the levels were needed so far."""
        return "levels_before" in vars(self)

    def has_read_groups(self) -> bool:
        """Whether the groups were needed so far."""
        return "groups_before" in vars(self)

    def has_read_agents(self) -> bool:
        """Whether the agents were needed so far."""
        return "agents_before" in vars(self)

    def children(self, group_id: str | None) -> list[PlannedGroup]:
        """The groups directly below one, or at level one."""
        return [self.groups[i] for i in self._children.get(group_id, ())]

    def agents_in(self, group_id: str) -> list[Agent]:
        """The agents directly in a group."""
        return [self.agents[i] for i in self._inside.get(group_id, ())]

    def path(self, group: PlannedGroup) -> list[PlannedGroup]:
        """The groups from level one down to this one."""
        line = [group]
        while line[0].parent_id is not None and line[0].parent_id in self.groups:
            line.insert(0, self.groups[line[0].parent_id])
        return line

    def add(self, name: str, parent_id: str | None, level: int, tags: Mapping[str, str]) -> str:
        """Create a group, and return its id."""
        group_id = f"{_PLANNED}{next(self._numbers)}"
        self._children.setdefault(parent_id, {})[group_id] = None
        self.groups[group_id] = PlannedGroup(group_id, name, parent_id, level, dict(tags))
        return group_id

    def change(self, group_id: str, **changes: Any) -> None:
        """Change the name or the tags."""
        self.groups[group_id] = replace(self.groups[group_id], **changes)
        self._forget(group_id)

    def remove(self, group_id: str) -> None:
        """Delete a group that is empty."""
        self._forget(group_id)
        self._children[self.groups[group_id].parent_id].pop(group_id)
        del self.groups[group_id]

    def shown(self, group: PlannedGroup) -> dict[str, Any]:
        """A group as the service shows it."""
        if group.id not in self._answers:
            self._answers[group.id] = _shown(self, group)
        return self._answers[group.id]

    def _forget(self, group_id: str) -> None:
        """Forget how a group and those below it were shown, since they show its name."""
        self._answers.pop(group_id, None)
        for below in self._children.get(group_id, ()):
            self._forget(below)

    def place(self, agent_id: str, group_id: str | None) -> None:
        """Put an agent into a group, or into none."""
        agent = self.agents[agent_id]
        self._inside[agent.group_id].pop(agent_id)
        self._inside.setdefault(group_id, {})[agent_id] = None
        self.agents[agent_id] = replace(agent, group_id=group_id)


class NotReadError(Exception):
    """The present state could not be read; this is no failure of the deployment."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(str(cause))


class _Nothing:
    """The state of an instance that the deployment creates."""

    def levels(self, _: str) -> Sequence[str]:
        return ()

    def groups(self, _: str) -> Sequence[Group]:
        return ()

    def agents(self, _: str) -> Sequence[Agent]:
        return ()


class PlannedConnect:
    """The part of a boto3 client that the engine uses, with boto3's names.

    Args:
        source: The present state.
        quota_of: How many groups an instance may have, by its ARN; None if that is not known.
        one_name_an_instance: Whether a name can occur once in the whole instance, or once among
            siblings; Amazon Connect does not document it.
    """

    def __init__(
        self,
        source: Source,
        *,
        quota_of: Callable[[str], int | None] = lambda _: None,
        one_name_an_instance: bool = False,
    ) -> None:
        self.instances: dict[str, PlannedInstance] = {}
        """The instances by their ids."""

        self.calls: list[PlannedCall] = []
        self.request = ""
        """Id of the request that is served."""

        self.source = source
        self._numbers = itertools.count(1)
        self._quota_of = cache(quota_of)
        self._one_name_an_instance = one_name_an_instance

    def instance(self, arn: str) -> PlannedInstance:
        """The instance with this ARN, which the plan is about from now on."""
        return self._with(arn, self.source)

    def add_new_instance(self, arn: str) -> None:
        """Add an instance that the deployment creates."""
        self._with(arn, _Nothing())

    def _with(self, arn: str, source: Source) -> PlannedInstance:
        instance_id = arn.rsplit("/", 1)[-1]
        if instance_id not in self.instances:
            self.instances[instance_id] = PlannedInstance(arn, source, self._numbers)
        return self.instances[instance_id]

    # reads -------------------------------------------------------------------------------------

    def describe_user_hierarchy_structure(self, **parameters: Any) -> Any:
        """The levels."""
        return self._recorded(self._levels, parameters)

    def describe_user_hierarchy_group(self, **parameters: Any) -> Any:
        """One group, whole."""
        return self._recorded(self._one_group, parameters)

    def list_user_hierarchy_groups(self, **parameters: Any) -> Any:
        """Ids and names of all groups."""
        return self._recorded(self._list, parameters)

    def search_user_hierarchy_groups(self, **parameters: Any) -> Any:
        """Whole groups that match."""
        return self._recorded(self._search_groups, parameters)

    def search_users(self, **parameters: Any) -> Any:
        """The agents of some groups."""
        return self._recorded(self._search_users, parameters)

    def describe_user(self, **parameters: Any) -> Any:
        """One agent."""
        return self._recorded(self._one_user, parameters)

    # writes ------------------------------------------------------------------------------------

    def update_user_hierarchy_structure(self, **parameters: Any) -> Any:
        """Replace the levels, all of them."""
        return self._recorded(self._put_levels, parameters)

    def create_user_hierarchy_group(self, **parameters: Any) -> Any:
        """Create a group."""
        return self._recorded(self._create, parameters)

    def update_user_hierarchy_group_name(self, **parameters: Any) -> Any:
        """Rename a group in place."""
        return self._recorded(self._rename, parameters)

    def delete_user_hierarchy_group(self, **parameters: Any) -> Any:
        """Delete a group that is empty."""
        return self._recorded(self._delete, parameters)

    def update_user_hierarchy(self, **parameters: Any) -> Any:
        """Move an agent."""
        return self._recorded(self._move_agent, parameters)

    def tag_resource(self, **parameters: Any) -> Any:
        """Add or change tags."""
        return self._recorded(self._tag, parameters)

    def untag_resource(self, **parameters: Any) -> Any:
        """Remove tags."""
        return self._recorded(self._untag, parameters)

    # what they do --------------------------------------------------------------------------------

    def _recorded(self, act: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
        operation = _OPERATIONS[act.__name__]
        call = PlannedCall(self.request, operation, parameters)
        try:
            answer = act(**parameters)
        except _RefusedError as refused:
            self.calls.append(replace(call, error=refused.code))
            raise refused.as_boto3_raises_it(call.api) from None
        # answers to reads are long, and nobody needs them again
        self.calls.append(call if call.is_read else replace(call, answer=answer))
        return answer

    def _inside(self, instance_id: str) -> PlannedInstance:
        try:
            return self.instances[instance_id.rsplit("/", 1)[-1]]
        except KeyError:
            raise _RefusedError(NOT_FOUND, f"no such instance: {instance_id}") from None

    def _group(self, instance: PlannedInstance, group_id: str) -> PlannedGroup:
        group = instance.groups.get(group_id.rsplit("/", 1)[-1])
        if group is None:
            raise _RefusedError(NOT_FOUND, f"The specified resource was not found: {group_id}")
        return group

    def _levels(self, *, InstanceId: str) -> Any:  # noqa: N803 - boto3's names
        levels = self._inside(InstanceId).levels
        named = zip(_LEVEL_KEYS, levels, strict=False)
        return {"HierarchyStructure": {key: {"Name": name} for key, name in named if name}}

    def _one_group(self, *, InstanceId: str, HierarchyGroupId: str) -> Any:  # noqa: N803
        instance = self._inside(InstanceId)
        return {"HierarchyGroup": instance.shown(self._group(instance, HierarchyGroupId))}

    def _list(self, *, InstanceId: str, MaxResults: int, NextToken: str = "") -> Any:  # noqa: N803
        groups = list(self._inside(InstanceId).groups.values())
        return _page(
            "UserHierarchyGroupSummaryList",
            groups,
            MaxResults,
            NextToken,
            lambda group: {"Id": group.id, "Name": group.name},
        )

    def _search_groups(
        self,
        *,
        InstanceId: str,  # noqa: N803
        MaxResults: int,  # noqa: N803
        SearchCriteria: Mapping[str, Any] | None = None,  # noqa: N803
        NextToken: str = "",  # noqa: N803
    ) -> Any:
        instance = self._inside(InstanceId)
        found = _matching(instance, SearchCriteria)
        return _page(
            "UserHierarchyGroups",
            found,
            MaxResults,
            NextToken,
            instance.shown,
        )

    def _search_users(
        self,
        *,
        InstanceId: str,  # noqa: N803
        MaxResults: int,  # noqa: N803
        SearchCriteria: Mapping[str, Any],  # noqa: N803
        NextToken: str = "",  # noqa: N803
    ) -> Any:
        instance = self._inside(InstanceId)
        conditions = SearchCriteria.get("OrConditions", [SearchCriteria])
        ids = dict.fromkeys(one["HierarchyGroupCondition"]["Value"] for one in conditions)
        found = [agent for group_id in ids for agent in instance.agents_in(group_id)]
        return _page("Users", found, MaxResults, NextToken, _user)

    def _one_user(self, *, InstanceId: str, UserId: str) -> Any:  # noqa: N803
        return {"User": _user(self._agent(self._inside(InstanceId), UserId))}

    def _agent(self, instance: PlannedInstance, user_id: str) -> Agent:
        agent = instance.agents.get(user_id)
        if agent is None:
            raise _RefusedError(NOT_FOUND, f"The specified resource was not found: {user_id}")
        return agent

    def _put_levels(
        self,
        *,
        InstanceId: str,  # noqa: N803
        HierarchyStructure: Mapping[str, Mapping[str, str]],  # noqa: N803
    ) -> Any:
        instance = self._inside(InstanceId)
        levels = [HierarchyStructure.get(key, {}).get("Name", "") for key in _LEVEL_KEYS]
        for group in instance.groups.values():
            if not levels[group.level - 1]:
                message = "The hierarchy level is in use: it has hierarchy groups"
                raise _RefusedError(IN_USE, message, blocker=("HIERARCHY_LEVEL", str(group.level)))
        while levels and not levels[-1]:
            levels.pop()
        instance.levels[:] = levels
        return {}

    def _create(
        self,
        *,
        InstanceId: str,  # noqa: N803
        Name: str,  # noqa: N803
        Tags: Mapping[str, str],  # noqa: N803
        ParentGroupId: str | None = None,  # noqa: N803
    ) -> Any:
        instance = self._inside(InstanceId)
        if not instance.levels:
            raise _RefusedError(NOT_FOUND, "Resource not found")
        parent = None if ParentGroupId is None else self._group(instance, ParentGroupId)
        above = parent.level if parent else 0
        below = [n for n, name in enumerate(instance.levels, start=1) if name and n > above]
        if not below:
            message = "The parent hierarchy group is at the lowest level of the hierarchy structure"
            raise _RefusedError(INVALID_REQUEST, message)
        parent_id = parent.id if parent else None
        self._check_name(instance, parent_id, Name, "")
        quota = self._quota_of(instance.arn)
        if quota is not None and len(instance.groups) >= quota:
            message = f"The number of user hierarchy groups exceeds the limit of {quota}"
            raise _RefusedError(QUOTA, message)
        group_id = instance.add(Name, parent_id, below[0], Tags)
        arn = str(GroupArn(instance.arn, group_id))
        return {"HierarchyGroupId": group_id, "HierarchyGroupArn": arn}

    def _check_name(
        self, instance: PlannedInstance, parent_id: str | None, name: str, but: str
    ) -> None:
        among = (
            instance.groups.values() if self._one_name_an_instance else instance.children(parent_id)
        )
        if any(group.name == name and group.id != but for group in among):
            raise _RefusedError(DUPLICATE, f"A hierarchy group with the name {name} already exists")

    def _rename(self, *, InstanceId: str, HierarchyGroupId: str, Name: str) -> Any:  # noqa: N803
        instance = self._inside(InstanceId)
        group = self._group(instance, HierarchyGroupId)
        self._check_name(instance, group.parent_id, Name, group.id)
        instance.change(group.id, name=Name)
        return {}

    def _delete(self, *, InstanceId: str, HierarchyGroupId: str) -> Any:  # noqa: N803
        instance = self._inside(InstanceId)
        group = self._group(instance, HierarchyGroupId)
        agents, children = instance.agents_in(group.id), instance.children(group.id)
        if agents:
            message = "The hierarchy group is in use: it has users"
            raise _RefusedError(IN_USE, message, blocker=("USER", agents[0].id))
        if children:
            message = "The hierarchy group is in use: it has child hierarchy groups"
            raise _RefusedError(IN_USE, message, blocker=("HIERARCHY_GROUP", children[0].id))
        instance.remove(group.id)
        return {}

    def _move_agent(
        self,
        *,
        InstanceId: str,  # noqa: N803
        UserId: str,  # noqa: N803
        HierarchyGroupId: str | None = None,  # noqa: N803
    ) -> Any:
        instance = self._inside(InstanceId)
        agent = self._agent(instance, UserId)
        to = None if HierarchyGroupId is None else self._group(instance, HierarchyGroupId).id
        instance.place(agent.id, to)
        return {}

    def _tag(self, *, resourceArn: str, tags: Mapping[str, str]) -> Any:  # noqa: N803
        return self._retag(resourceArn, lambda present: {**present, **tags})

    def _untag(self, *, resourceArn: str, tagKeys: Sequence[str]) -> Any:  # noqa: N803
        gone = set(tagKeys)
        return self._retag(
            resourceArn, lambda present: {k: v for k, v in present.items() if k not in gone}
        )

    def _retag(self, arn: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Any:
        parsed = GroupArn.parse(arn)
        instance = self._inside(parsed.instance_arn)
        group = self._group(instance, parsed.group_id)
        tags = change(group.tags)
        if sum(not key.startswith(_AWS_PREFIX) for key in tags) > MAX_TAGS:
            raise _RefusedError("InvalidParameterException", f"more than {MAX_TAGS} tags")
        instance.change(group.id, tags=tags)
        return {}


_OPERATIONS = {
    "_levels": "describe_user_hierarchy_structure",
    "_one_group": "describe_user_hierarchy_group",
    "_list": "list_user_hierarchy_groups",
    "_search_groups": "search_user_hierarchy_groups",
    "_search_users": "search_users",
    "_one_user": "describe_user",
    "_put_levels": "update_user_hierarchy_structure",
    "_create": "create_user_hierarchy_group",
    "_rename": "update_user_hierarchy_group_name",
    "_delete": "delete_user_hierarchy_group",
    "_move_agent": "update_user_hierarchy",
    "_tag": "tag_resource",
    "_untag": "untag_resource",
}


class _RefusedError(Exception):
    """A refusal of the service."""

    def __init__(self, code: str, message: str, blocker: tuple[str, str] | None = None) -> None:
        self.code, self.message, self.blocker = code, message, blocker
        super().__init__(message)

    def as_boto3_raises_it(self, api: str) -> ClientError:
        """The same as an error of boto3."""
        response: Any = {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": _STATUS.get(self.code, 400)},
        }
        if self.blocker is not None:
            response["ResourceType"], response["ResourceId"] = self.blocker
        return ClientError(response, api)


def _shown(instance: PlannedInstance, group: PlannedGroup) -> dict[str, Any]:
    return {
        "Id": group.id,
        "Arn": str(GroupArn(instance.arn, group.id)),
        "Name": group.name,
        "LevelId": str(group.level),
        "HierarchyPath": {
            _LEVEL_KEYS[above.level - 1]: {"Id": above.id, "Name": above.name}
            for above in instance.path(group)
        },
        "Tags": dict(group.tags),
    }


def _user(agent: Agent) -> dict[str, Any]:
    place = {} if agent.group_id is None else {"HierarchyGroupId": agent.group_id}
    return {"Id": agent.id, "Username": agent.username, **place}


def _matching(
    instance: PlannedInstance, criteria: Mapping[str, Any] | None
) -> Sequence[PlannedGroup]:
    """The groups that a search of the engine finds."""
    if criteria is None:
        return list(instance.groups.values())
    condition = criteria["StringCondition"]
    name, value = condition["FieldName"], condition["Value"]
    if name == "parentId":
        return instance.children(value)
    read: Callable[[PlannedGroup], str] = {
        "name": lambda group: group.name,
        "levelId": lambda group: str(group.level),
    }[name]
    return [group for group in instance.groups.values() if read(group) == value]


def _page(
    member: str,
    found: Sequence[Any],
    most: int,
    token: str,
    show: Callable[[Any], Mapping[str, Any]],
) -> dict[str, Any]:
    """One page of an answer, with a token for the next where there is one."""
    first = int(token or 0)
    page: dict[str, Any] = {member: [show(one) for one in found[first : first + most]]}
    if first + most < len(found):
        page["NextToken"] = str(first + most)
    return page


assert len(_LEVEL_KEYS) == MAX_LEVELS  # noqa: S101 - the service has no more
