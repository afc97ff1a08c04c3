"""The time that the calls of a deployment take, and what each is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from connect_hierarchy_cli.plan.deployment import Played
from connect_hierarchy_cli.plan.planned_connect import PlannedCall, PlannedConnect
from connect_hierarchy_cli.plan.result import CallPlan, joined
from connect_hierarchy_lambda.core.names import TEMPORARY_NAME
from connect_hierarchy_lambda.entry.continuation import WINDOW
from connect_hierarchy_lambda.ports.pace import Pace, Rate


class Duration:
    """How long a deployment works at the account's rate.

    The calls come in their order, and each waits for its token, as in the engine, whose buckets all
    runs of a stack share. The time of the network and of CloudFormation is not included.
    """

    def __init__(
        self, calls: Sequence[PlannedCall], waits: Mapping[str, float], rate: Rate
    ) -> None:
        pace = Pace(rate)
        now = 0.0
        self.by_request: dict[str, float] = {}
        for request, made in groupby(calls, key=lambda call: call.request):
            began = now
            for call in made:
                now += pace.take(call.operation, now)
            now += waits.get(request, 0.0)
            self.by_request[request] = self.by_request.get(request, 0.0) + now - began
        self.seconds = now

    def too_long(self, played: Played) -> str:
        """The resource that takes longer than CloudFormation waits; empty for none."""
        for served in played.requests:
            if self.by_request.get(served.id, 0.0) > WINDOW:
                return served.logical_id
        return ""


def calls_by_api(calls: Sequence[PlannedCall]) -> dict[str, int]:
    """The number of requests for each API; APIs that write come first."""
    counted = Counter(call.api for call in calls)
    reads = {call.api: call.is_read for call in calls}
    return dict(sorted(counted.items(), key=lambda one: (reads[one[0]], one[0])))


class Calls:
    """The calls that write, in words."""

    def __init__(self, connect: PlannedConnect, played: Played) -> None:
        self._connect = connect
        self._served = {served.id: served for served in played.requests}
        self._names: dict[str, str] = {}
        self._above: dict[str, str | None] = {}
        for instance in connect.instances.values():
            # new groups are added with their calls
            for group in instance.groups_before.values() if instance.has_read_groups() else ():
                self._names[group.id], self._above[group.id] = group.name, group.parent_id

    def planned(self) -> tuple[CallPlan, ...]:
        """Each call that writes, in order; names are those at that moment."""
        found = []
        for call in self._connect.calls:
            if call.is_read:
                continue
            served = self._served[call.request]
            what = self._what(call)
            found.append(
                CallPlan(call.api, what, served.logical_id, served.is_clean_up, call.error)
            )
        return tuple(found)

    def _what(self, call: PlannedCall) -> str:
        given = call.parameters
        match call.operation:
            case "create_user_hierarchy_group":
                what = self._created(call)
            case "update_user_hierarchy_group_name":
                what = f"{joined(self._path(given['HierarchyGroupId']))} → {given['Name']}"
                if given["Name"].startswith(TEMPORARY_NAME):
                    what += ", for a moment"
                if not call.error:
                    self._names[given["HierarchyGroupId"]] = given["Name"]
            case "delete_user_hierarchy_group":
                what = joined(self._path(given["HierarchyGroupId"]))
            case "update_user_hierarchy":
                to = given.get("HierarchyGroupId")
                agent = self._agent(given["InstanceId"], given["UserId"])
                what = f"{agent} → {joined(self._path(to)) if to else 'no group'}"
            case "update_user_hierarchy_structure":
                levels = given["HierarchyStructure"].values()
                what = " > ".join(level["Name"] for level in levels) or "no levels"
            case "tag_resource":
                what = self._tagged(given["resourceArn"], [*given["tags"]])
            case _:
                what = self._tagged(given["resourceArn"], given["tagKeys"])
        return what

    def _created(self, call: PlannedCall) -> str:
        name, above = call.parameters["Name"], call.parameters.get("ParentGroupId")
        if not call.error:
            new_id = call.answer["HierarchyGroupId"]
            self._names[new_id], self._above[new_id] = name, above
        return joined([*self._path(above), name])

    def _tagged(self, arn: str, keys: Sequence[str]) -> str:
        return f"{joined(self._path(arn.rsplit('/', 1)[-1]))}: {', '.join(keys)}"

    def _path(self, group_id: str | None) -> list[str]:
        names: list[str] = []
        above = group_id
        while above is not None:
            names.insert(0, self._names.get(above, above))
            above = self._above.get(above)
        return names

    def _agent(self, instance_id: str, agent_id: str) -> str:
        agent = self._connect.instances[instance_id].agents_before.get(agent_id)
        return agent.username if agent else agent_id
