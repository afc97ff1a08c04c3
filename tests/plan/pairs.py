"""Pairs of a wish and a world, drawn at random: each is planned, then deployed, then compared."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from connect_hierarchy_cli.drifting import seen_by
from connect_hierarchy_cli.plan.by_hand import subject
from connect_hierarchy_cli.plan.planned_connect import READS, PlannedConnect, PlannedInstance
from connect_hierarchy_cli.plan.planning import make_plan
from connect_hierarchy_cli.plan.result import Change, Fate, GroupPlan, Plan
from connect_hierarchy_cli.plan.source import LiveSource
from connect_hierarchy_lambda.model.ownership import Owner, owner_tags, stack_name_and_uuid
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope
from local_aws.connect.exceptions import ConnectError
from local_aws.connect.rows import LEVEL_KEYS, PlacedGroup
from tests.lifecycle.drawing import NAMES
from tests.lifecycle.edits import Edits
from tests.lifecycle.plans import StackPlan
from tests.plan.writes import Write, Writes, differences, not_begun
from tests.support.calls_in_words import ids_of_creations
from tests.support.planning import planned_target
from tests.support.stacks import Site

PAIRS_A_WORLD = 5
_READ_APIS = {"".join(part.capitalize() for part in name.split("_")) for name in READS}
_ROLLBACK = "ROLLBACK_IN_PROGRESS"


@dataclass
class Tally:
    """What was compared."""

    pairs: int = 0
    refused: int = 0
    unchanged: int = 0
    writes: int = 0
    clean_ups_that_fail: int = 0
    by_hand: int = 0

    def __str__(self) -> str:
        return (
            f"{self.pairs} pairs ({self.refused} refused, {self.unchanged} without a change), "
            f"{self.writes} writes, {self.by_hand} changes by hand"
        )


class World:
    """An account with two instances and one stack, with what people do to it by hand.

    Args:
        seed: The same one draws the same.
        tally: Counts what is compared.
    """

    def __init__(self, seed: int, tally: Tally) -> None:
        self._random = random.Random(seed)
        self._tally = tally
        self._scope = self._random.choice(list(DuplicateScope))
        self.site = Site(
            seed=seed,
            connect_settings=ConnectSettings(default_rate=None, duplicate_scope=self._scope),
            # so that what was made before a rollback can be told from what it takes back
            engine_settings=EngineSettings(rollback_delay=2.5),
        )
        self._edits = Edits(
            self._random.choice,
            [self.site.instance_arn, self.site.other_arn],
            one_name_an_instance=self._scope is DuplicateScope.INSTANCE,
            with_trees=self._random.random() < 0.6,
        )
        self._stack: Stack | None = None
        self._wish: StackPlan | None = None
        self._hired = 0

    def play(self) -> list[str]:
        """Draw some pairs, each on what the one before has left; what differs, in words."""
        found: list[str] = []
        try:
            for _ in range(PAIRS_A_WORLD):
                found += self._play_one()
        finally:
            self.site.clock.close()
        return found

    def _play_one(self) -> list[str]:
        wish = self._edits.first()
        if self._wish is not None:
            wish = self._edits.some(self._edits.some(self._wish))
        self._work_by_hand()
        self.site.clock.sleep(1000)
        resources = wish.resources(self.site)
        plan, connect = self._planned(resources)
        before = self._groups()
        began = len(self._stack.events) if self._stack else 0
        with self._made() as made:
            stack = self.site.up(resources)
        self._stack = stack
        events = stack.events[began:]
        self._tally.pairs += 1
        writes = [
            Write(call.api, call.parameters, call.answer.get("HierarchyGroupId", ""))
            for call in connect.calls
            if call.changes
        ]
        planned, done = Writes.of(writes), Writes.of(made())
        rollback = next((e for e in events if e.status.endswith(_ROLLBACK)), None)
        if rollback is not None or plan.refusal:
            self._tally.refused += 1
            reasons = [e.reason for e in events if e.status.endswith("_FAILED")]
            done = Writes.of(made(before=rollback.timestamp if rollback else None))
            found = not_begun(planned, done)
            if rollback is None or not any(plan.refusal in reason for reason in reasons):
                found.append(f"planned to fail by {plan.refusal!r}, failed by {reasons}")
        else:
            self._tally.writes += len(writes)
            self._tally.unchanged += not plan.changes_anything
            found = differences(planned, done)
            found += [text for text in plan.warnings if "its plan may be wrong" in text]
            found += self._clean_up_differs(plan, events)
            found += self._state_differs(connect, planned, done)
            found += [text for one in plan.groups if (text := self._is_wrong(one, before))]
            found += self._fates_differ(plan, resources)
        self._go_on(stack, wish)
        return [f"{self._tally.pairs}: {text}" for text in found]

    def _go_on(self, stack: Stack, wish: StackPlan) -> None:
        if stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            self._wish = wish
        elif stack.status != "UPDATE_ROLLBACK_COMPLETE":
            self.site.down(stack)
            self._stack, self._wish = None, None

    def _planned(self, resources: Mapping[str, Any]) -> tuple[Plan, PlannedConnect]:
        connect = PlannedConnect(
            LiveSource(Connect(self.site.client("connect"))),
            one_name_an_instance=self._scope is DuplicateScope.INSTANCE,
        )
        template = {"Resources": dict(resources)}
        target, ledger = planned_target(self.site, template, self._stack)
        now = self.site.clock.now()
        calls = len(self.site.connect.calls)
        plan = make_plan(target, ledger, connect, rate=Rate(), now=now)
        assert all(call.api in _READ_APIS for call in self.site.connect.calls[calls:])
        return plan, connect

    # what really happens -------------------------------------------------------------------------

    @contextmanager
    def _made(self) -> Iterator[Callable[..., list[Write]]]:
        """The writes that are made meanwhile; those before a time, if one is given."""
        connect = self.site.connect
        first = len(connect.calls)

        with ids_of_creations(connect) as ids:

            def made(before: float | None = None) -> list[Write]:
                left = iter(ids)
                return [
                    Write(
                        call.api,
                        call.parameters,
                        next(left) if call.api == "CreateUserHierarchyGroup" else "",
                    )
                    for call in connect.calls[first:]
                    if call.api not in _READ_APIS and call.outcome == "ok"
                    if before is None or call.time <= before
                ]

            yield made

    def _groups(self) -> dict[str, PlacedGroup]:
        found: dict[str, PlacedGroup] = {}
        for arn in (self.site.instance_arn, self.site.other_arn):
            found |= self.site.connect.backend.hierarchy(arn.rsplit("/", 1)[-1]).groups
        return found

    def _clean_up_differs(self, plan: Plan, events: list[Any]) -> list[str]:
        planned = {one.why_failed for one in plan.resources if one.is_clean_up and one.why_failed}
        reasons = {e.reason for e in events if e.status == "DELETE_FAILED"}
        self._tally.clean_ups_that_fail += len(planned)
        same = all(any(why in reason for reason in reasons) for why in planned)
        if same and len(planned) == len({r.split(" (RequestId", 1)[0] for r in reasons}):
            return []
        return [f"clean-up planned to fail by {planned}, failed by {reasons}"]

    def _state_differs(self, connect: PlannedConnect, planned: Writes, made: Writes) -> list[str]:
        """Whether the plan's instances are what is there now."""
        found = []
        for instance in connect.instances.values():
            if not instance.has_read_groups():
                continue
            for there, here in zip(
                self._as_planned(instance, planned), self._as_made(instance.arn, made), strict=True
            ):
                # a group whose agents were not read cannot move them
                if there is not None and there != here:
                    found.append(f"planned {there}, is {here}")
        return found

    def _as_planned(self, instance: PlannedInstance, writes: Writes) -> Any:
        groups = {
            writes.named(g.id): (writes.named(g.parent_id), g.name, _without_stack(g.tags))
            for g in instance.groups.values()
        }
        agents = None
        if instance.has_read_agents():
            agents = {a.username: writes.named(a.group_id) for a in instance.agents.values()}
        return groups, agents, tuple(instance.levels)

    def _as_made(self, arn: str, writes: Writes) -> Any:
        hierarchy = self.site.connect.backend.hierarchy(arn.rsplit("/", 1)[-1])
        groups = {
            writes.named(g.group.id): (
                writes.named(g.group.parent_id),
                g.group.name,
                _without_stack(g.group.tags),
            )
            for g in hierarchy.groups.values()
        }
        agents = {
            user.username: writes.named(group_id)
            for group_id, users in hierarchy.agents.items()
            for user in users
        }
        return groups, agents, tuple(hierarchy.level_names)

    def _is_wrong(self, one: GroupPlan, before: Mapping[str, PlacedGroup]) -> str:
        """The wrong part of the plan about a group; empty if there is none."""
        there = self._groups()
        here = [
            group
            for group in there.values()
            if tuple(above.name for above in (*group.ancestors, group.group)) == one.path
        ]
        owned = [g for g in here if self._owner(g) == one.resource]
        right = True
        for change in one.changes:
            match change:
                case Change.ADDED:
                    right = any(g.group.id not in before for g in owned)
                case Change.MOVED:
                    right = any(g.group.id not in before for g in owned) and one.old_id in before
                case Change.REMOVED | Change.REPLACED:
                    right = one.id in before and one.id not in there
                case Change.RENAMED if not one.old_id:
                    right = before[one.id].group.name == one.was[-1] and one.id in there
                case Change.ADOPTED:
                    right = self._owner(before[one.id]) != one.resource and bool(owned)
                case Change.RELEASED:
                    right = one.id in there and self._owner(there[one.id]) is None
                case Change.LEFT | Change.FOUND | Change.PASSED:
                    right = one.id in before and one.id in there
                case _:
                    pass
            if not right:
                return f"{one.path} is not {change}: {one}"
        return ""

    def _owner(self, group: PlacedGroup) -> str | None:
        owner = Owner.of(group.shown_tags)
        assert self._stack is not None
        is_own = owner is not None and owner.stack == stack_name_and_uuid(self._stack.stack_id)
        return owner.resource if owner is not None and is_own else None

    def _fates_differ(self, plan: Plan, resources: Mapping[str, Any]) -> list[str]:
        """What the plan says of changes by hand, and is not so."""
        assert self._stack is not None
        stack_id = self._stack.stack_id
        owner, connect = stack_name_and_uuid(stack_id), Connect(self.site.client("connect"))
        seen = seen_by(self.site.ledger_of(stack_id), owner, resources, connect)
        left = {subject(one) for one in seen.differences}
        self._tally.by_hand += len(plan.by_hand)
        return [
            f"{one} {'is' if subject(one.difference) in left else 'is not'} there afterwards"
            for one in plan.by_hand
            if (one.fate is Fate.STAYS) != (subject(one.difference) in left)
        ]

    # people --------------------------------------------------------------------------------------

    def _work_by_hand(self) -> None:
        """Agents join, and now and then somebody changes groups or levels."""
        draw, site = self._random, self.site
        ids = sorted(site.ids.values())
        for _ in range(draw.randint(0, 2)):
            self._hired += 1
            group_id = draw.choice([None, *ids])
            name = f"agent-{self._hired}"
            site.connect.backend.create_user(site.instance_id, name, hierarchy_group_id=group_id)
        for _ in range(draw.choice([0, 0, 0, 1, 2])):
            ids = sorted(site.ids.values())
            try:
                self._act(draw.choice(["make", "delete", "rename", "tag", "free", "levels"]), ids)
            except ConnectError:
                continue  # it is not possible

    def _act(self, what: str, ids: list[str]) -> None:
        draw, site, backend = self._random, self.site, self.site.connect.backend
        if what == "make":
            backend.create_user_hierarchy_group(
                site.instance_id, draw.choice(NAMES), draw.choice([None, *ids])
            )
        elif what == "levels":
            names = (*site.levels, "by hand")[: len(LEVEL_KEYS)]
            site.write_levels(*names)
        elif ids:
            group_id = draw.choice(ids)
            arn = f"{site.instance_arn}/agent-group/{group_id}"
            match what:
                case "delete":
                    backend.delete_user_hierarchy_group(site.instance_id, group_id)
                case "rename":
                    name = draw.choice([*NAMES, "by hand"])
                    backend.update_user_hierarchy_group_name(site.instance_id, group_id, name)
                case "tag":
                    backend.tag_resource(arn, {"k": "9"})
                case "free":
                    backend.untag_resource(arn, [*owner_tags("", "", "x")])


def _without_stack(tags: Mapping[str, str]) -> Mapping[str, str]:
    return {k: v.split("/", 1)[0] for k, v in tags.items()}
