"""References to groups whose ids end, which the deployment does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connect_hierarchy_cli.plan.planned_connect import PlannedConnect, PlannedInstance
from connect_hierarchy_cli.plan.result import GroupPlan, Kind, Path, Pointer
from connect_hierarchy_lambda.model.ownership import Owner
from connect_hierarchy_lambda.ports.calls import PassingError, Refusal

_PROFILES_A_PAGE = 1000
_USERS_A_PAGE = 100

FindPointers = Callable[[Mapping[str, GroupPlan], PlannedConnect], "Pointers"]
"""Finds references, from the groups whose ids end, and the planned Amazon Connect."""


@dataclass(frozen=True)
class Pointers:
    """The references that were found, and what could not be read."""

    found: tuple[Pointer, ...] = ()
    not_read: tuple[str, ...] = ()


class LivePointers:
    """Looks for references in Amazon Connect.

    Args:
        client: A boto3 client.
        paced: Makes a call of it, at the pace that the service allows.
    """

    def __init__(self, client: Any, paced: Callable[..., Any]) -> None:
        self._client = client
        self._call = paced

    def __call__(self, gone: Mapping[str, GroupPlan], connect: PlannedConnect) -> Pointers:
        """Find references to these groups.

        Security profiles are described one by one, since no list shows their groups. Who is on a
        contact is asked for each group that has agents, since the service takes one at a time.
        """
        found: list[Pointer] = []
        not_read: list[str] = []
        for instance in connect.instances.values():
            known = instance.groups_before if instance.has_read_groups() else {}
            here = {i: group for i, group in gone.items() if i in known}
            if not here:
                continue
            found += _of_other_stacks(here, instance)
            for what, look in (
                (Kind.ON_CONTACT, self._on_contact),
                (Kind.SECURITY_PROFILE, self._profiles),
            ):
                try:
                    found += look(here, instance)
                except (Refusal, PassingError) as error:
                    not_read.append(f"{what}: {error}")
        return Pointers(tuple(found), tuple(not_read))

    def _on_contact(
        self, gone: Mapping[str, GroupPlan], instance: PlannedInstance
    ) -> Iterator[Pointer]:
        instance_id = instance.arn.rsplit("/", 1)[-1]
        names = {agent.id: agent.username for agent in instance.agents_before.values()}
        with_agents = {agent.group_id for agent in instance.agents_before.values()}
        for group_id, group in gone.items():
            if group_id not in with_agents:
                continue
            for page in self._pages(
                self._client.get_current_user_data,
                InstanceId=instance_id,
                Filters={"UserHierarchyGroups": [group_id]},
                MaxResults=_USERS_A_PAGE,
            ):
                for user in page.get("UserDataList", ()):
                    if user.get("Contacts"):
                        user_id = user.get("User", {}).get("Id", "")
                        name = names.get(user_id, user_id)
                        yield Pointer(Kind.ON_CONTACT, name, _before(group), group_id)

    def _profiles(
        self, gone: Mapping[str, GroupPlan], instance: PlannedInstance
    ) -> Iterator[Pointer]:
        instance_id = instance.arn.rsplit("/", 1)[-1]
        for page in self._pages(
            self._client.list_security_profiles, InstanceId=instance_id, MaxResults=_PROFILES_A_PAGE
        ):
            for summary in page["SecurityProfileSummaryList"]:
                profile = self._call(
                    self._client.describe_security_profile,
                    InstanceId=instance_id,
                    SecurityProfileId=summary["Id"],
                )["SecurityProfile"]
                group_id = profile.get("AllowedAccessControlHierarchyGroupId", "")
                if group_id in gone:
                    name = profile.get("SecurityProfileName", summary["Id"])
                    yield Pointer(Kind.SECURITY_PROFILE, name, _before(gone[group_id]), group_id)

    def _pages(self, operation: Any, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        further: dict[str, Any] = {}
        while True:
            page = self._call(operation, **parameters, **further)
            yield page
            if not page.get("NextToken"):
                return
            further = {"NextToken": page["NextToken"]}


def _of_other_stacks(gone: Mapping[str, GroupPlan], instance: PlannedInstance) -> Iterator[Pointer]:
    """Groups directly below that other stacks own."""
    own = {
        owner.stack
        for group_id in gone
        if (owner := Owner.of(instance.groups_before[group_id].tags)) is not None
    }
    for group in instance.groups_before.values():
        owner = Owner.of(group.tags)
        above = gone.get(group.parent_id or "")
        if above is not None and owner is not None and owner.stack not in own:
            name = f"{group.name} of {owner.stack_name}/{owner.resource}"
            yield Pointer(Kind.OTHER_STACK, name, _before(above), above.old_id or above.id)


def _before(group: GroupPlan) -> Path:
    """The path of a group before the deployment."""
    return group.was if group.old_id else group.path
