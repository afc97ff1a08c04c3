"""The user hierarchy of one Connect instance: its levels, groups and the agents in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connect_hierarchy_lambda.connect.calls import (
    DUPLICATE,
    IN_USE,
    INVALID_REQUEST,
    NOT_FOUND,
    QUOTA,
    Caller,
    Refusal,
    is_denied,
)
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import RESOURCE_TAG, STACK_TAG, Owner

if TYPE_CHECKING:
    from mypy_boto3_connect import ConnectClient

_LEVEL_KEYS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")
_ROOT_LEVEL_ID = "0"
_ACTION = re.compile(r"\bconnect:\w+")
_GROUPS_PER_LIST_PAGE = 1000
_GROUPS_PER_SEARCH_PAGE = 100
_USERS_PER_PAGE = 500
_FEW_READS = 2
"""So many groups are read sooner than searched for."""

_CONDITIONS_A_SEARCH = 20
"""The service does not document how many it takes."""


class InstanceGoneError(HierarchyError):
    """There is no such instance, or none any more."""


class GroupGoneError(HierarchyError):
    """There is no such group any more."""


@dataclass(frozen=True)
class Level:
    """One level of a structure; `modified_at` is in seconds since 1970."""

    name: str
    """Empty for a gap: whether a level may be missing above another is not documented."""

    modified_at: float


@dataclass(frozen=True)
class Group:
    """A hierarchy group as DescribeUserHierarchyGroup tells it."""

    arn: str
    id: str
    name: str
    level_id: str
    path: tuple[tuple[str, str], ...]
    """(id, name) from level one down to the group itself."""

    tags: Mapping[str, str] = field(default_factory=dict)
    modified_at: float = 0.0
    """When it was made or renamed, in seconds since 1970."""

    @property
    def parent_id(self) -> str | None:
        """The group above, None at level one; the service tells it only through the path."""
        return self.path[-2][0] if len(self.path) > 1 else None

    @property
    def owner(self) -> Owner | None:
        """The resource that owns it, as its tags say."""
        return Owner.of(self.tags)

    @property
    def path_of_names(self) -> str:
        """The names from level one down, joined with ` / `."""
        return " / ".join(name for _, name in self.path)


@dataclass(frozen=True)
class GroupSummary:
    """What ListUserHierarchyGroups tells of a group; `modified_at` in seconds since 1970."""

    id: str
    name: str
    modified_at: float


@dataclass(frozen=True)
class Agent:
    """A user of the instance."""

    id: str
    username: str
    group_id: str | None = None
    """The group that the agent is right in."""


class Hierarchy:
    """The calls about one instance. What they raise is Refusal or HierarchyError, see `Caller`."""

    def __init__(self, client: ConnectClient, caller: Caller, instance_arn: str) -> None:
        self._client = client
        self._caller = caller
        self.instance_arn = instance_arn
        self._instance_id = instance_arn.rsplit("/", 1)[-1]

    # structure ----------------------------------------------------------------------------------

    def levels(self) -> list[Level]:
        """The levels of the structure, level one first; none where the instance has none.

        A level that is missing above another is one without a name.
        """
        doing = f"reading the hierarchy structure of {self.instance_arn}"
        try:
            answer = self._caller.call(
                doing,
                self._client.describe_user_hierarchy_structure,
                InstanceId=self._instance_id,
            )
        except Refusal as refusal:
            if refusal.code == NOT_FOUND:
                raise InstanceGoneError(doing, str(refusal), "check the instance ARN") from None
            raise self.error(doing, refusal) from None
        structure = answer.get("HierarchyStructure") or {}
        levels = [structure.get(key) or {} for key in _LEVEL_KEYS]
        while levels and not levels[-1]:
            levels.pop()
        return [
            Level(level.get("Name", ""), _seconds(level.get("LastModifiedTime")))
            for level in levels
        ]

    def levels_if_any(self) -> list[Level]:
        """As `levels`, and none where the instance is gone."""
        try:
            return self.levels()
        except InstanceGoneError:
            return []

    def put_levels(self, names: Sequence[str], *, final: frozenset[str] = frozenset()) -> None:
        """Make these the levels, all of them: a level that is left out is removed.

        An empty name leaves a gap, as `levels` tells of one.
        """
        self._caller.call(
            "updating the hierarchy structure",
            self._client.update_user_hierarchy_structure,
            writes=True,
            final=final,
            InstanceId=self._instance_id,
            HierarchyStructure={
                key: {"Name": name} for key, name in zip(_LEVEL_KEYS, names, strict=False) if name
            },
        )

    # groups -------------------------------------------------------------------------------------

    def create_group(
        self, name: str, parent_id: str | None, tags: Mapping[str, str]
    ) -> str | Refusal:
        """Create a group and give its ARN, or the refusal where the name is taken.

        There is no client token, so a taken name can also mean that an earlier try of this call
        did its work and its answer was lost.
        """
        doing = f"creating hierarchy group {quoted(name)}"
        parameters: dict[str, Any] = {"Name": name, "Tags": dict(tags)}
        if parent_id is not None:
            parameters["ParentGroupId"] = parent_id
        try:
            answer = self._caller.call(
                doing,
                self._client.create_user_hierarchy_group,
                writes=True,
                InstanceId=self._instance_id,
                **parameters,
            )
        except Refusal as refusal:
            if refusal.code == DUPLICATE:
                return refusal
            if refusal.code == QUOTA:
                raise HierarchyError(
                    doing,
                    f"the quota of hierarchy groups of {self.instance_arn} is used up",
                    "delete groups, or raise quota L-D68AAAE4 of Amazon Connect",
                ) from None
            if refusal.code == NOT_FOUND and parent_id is None:
                raise HierarchyError(
                    doing,
                    f"there is no instance {self.instance_arn}, or it has no hierarchy structure",
                    "deploy a HierarchyStructure first",
                ) from None
            raise self.error(doing, refusal) from None
        return str(answer["HierarchyGroupArn"])

    def group(self, group_id: str, *, doubt_absence: bool = True) -> Group | None:
        """A group by its id, None where it is gone.

        With `doubt_absence` it takes two minutes of not being found for that, since reads lag.
        """
        try:
            answer = self._caller.call(
                f"reading hierarchy group {group_id}",
                self._client.describe_user_hierarchy_group,
                final=frozenset() if doubt_absence else frozenset({NOT_FOUND}),
                InstanceId=self._instance_id,
                HierarchyGroupId=group_id,
            )
        except Refusal as refusal:
            if refusal.code == NOT_FOUND:
                return None
            raise self.error(f"reading hierarchy group {group_id}", refusal) from None
        return _group(answer["HierarchyGroup"])

    def rename_group(self, group_id: str, name: str) -> Refusal | None:
        """Rename in place; the refusal where the name is taken."""
        doing = f"renaming hierarchy group {group_id} to {quoted(name)}"
        try:
            self._caller.call(
                doing,
                self._client.update_user_hierarchy_group_name,
                writes=True,
                InstanceId=self._instance_id,
                HierarchyGroupId=group_id,
                Name=name,
            )
        except Refusal as refusal:
            if refusal.code == DUPLICATE:
                return refusal
            raise self.error(doing, refusal) from None
        return None

    def delete_group(self, group: Group, *, doubt_absence: bool = False) -> Refusal | None:
        """Delete; well if it is gone, the refusal where agents or child groups are in the way.

        With `doubt_absence` it takes two minutes of not being found for that, since a group that
        was made a moment ago may not be there yet.
        """
        doing = f"deleting hierarchy group {quoted(group.name)}"
        try:
            self._caller.call(
                doing,
                self._client.delete_user_hierarchy_group,
                writes=True,
                # both are looked into by who calls this
                final=frozenset({IN_USE}) if doubt_absence else frozenset({NOT_FOUND, IN_USE}),
                InstanceId=self._instance_id,
                HierarchyGroupId=group.id,
            )
        except Refusal as refusal:
            if refusal.code == NOT_FOUND:
                return None
            if refusal.code == IN_USE:
                return refusal
            raise self.error(doing, refusal) from None
        return None

    def tag_group(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add or change tags; nothing is sent for none. GroupGoneError where it is gone."""
        if tags:
            self._write_tags(arn, "tagging", self._client.tag_resource, tags=dict(tags))

    def untag_group(self, arn: str, keys: Sequence[str]) -> None:
        """Remove tags; nothing is sent for none. GroupGoneError where it is gone."""
        if keys:
            self._write_tags(arn, "untagging", self._client.untag_resource, tagKeys=list(keys))

    def _write_tags(self, arn: str, what: str, operation: Any, **parameters: Any) -> None:
        doing = f"{what} hierarchy group {GroupArn.parse(arn).group_id}"
        try:
            self._caller.call(doing, operation, writes=True, resourceArn=arn, **parameters)
        except Refusal as refusal:
            if refusal.code == NOT_FOUND:
                raise GroupGoneError(doing, "it is gone", "deploy again") from None
            raise self.error(doing, refusal) from None

    def group_summaries(self) -> list[GroupSummary]:
        """Every group of the instance, read without the lag of a search."""
        return [
            GroupSummary(
                summary["Id"], summary.get("Name", ""), _seconds(summary.get("LastModifiedTime"))
            )
            for page in self._pages(
                f"listing hierarchy groups of {self.instance_arn}",
                self._client.list_user_hierarchy_groups,
                InstanceId=self._instance_id,
                MaxResults=_GROUPS_PER_LIST_PAGE,
            )
            for summary in page["UserHierarchyGroupSummaryList"]
        ]

    def groups_named(
        self, names: frozenset[str], below: AbstractSet[str | None] | None = None
    ) -> list[Group]:
        """The groups of these names, read without the lag of a search; see `ids_named`."""
        ids = self.ids_named(names, below)
        groups = (self.group(group_id, doubt_absence=False) for group_id in ids)
        return [group for group in groups if group is not None and group.name in names]

    def ids_named(
        self,
        names: frozenset[str],
        below: AbstractSet[str | None] | None = None,
        also: Callable[[GroupSummary], bool] = lambda _: False,
    ) -> list[str]:
        """The ids of the groups of these names in the instance, none missing for a search's lag.

        Args:
            names: The names; a group of any of them is one.
            below: Ids of the groups that they may be right below, None for level one. Where this is
                given, groups elsewhere may be left out. Teams have desks of the same names, so
                that there can be many.
            also: Tells of a group whether it is one by a name that is not given.
        """
        ids = [
            summary.id
            for summary in self.group_summaries()
            if summary.name in names or also(summary)
        ]
        if below is not None and len(ids) > _FEW_READS:
            # old as it may be, what a search tells of a parent holds: groups can not move
            elsewhere = {g.id for g in self._search_names(names) if g.parent_id not in below}
            ids = [group_id for group_id in ids if group_id not in elsewhere]
        return ids

    def _search_names(self, names: frozenset[str]) -> list[Group]:
        conditions = [
            {"StringCondition": {"FieldName": "name", "Value": name, "ComparisonType": "EXACT"}}
            for name in sorted(names)
        ]
        return self._search(SearchCriteria={"OrConditions": conditions})

    def groups_of_resource(self, owner: Owner) -> list[Group]:
        """The groups that a resource owns; what was done in the last moments may be missing."""
        conditions = [
            {"TagKey": STACK_TAG, "TagValue": owner.stack},
            {"TagKey": RESOURCE_TAG, "TagValue": owner.resource},
        ]
        return self._search(
            SearchFilter={"AttributeFilter": {"AndCondition": {"TagConditions": conditions}}}
        )

    def groups_of_stack(self, stack: str) -> list[Group]:
        """The groups that a stack owns; what was done in the last moments may be missing."""
        condition = {"TagKey": STACK_TAG, "TagValue": stack}
        return self._search(SearchFilter={"AttributeFilter": {"TagCondition": condition}})

    def all_groups(self) -> list[Group]:
        """Every group of the instance; what was done in the last moments may be missing."""
        return self._search()

    def children(self, group_id: str) -> list[Group]:
        """The groups right below one; what was done in the last moments may be missing."""
        return self._search(
            SearchCriteria={
                "StringCondition": {
                    "FieldName": "parentId",
                    "Value": group_id,
                    "ComparisonType": "EXACT",
                }
            }
        )

    def groups_at_level(self, level: int) -> list[Group]:
        """The groups of one level; what was done in the last moments may be missing."""
        return self._search(
            SearchCriteria={
                "StringCondition": {
                    "FieldName": "levelId",
                    "Value": str(level),
                    "ComparisonType": "EXACT",
                }
            }
        )

    def _search(self, **parameters: Any) -> list[Group]:
        return [
            _group(item)
            for page in self._pages(
                f"searching hierarchy groups of {self.instance_arn}",
                self._client.search_user_hierarchy_groups,
                InstanceId=self._instance_id,
                MaxResults=_GROUPS_PER_SEARCH_PAGE,
                **parameters,
            )
            for item in page["UserHierarchyGroups"]
            if item.get("LevelId") != _ROOT_LEVEL_ID
        ]

    # agents -------------------------------------------------------------------------------------

    def agents(self, group_id: str) -> list[Agent]:
        """The agents right in a group; what was done in the last moments may be missing."""
        criteria = {"HierarchyGroupCondition": _condition(group_id, "EXACT")}
        return self._agents(f"hierarchy group {group_id}", criteria)

    def agents_below(self, group_ids: Sequence[str]) -> list[Agent]:
        """The agents in groups and in any below them; the last moments' may be missing."""
        found: list[Agent] = []
        for first in range(0, len(group_ids), _CONDITIONS_A_SEARCH):
            conditions = [
                {"HierarchyGroupCondition": _condition(group_id, "WITH_CHILD_GROUPS")}
                for group_id in group_ids[first : first + _CONDITIONS_A_SEARCH]
            ]
            doing = f"{len(conditions)} hierarchy groups from {group_ids[first]} on"
            found += self._agents(doing, {"OrConditions": conditions})
        return found

    def _agents(self, where: str, criteria: Mapping[str, Any]) -> list[Agent]:
        return [
            Agent(user["Id"], user.get("Username", user["Id"]), user.get("HierarchyGroupId"))
            for page in self._pages(
                f"searching the agents of {where}",
                self._client.search_users,
                InstanceId=self._instance_id,
                MaxResults=_USERS_PER_PAGE,
                SearchCriteria=criteria,
            )
            for user in page["Users"]
        ]

    def move_agent(self, agent: Agent, group_id: str | None) -> bool:
        """Put an agent into a group, or into none; False where the agent is gone."""
        parameters: dict[str, Any] = {} if group_id is None else {"HierarchyGroupId": group_id}
        try:
            self._caller.call(
                # this is logged at every try, and a name is somebody's
                f"moving agent {agent.id}",
                self._client.update_user_hierarchy,
                writes=True,
                InstanceId=self._instance_id,
                UserId=agent.id,
                **parameters,
            )
        except Refusal as refusal:
            if refusal.code == NOT_FOUND:
                return False
            raise self.error(f"moving agent {quoted(agent.username)}", refusal) from None
        return True

    # --------------------------------------------------------------------------------------------

    def _pages(self, doing: str, operation: Any, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        token: str | None = None
        while True:
            further: dict[str, Any] = {} if token is None else {"NextToken": token}
            page = self._translated(doing, operation, **parameters, **further)
            yield page
            token = page.get("NextToken")
            if not token:
                return

    def _translated(self, doing: str, operation: Any, **parameters: Any) -> Any:
        try:
            return self._caller.call(doing, operation, **parameters)
        except Refusal as refusal:
            raise self.error(doing, refusal) from None

    def error(self, doing: str, refusal: Refusal) -> HierarchyError:
        """What to tell the user of a refusal that nothing here can do anything about."""
        why, remedy = str(refusal), "see what the message says, then deploy again"
        if refusal.code == INVALID_REQUEST:
            remedy = "check that the structure has a level below the parent group's"
        elif is_denied(refusal):
            # the message repeats long ARNs, and only this word of it helps
            action = _ACTION.search(refusal.message)
            denied = action[0] if action else refusal.message
            why = f"{denied} is denied on {self.instance_arn}"
            remedy = "check the function's role, and service control policies"
        elif refusal.code == NOT_FOUND:
            remedy = f"check that {self.instance_arn} and the parent group still exist"
        return HierarchyError(doing, why, remedy)


def _condition(group_id: str, match: str) -> dict[str, str]:
    return {"Value": group_id, "HierarchyGroupMatchType": match}


def _group(answer: Mapping[str, Any]) -> Group:
    path = answer.get("HierarchyPath") or {}
    return Group(
        arn=answer["Arn"],
        id=answer["Id"],
        name=answer["Name"],
        level_id=answer["LevelId"],
        path=tuple(
            (path[key]["Id"], path[key].get("Name", "")) for key in _LEVEL_KEYS if path.get(key)
        ),
        tags=answer.get("Tags") or {},
        modified_at=_seconds(answer.get("LastModifiedTime")),
    )


def _seconds(moment: Any) -> float:
    return moment.timestamp() if moment is not None else 0.0
