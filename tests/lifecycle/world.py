"""One history: a stack, its instances, and everything that happens to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from connect_hierarchy_lambda.model.ownership import stack_name_and_uuid
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope
from local_aws.connect.exceptions import ConnectError
from tests.lifecycle.change import Change
from tests.lifecycle.expectations import Succeeded, TakenBack
from tests.lifecycle.faults import Faults
from tests.lifecycle.plans import FAIL, MOVE_TO_PARENT, StackPlan
from tests.lifecycle.protocol import check_conversations
from tests.lifecycle.snapshots import Seen, Snapshot, record, snapshot
from tests.lifecycle.verdicts import Judge, Verdict
from tests.support.iam import Guard
from tests.support.stacks import Site

COMPLETE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
TAKEN_BACK = {"ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}

ROLLBACK_DELAY = 2.5
"""Seconds from a failure to the first reversed Update.

An event says in whole seconds when it was sent, so one that comes within two of the event that it
takes back can be taken for that.
"""

RAISED = Rate(per_second=20, burst=20)
"""With this the function makes several calls at the same time."""

LATENCY = 0.1
"""Seconds a call, so that these take turns."""


@dataclass
class Tally:
    """Counts of the parts of histories."""

    histories: int = 0
    deployments: int = 0
    with_trees: int = 0
    """Deployments of a stack that had a tree before or got one."""

    succeeded: int = 0
    taken_back: int = 0
    destroyed: int = 0
    faults: int = 0
    calls: int = 0
    open_verdicts: int = 0
    actions: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.histories} histories, {self.deployments} deployments "
            f"({self.with_trees} with trees; {self.succeeded} completed, "
            f"{self.taken_back} rolled back), "
            f"{self.destroyed} stacks deleted, {self.faults} faults, {self.calls} calls to Connect"
        )


class World:
    """A site with two instances and one stack; AssertionError if anything ends wrong."""

    def __init__(
        self,
        scope: DuplicateScope,
        engine: EngineSettings,
        seed: int,
        tally: Tally,
        *,
        has_raised_quota: bool = False,
    ) -> None:
        self.site = Site(
            seed=seed,
            connect_settings=ConnectSettings(
                default_rate=None,
                duplicate_scope=scope,
                latency=LATENCY if has_raised_quota else 0.0,
            ),
            engine_settings=engine,
            rate=RAISED if has_raised_quota else None,
        )
        self.scope = scope
        self.tally = tally
        self.instance_arns = [self.site.instance_arn, self.site.other_arn]
        self.guard = Guard(self.site, *self.instance_arns)
        self.stack: Stack | None = None
        self.plan: StackPlan | None = None
        """What the stack was last deployed as; None before the first and after the last."""

        self.is_stuck = False
        """Whether the stack can only be deleted."""

        self.drifted: dict[str, str] = {}
        """Members that somebody has changed by hand since, and the groups that they had then."""

        self.left_and_changed: frozenset[str] = frozenset()
        """Ids of groups that somebody changed after the stack had left them."""

        self.levels_drifted = False
        self.been_at: set[str] = set()
        tally.histories += 1

    # looking ------------------------------------------------------------------------------------

    def look(self) -> Snapshot:
        """The state of Connect."""
        return snapshot(self.site, self.instance_arns, self.stack)

    @property
    def record(self) -> dict[str, str]:
        """The groups that the stack has, by member."""
        return record(self.site, self.stack, self.plan)

    @property
    def reasons(self) -> list[str]:
        """Why things failed, for a failing history's report."""
        return [] if self.stack is None else self.site.reasons(self.stack)

    # deploying ----------------------------------------------------------------------------------

    def deploy(
        self, plan: StackPlan, faults: Faults, joins: Sequence[tuple[float, str, str]] = ()
    ) -> None:
        """Deploy, and check how it ended; `joins` are seconds, user name and group id each."""
        site = self.site
        change = self._change(plan, faults, joins)
        verdict, why = Judge(change).verdict()
        self.tally.open_verdicts += verdict is Verdict.OPEN
        has_trees = bool(plan.trees or (self.plan is not None and self.plan.trees))
        conversations_before = len(site.custom_resources.conversations)
        calls_before = len(site.connect.calls)
        events_before = len(self.stack.events) if self.stack else 0
        faults.begin(site, len(change.before.groups))
        for seconds, username, group_id in joins:
            join = partial(self._join, change, seconds, username, group_id)
            site.clock.spawn(f"{username} joins", join)
        self.stack = site.up(self._resources(plan, faults))
        status = self.stack.status
        if not change.own_stack:
            change.own_stack = stack_name_and_uuid(self.stack.stack_id)
        site.settle()
        site.clock.sleep(max((seconds + 1 for seconds, _, _ in joins), default=0.0))
        faults.end(site)
        self._count(faults, calls_before, has_trees=has_trees)
        conversations = list(site.custom_resources.conversations.values())[conversations_before:]
        check_conversations(site, conversations, len(faults.copies))
        if status == "UPDATE_ROLLBACK_FAILED":
            assert not faults.are_mild, (status, self.reasons)
            site.cloudformation.continue_update_rollback(self.stack)
            site.cloudformation.wait(self.stack)
            site.settle()
            status = self.stack.status
        change.delete_failed = self._delete_failed(events_before)
        change.after = self.look()
        deployed = plan if status in COMPLETE else self.plan
        change.record_after = record(self.site, self.stack, deployed)
        if faults.are_mild and not faults.fails and verdict is not Verdict.OPEN:
            expected = COMPLETE if verdict is Verdict.SUCCEEDS else TAKEN_BACK
            assert status in expected, (status, verdict, why, self.reasons)
        if status in COMPLETE:
            assert not faults.fails, status
            assert verdict is not Verdict.FAILS, why
            self._keep(plan, change)
        elif status in TAKEN_BACK:
            self.tally.taken_back += 1
            TakenBack(change).check()
            self.is_stuck = self.plan is None
            if self.plan is not None:
                # one that the update had added stays where groups still stood on it
                there = self.look().levels[self.plan.instance_arn]
                self.levels_drifted |= there != self.plan.levels
        else:
            assert status == "ROLLBACK_FAILED", (status, self.reasons)
            assert not faults.are_mild or joins, (status, self.reasons)
            self.is_stuck = True

    def _change(
        self, plan: StackPlan, faults: Faults, joins: Sequence[tuple[float, str, str]]
    ) -> Change:
        return Change(
            before=self.look(),
            record_before=self.record,
            old=self.plan,
            new=plan,
            own_stack=stack_name_and_uuid(self.stack.stack_id) if self.stack else "",
            scope=self.scope,
            drifted=dict(self.drifted),
            left_and_changed=self.left_and_changed,
            levels_drifted=self.levels_drifted,
            been_at=frozenset(self.been_at),
            mild=faults.are_mild,
            joins=frozenset(group_id for _, _, group_id in joins),
        )

    def _resources(self, plan: StackPlan, faults: Faults) -> dict[str, object]:
        self.been_at.add(plan.instance_arn)
        resources: dict[str, object] = dict(plan.resources(self.site))
        if faults.fails == "after":
            resources["Failing"] = self.site.failing(*resources)
        elif faults.fails == "during":
            resources["Failing"] = self.site.failing_later(faults.fails_after)
        return resources

    def _keep(self, plan: StackPlan, change: Change) -> None:
        self.tally.succeeded += 1
        Succeeded(change).check()
        there = self.look().groups

        def is_repaired(member: str) -> bool:
            group, wanted = there.get(change.record_after.get(member, "")), plan.members[member]
            if group is None or group.name != wanted.name or change.is_freed(group):
                return False
            return wanted.tags.items() <= group.tags.items()

        self.drifted = {
            name: group_id
            for name, group_id in self.drifted.items()
            if name in plan.members and not (change.is_touched(name) and is_repaired(name))
        }
        if change.old is None or change.old.levels != plan.levels or change.changes_instance:
            # one more that was added by hand stays
            self.levels_drifted = self.look().levels[plan.instance_arn] != plan.levels
        self.plan = plan

    def _count(self, faults: Faults, calls_before: int, *, has_trees: bool) -> None:
        self.tally.deployments += 1
        self.tally.with_trees += has_trees
        self.tally.faults += faults.count
        self.tally.calls += len(self.site.connect.calls) - calls_before
        assert not self.guard.denied, self.guard.denied
        self.tally.actions |= self.guard.actions

    def _join(self, change: Change, seconds: float, username: str, group_id: str) -> None:
        self.site.clock.sleep(seconds)
        instance_id = self.site.instance_id
        try:
            self.site.connect.backend.create_user(
                instance_id, username, hierarchy_group_id=group_id
            )
        except ConnectError:
            return  # the group is gone already
        change.joined[username] = group_id

    def _delete_failed(self, events_before: int) -> frozenset[str]:
        assert self.stack is not None
        last: dict[str, str] = {}
        for event in self.stack.events[events_before:]:
            if not event.status.startswith("DELETE_"):
                continue
            if "/agent-group/" in event.physical_id:
                last[event.physical_id.rsplit("/", 1)[-1]] = event.status
            elif "/hierarchy-tree/" in event.physical_id:
                last[event.logical_id] = event.status
        return frozenset(i for i, status in last.items() if status == "DELETE_FAILED")

    # deleting -----------------------------------------------------------------------------------

    def destroy(self, faults: Faults) -> None:
        """Delete the stack, and check what is left."""
        site, stack, before, known = self.site, self.stack, self.look(), self.record
        assert stack is not None
        has_trees = self.plan is not None and bool(self.plan.trees)
        conversations_before = len(site.custom_resources.conversations)
        calls_before = len(site.connect.calls)
        faults.begin(site, len(before.groups))
        site.down(stack)
        site.settle()
        faults.end(site)
        self._count(faults, calls_before, has_trees=has_trees)
        conversations = list(site.custom_resources.conversations.values())[conversations_before:]
        check_conversations(site, conversations, len(faults.copies))
        after = self.look()
        if stack.status == "DELETE_FAILED":
            self.is_stuck = True
            if faults.are_mild and self.plan is not None:
                assert self._blocked(before), self.reasons
        else:
            assert stack.status == "DELETE_COMPLETE", stack.status
            self.tally.destroyed += 1
            self._check_destroyed(before, after, known)
            self.stack, self.plan, self.is_stuck = None, None, False
            # the time tells who wrote levels, and reads have to show them
            site.clock.sleep(30.0)
            self.drifted, self.levels_drifted = {}, False
            self.been_at.clear()
        recorded = set(known.values())
        for group_id, group in before.groups.items():
            # a group of a creation without an answer is found by its tags
            is_own = group.ownership is not None or _is_tagged(stack, group)
            if group_id not in recorded and not is_own:
                assert after.groups.get(group_id) == group, f"{group.name!r} is not the stack's"
        assert after.levels == before.levels, "a retained structure was changed"

    def _blocked(self, before: Snapshot) -> bool:
        """Whether a group of the stack cannot be deleted, or not with its content."""
        assert self.plan is not None
        assert self.stack is not None
        names = {group_id: member for member, group_id in self.record.items()}
        # a tree deletes everything that it has in the ledger, including what it left earlier
        ours = {
            group.id
            for group in before.groups.values()
            if group.ownership is not None
            and not group.is_adopted
            and _is_tagged(self.stack, group)
            and (group.id in names or group.ownership.key)
        }
        members = self.plan.members
        for group_id in ours:
            group = before.groups[group_id]
            member = names.get(group.id, "")
            policy = members[member].on_delete if member in members else FAIL
            if group.agents and policy in {FAIL, MOVE_TO_PARENT}:
                return True
            if any(child.id not in ours for child in before.children(group.id)):
                return True
        return False

    def _check_destroyed(self, before: Snapshot, after: Snapshot, known: Mapping[str, str]) -> None:
        for member, group_id in known.items():
            former, group = before.groups.get(group_id), after.groups.get(group_id)
            if former is None:
                assert group is None
            elif not former.is_adopted and not _is_tagged(self.stack, former):
                stays = group is not None and replace(group, ownership=former.ownership) == former
                assert stays, f"{member} had no owner any more and was touched"
            elif former.is_adopted:
                assert group is not None, f"{member} was adopted and is gone"
                is_released = group.ownership is None and group.tagged_owner is None
                assert is_released, f"{member} was adopted and is not released"
                assert group.agents == former.agents
            else:
                assert group is None, f"{member} is left"
        places = after.agents()
        for agent, home in before.agents().items():
            if home in after.groups:
                assert places[agent] == home, f"{agent} was moved"


def _is_tagged(stack: Stack | None, group: Seen) -> bool:
    """Whether the group's tags name this stack."""
    owner = group.tagged_owner
    if stack is None or owner is None:
        return False
    return owner.stack == stack_name_and_uuid(stack.stack_id)
