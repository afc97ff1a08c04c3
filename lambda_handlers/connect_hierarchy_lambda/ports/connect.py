"""Amazon Connect: its calls about hierarchies, with all pages and in the types of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.groups import Agent, Group, ListedAgent
from connect_hierarchy_lambda.ports.calls import NOT_FOUND, Refusal, call

if TYPE_CHECKING:
    from mypy_boto3_connect import ConnectClient

_LEVEL_KEYS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")
_ROOT_LEVEL_ID = "0"
_GROUPS_A_LIST_PAGE = 1000
_GROUPS_A_SEARCH_PAGE = 100
_USERS_A_PAGE = 500
_USERS_A_LIST_PAGE = 1000
_CONDITIONS_A_SEARCH = 20
"""SearchUsers takes at most 20 conditions on hierarchy groups."""

_FEW = 2
"""Up to this number, groups of the same name are described one by one instead of searched for."""


class Connect:
    """The calls to Amazon Connect. They raise Refusal or PassingError, see `calls`.

    `paced` makes a call of the client at the pace that the service allows.
    """

    def __init__(self, client: ConnectClient, paced: Callable[..., Any] = call) -> None:
        self._client = client
        self._call = paced

    # groups and agents -----------------------------------------------------------------------

    def group(self, instance_arn: str, group_id: str) -> Group:
        """A group by its id."""
        answer = self._call(
            self._client.describe_user_hierarchy_group,
            InstanceId=_id(instance_arn),
            HierarchyGroupId=group_id,
        )
        return _read(answer["HierarchyGroup"])

    def holder(self, instance_arn: str, parent_id: str | None, name: str) -> Group | None:
        """The group of a name below a parent, or else anywhere; read without a search's lag."""
        ids = [group_id for group_id, named in self.names(instance_arn).items() if named == name]
        if len(ids) > _FEW:
            # groups in different places can have the same name; the place of a group never changes
            condition = _equals("name", name)
            shown = self._search(instance_arn, SearchCriteria=condition)
            elsewhere = {group.id for group in shown if group.parent_id != parent_id}
            ids = [i for i in ids if i not in elsewhere] or ids[:_FEW]
        found = [group for i in ids if (group := self.group_if_there(instance_arn, i)) is not None]
        found = [group for group in found if group.name == name]
        here = [group for group in found if group.parent_id == parent_id]
        return next(iter(here or found), None)

    def group_if_there(self, instance_arn: str, group_id: str) -> Group | None:
        """A group by its id, None if there is none."""
        try:
            return self.group(instance_arn, group_id)
        except Refusal as refusal:
            if refusal.code != NOT_FOUND:
                raise
            return None

    def children(self, instance_arn: str, group_id: str) -> tuple[Group, ...]:
        """The groups directly below one; the latest changes may be missing."""
        return self._search(instance_arn, SearchCriteria=_equals("parentId", group_id))

    def all_groups(self, instance_arn: str) -> tuple[Group, ...]:
        """Every group; the latest changes may be missing."""
        return self._search(instance_arn)

    def agents(self, instance_arn: str, group_ids: Sequence[str]) -> dict[str, tuple[Agent, ...]]:
        """The agents directly in each group; the latest changes may be missing."""
        found: dict[str, list[Agent]] = {group_id: [] for group_id in group_ids}
        for first in range(0, len(group_ids), _CONDITIONS_A_SEARCH):
            some = group_ids[first : first + _CONDITIONS_A_SEARCH]
            conditions = [
                {"HierarchyGroupCondition": {"Value": i, "HierarchyGroupMatchType": "EXACT"}}
                for i in some
            ]
            criteria: Any = conditions[0] if len(some) == 1 else {"OrConditions": conditions}
            for page in self._pages(
                self._client.search_users,
                InstanceId=_id(instance_arn),
                MaxResults=_USERS_A_PAGE,
                SearchCriteria=criteria,
            ):
                for user in page["Users"]:
                    group_id = user.get("HierarchyGroupId") or some[0]
                    found.setdefault(group_id, []).append(_agent(user, group_id))
        return {group_id: tuple(found[group_id]) for group_id in group_ids}

    def all_agents(self, instance_arn: str) -> Iterator[Agent]:
        """Every agent, page by page, also those in no group; the latest changes may be missing."""
        for page in self._pages(
            self._client.search_users, InstanceId=_id(instance_arn), MaxResults=_USERS_A_PAGE
        ):
            for user in page["Users"]:
                yield _agent(user, user.get("HierarchyGroupId"))

    def listed_agents(self, instance_arn: str) -> Iterator[ListedAgent]:
        """Every agent, page by page, and when it last changed; read without a search's lag."""
        for page in self._pages(
            self._client.list_users, InstanceId=_id(instance_arn), MaxResults=_USERS_A_LIST_PAGE
        ):
            for user in page["UserSummaryList"]:
                changed = user["LastModifiedTime"].timestamp() if "LastModifiedTime" in user else 0
                yield ListedAgent(user["Id"], user.get("Username", user["Id"]), changed)

    def group_of_agent(self, instance_arn: str, agent_id: str) -> str | None:
        """Id of the group that an agent is in, None for none."""
        user = self._call(
            self._client.describe_user, InstanceId=_id(instance_arn), UserId=agent_id
        )["User"]
        group_id: str | None = user.get("HierarchyGroupId")
        return group_id

    def names(self, instance_arn: str) -> dict[str, str]:
        """The name of every group by its id, read without the lag of a search."""
        return {
            summary["Id"]: summary.get("Name", "")
            for page in self._pages(
                self._client.list_user_hierarchy_groups,
                InstanceId=_id(instance_arn),
                MaxResults=_GROUPS_A_LIST_PAGE,
            )
            for summary in page["UserHierarchyGroupSummaryList"]
        }

    def _search(self, instance_arn: str, **criteria: Any) -> tuple[Group, ...]:
        return tuple(
            _read(item)
            for page in self._pages(
                self._client.search_user_hierarchy_groups,
                InstanceId=_id(instance_arn),
                MaxResults=_GROUPS_A_SEARCH_PAGE,
                **criteria,
            )
            for item in page["UserHierarchyGroups"]
            if item.get("LevelId") != _ROOT_LEVEL_ID
        )

    def _pages(self, operation: Any, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        further: dict[str, Any] = {}
        while True:
            page = self._call(operation, **parameters, **further)
            yield page
            token = page.get("NextToken")
            if not token:
                return
            further = {"NextToken": token}

    def create_group(
        self, instance_arn: str, parent_id: str | None, name: str, tags: Mapping[str, str]
    ) -> str:
        """Create a group and return its id. Without a client token, a lost answer stays unknown."""
        further: dict[str, Any] = {} if parent_id is None else {"ParentGroupId": parent_id}
        if tags:
            further["Tags"] = dict(tags)  # the service refuses an empty map
        answer = self._call(
            self._client.create_user_hierarchy_group,
            InstanceId=_id(instance_arn),
            Name=name,
            **further,
        )
        return str(answer["HierarchyGroupId"])

    def rename_group(self, instance_arn: str, group_id: str, name: str) -> None:
        """Rename a group in place."""
        self._call(
            self._client.update_user_hierarchy_group_name,
            InstanceId=_id(instance_arn),
            HierarchyGroupId=group_id,
            Name=name,
        )

    def tag_group(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add or change tags."""
        self._call(self._client.tag_resource, resourceArn=arn, tags=dict(tags))

    def untag_group(self, arn: str, keys: Sequence[str]) -> None:
        """Remove tags."""
        self._call(self._client.untag_resource, resourceArn=arn, tagKeys=list(keys))

    def delete_group(self, instance_arn: str, group_id: str) -> None:
        """Delete a group."""
        self._call(
            self._client.delete_user_hierarchy_group,
            InstanceId=_id(instance_arn),
            HierarchyGroupId=group_id,
        )

    def move_agent(self, instance_arn: str, agent_id: str, group_id: str | None) -> None:
        """Put an agent into a group, or into none."""
        to: dict[str, Any] = {} if group_id is None else {"HierarchyGroupId": group_id}
        self._call(
            self._client.update_user_hierarchy,
            InstanceId=_id(instance_arn),
            UserId=agent_id,
            **to,
        )

    # structure ---------------------------------------------------------------------------------

    def levels(self, instance_arn: str) -> tuple[str, ...]:
        """The level names, level one first; empty for a gap, none if there is no structure."""
        answer = self._call(
            self._client.describe_user_hierarchy_structure, InstanceId=_id(instance_arn)
        )
        structure = answer.get("HierarchyStructure") or {}
        names = [(structure.get(key) or {}).get("Name", "") for key in _LEVEL_KEYS]
        while names and not names[-1]:
            names.pop()
        return tuple(names)

    def put_levels(self, instance_arn: str, names: Sequence[str]) -> None:
        """Replace all levels; an empty name leaves a gap."""
        levels = {
            key: {"Name": name} for key, name in zip(_LEVEL_KEYS, names, strict=False) if name
        }
        self._call(
            self._client.update_user_hierarchy_structure,
            InstanceId=_id(instance_arn),
            HierarchyStructure=levels,
        )

    def groups_at_level(self, instance_arn: str, level: int) -> tuple[Group, ...]:
        """The groups of a level; the latest changes may be missing."""
        return self._search(instance_arn, SearchCriteria=_equals("levelId", str(level)))


def _id(instance_arn: str) -> str:
    return instance_arn.rsplit("/", 1)[-1]


def _equals(field: str, value: str) -> Any:
    return {"StringCondition": {"FieldName": field, "Value": value, "ComparisonType": "EXACT"}}


def _agent(user: Mapping[str, Any], group_id: str | None) -> Agent:
    return Agent(user["Id"], user.get("Username", user["Id"]), group_id)


def _read(answer: Mapping[str, Any]) -> Group:
    path = answer.get("HierarchyPath") or {}
    return Group(
        arn=answer["Arn"],
        id=GroupArn.parse(answer["Arn"]).group_id,
        name=answer["Name"],
        path=tuple(
            (path[key]["Id"], path[key].get("Name", "")) for key in _LEVEL_KEYS if path.get(key)
        ),
        tags=answer.get("Tags") or {},
    )
