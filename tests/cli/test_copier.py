"""A copy makes each group once, whatever happens to the calls."""

from __future__ import annotations

import pytest

from connect_hierarchy_cli.copying.copier import Copier
from connect_hierarchy_cli.copying.plan import CopyPlan, Instance, NewGroup, plan_copy
from connect_hierarchy_cli.pacing import PacedCalls
from connect_hierarchy_cli.placement.mover import Outcome
from connect_hierarchy_cli.placement.present import AgentSurvey, present_groups
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.ports.calls import Refusal
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.connect import ConnectSettings
from local_aws.connect.settings import DuplicateScope
from local_aws.faults import FaultKind
from tests.support.instances import write_levels
from tests.support.stacks import Site

_CREATE = "CreateUserHierarchyGroup"


class Pair:
    """Two instances: one with levels, groups and agents, and an empty one."""

    def __init__(self, settings: ConnectSettings | None = None) -> None:
        self.site = Site(seed=1, connect_settings=settings)
        self.site.write_levels("Division", "Region")
        backend, source = self.site.connect.backend, self.site.instance_id
        support = backend.create_user_hierarchy_group(source, "Support", tags={"a": "1"})
        emea = backend.create_user_hierarchy_group(source, "EMEA", support.id)
        backend.create_user_hierarchy_group(source, "Sales")
        backend.create_user(source, "ada", hierarchy_group_id=emea.id)
        backend.create_user(self.site.other_arn, "ada")
        self.connect = Connect(
            self.site.client("connect"), PacedCalls(self.site.function_clock, Rate())
        )
        self.groups: list[NewGroup] = []
        self.outcomes: list[Outcome] = []

    def instance(self, arn: str) -> Instance:
        """One of the two as a command reads it."""
        lanes = Lanes(self.site.function_clock, Rate())
        survey = AgentSurvey.of(self.connect, arn)
        doubtful = survey.doubtful(self.site.clock.now())
        agents = survey.settled(self.connect, doubtful, lanes, lambda *_: None)
        levels = self.connect.levels(arn)
        return Instance(arn, levels, present_groups(self.connect, arn), agents)

    def plan(self) -> tuple[Instance, CopyPlan]:
        """What a copy would do."""
        target = self.instance(self.site.other_arn)
        return target, plan_copy(self.instance(self.site.instance_arn), target, group_quota=500)

    def copy(self) -> None:
        """Copy everything."""
        target, plan = self.plan()
        self.carry_out(target, plan)

    def carry_out(self, target: Instance, plan: CopyPlan) -> None:
        """Do what a plan says."""
        clock = self.site.function_clock
        lanes = Lanes(clock, Rate())
        copier = Copier(self.connect, target, clock=clock, lanes=lanes, jitter=lambda: 0.5)
        copier.make_levels(plan)
        copier.make_groups(plan.groups, self.groups.append)
        copier.place_agents(plan.agents, self.outcomes.append)

    def check(self) -> None:
        """Both instances have the same levels, groups, tags and agents."""
        backend = self.site.connect.backend
        one, other = map(backend.hierarchy, (self.site.instance_arn, self.site.other_arn))
        assert other.level_names == one.level_names
        assert {path: group.tags for path, group in other.by_path.items()} == {
            path: group.tags for path, group in one.by_path.items()
        }
        for path in one.by_path:
            assert other.usernames(*path) == one.usernames(*path)

    def outcomes_of(self, api: str) -> list[str]:
        """How the calls of an API ended."""
        return [call.outcome for call in self.site.connect.calls if call.api == api]


def test_a_copy_is_the_same() -> None:
    """Levels, groups, tags and agents are as in the source, with one call for each."""
    pair = Pair()
    pair.copy()
    pair.check()
    assert pair.outcomes_of("UpdateUserHierarchyStructure") == ["ok"]
    assert pair.outcomes_of(_CREATE) == ["ok"] * 3
    assert pair.outcomes_of("UpdateUserHierarchy") == ["ok"]
    assert pair.groups[0].path == ("Sales",)
    assert pair.plan()[1].is_empty


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.ERROR_AFTER])
def test_a_group_whose_answer_is_lost_is_made_once(kind: FaultKind) -> None:
    """After a lost answer a second Create meets the group of the first, which is taken."""
    pair = Pair()
    pair.site.connect.plan_fault(_CREATE, nth=2, kind=kind)
    pair.copy()
    pair.check()
    assert pair.outcomes_of(_CREATE).count("ok") == 2
    assert pair.outcomes_of(_CREATE).count("DuplicateResourceException") == 1


def test_reads_and_searches_that_lag_do_not_make_groups_twice() -> None:
    """Going on where nothing shows the groups yet meets them by their names."""
    pair = Pair(ConnectSettings(search_lag=60, read_lag=20))
    pair.site.clock.sleep(100)
    before = pair.plan()
    pair.carry_out(*before)
    pair.carry_out(*before)
    pair.check()
    assert pair.outcomes_of(_CREATE).count("ok") == 3


def test_what_searches_do_not_show_yet_is_in_the_next_plan() -> None:
    """A plan right after a copy knows what the copy made, though no search shows it."""
    pair = Pair()
    pair.site.clock.sleep(1000)
    pair.site.connect.settings.search_lag = 600
    pair.copy()
    assert pair.plan()[1].is_empty


def test_a_name_that_is_taken_elsewhere_is_named() -> None:
    """Where a name may occur once in an instance, the group that has it is named."""
    pair = Pair(ConnectSettings(duplicate_scope=DuplicateScope.INSTANCE))
    write_levels(pair.site.connect.backend, pair.site.other_arn, "Division", "Region")
    pair.site.connect.backend.create_user_hierarchy_group(pair.site.other_arn, "EMEA")
    with pytest.raises(HierarchyError, match="'Support / EMEA': the target has a group of that"):
        pair.copy()
    assert len(pair.groups) == 2


def test_levels_that_changed_since_the_plan_are_not_replaced() -> None:
    """A write would take away for good what somebody added meanwhile, so none is made."""
    pair = Pair()
    target, plan = pair.plan()
    write_levels(pair.site.connect.backend, pair.site.other_arn, "Mine")
    with pytest.raises(HierarchyError, match="the target has the levels 'Mine' by now"):
        pair.carry_out(target, plan)
    assert pair.outcomes_of("UpdateUserHierarchyStructure") == []


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.CUT_BEFORE])
def test_levels_are_written_once(kind: FaultKind) -> None:
    """After a lost answer the levels are read, and written only if they are not there."""
    pair = Pair()
    pair.site.connect.plan_fault("UpdateUserHierarchyStructure", kind=kind)
    pair.copy()
    pair.check()
    number = 1 if kind is FaultKind.CUT_AFTER else 2
    assert len(pair.outcomes_of("UpdateUserHierarchyStructure")) == number


def test_a_full_quota_ends_it() -> None:
    """A quota that is smaller than the plan was told ends the copy with its name."""
    pair = Pair()
    target, plan = pair.plan()
    pair.site.connect.settings.group_quota = 2
    with pytest.raises(HierarchyError, match="L-D68AAAE4"):
        pair.carry_out(target, plan)
    assert len(pair.groups) == 2


def test_a_missing_permission_ends_it_at_once() -> None:
    """No call is made after one that is denied."""
    pair = Pair()
    pair.site.connect.plan_fault(_CREATE, nth=2, kind=FaultKind.ACCESS_DENIED)
    with pytest.raises(Refusal, match="AccessDenied"):
        pair.copy()
    assert len(pair.outcomes_of(_CREATE)) == 2
