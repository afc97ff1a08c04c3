"""Groups are deleted by their policy for agents, the lowest first, and strangers' groups stay."""

from __future__ import annotations

from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Phase
from connect_hierarchy_lambda.ports.pace import Rate
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope
from local_aws.in_process import FunctionFaults, FunctionSettings
from tests.support.deployments import (
    by_hand,
    delete_by_hand,
    fail,
    group_arn,
    of_world,
    owner,
    tags_of,
    unpaced,
    up,
    user_tags,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node

ABANDONED = pytest.mark.parametrize(
    ("kind", "is_seen"),
    [
        pytest.param(Kind.SINGLE, True, id="single"),
        pytest.param(Kind.SINGLE, False, id="single, no search shows the agent"),
        pytest.param(Kind.TREE, False, id="tree, no search shows the agent"),
    ],
)
"""Groups that a clean-up leaves, since an agent is in them.

A tree refuses to remove such a group, unless no search shows the agent yet.
"""


def test_destroying_a_stack_leaves_nothing_of_ours(site: Site, organisation: Organisation) -> None:
    """Children go before their parents, and agents' groups by their policy."""
    stack = organisation.up(node("A", node("B", "C")))
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == {}


# agents -----------------------------------------------------------------------------------------


def test_a_group_with_agents_is_not_deleted_by_default(
    site: Site, organisation: Organisation
) -> None:
    """The error gives their number and names, and the stack can be deleted once they are gone."""
    stack = organisation.up("A")
    site.hire("ada", "A")
    assert site.down(stack).status == "DELETE_FAILED"
    assert any("1 agent(s) are in it: 'ada'" in reason for reason in site.reasons(stack))
    assert site.agents == {"A": ("ada",)}


@pytest.mark.parametrize(
    ("policy", "where"), [("MOVE_TO_PARENT", {"A": ("ada",)}), ("UNASSIGN", {})]
)
def test_agents_on_delete(
    site: Site, organisation: Organisation, policy: str, where: dict[str, Any]
) -> None:
    """The two other policies put the agents where they say."""
    organisation.up(node("A", node("B", AgentsOnDelete=policy)))
    site.hire("ada", "A", "B")
    organisation.up("A")
    assert set(site.ids) == {"A"}
    assert site.agents == where


@pytest.mark.parametrize(
    ("policies", "agents"),
    [
        (("UNASSIGN", "MOVE_TO_PARENT"), {}),
        (("MOVE_TO_PARENT", "MOVE_TO_PARENT"), {"A": ("ada",)}),
        (("MOVE_TO_PARENT", "UNASSIGN"), {}),
    ],
)
def test_agents_climb_through_groups_that_go_too(
    kind: Kind, policies: tuple[str, str], agents: dict[str, tuple[str, ...]]
) -> None:
    """Agents go where their group says, and from there where that one says if it goes as well."""
    site = unpaced()
    organisation = Organisation(site, kind)
    upper, lower = policies
    below = node("B", node("C", AgentsOnDelete=lower), AgentsOnDelete=upper)
    organisation.up(node("A", below))
    site.hire("ada", "A", "B", "C")
    organisation.up("A")
    assert site.agents == agents
    assert "A/B" not in site.ids


def test_agents_do_not_climb_to_where_they_would_be_stuck(
    site: Site, organisation: Organisation
) -> None:
    """If the whole stack is deleted, the groups above are checked before any agent is moved."""
    _delete_with_a_stuck_agent(site, organisation)
    assert site.agents == {"A/B/C": ("ada",)}


def test_what_keeps_agents_from_climbing_is_told(site: Site, organisation: Organisation) -> None:
    """The error names the policy of the group above, since the group's own is not the cause."""
    stack = _delete_with_a_stuck_agent(site, organisation)
    assert any("'A' above goes too and lets no agents go" in r for r in site.reasons(stack))


def _delete_with_a_stuck_agent(site: Site, organisation: Organisation) -> Stack:
    moving = {"AgentsOnDelete": "MOVE_TO_PARENT"}
    stack = organisation.up(node("A", node("B", node("C", **moving), **moving)))
    site.hire("ada", "A", "B", "C")
    assert site.down(stack).status == "DELETE_FAILED"
    return stack


def test_agents_climb_out_of_a_stack_that_goes(site: Site, organisation: Organisation) -> None:
    """If the group at the top unassigns its agents, those from below are unassigned, too."""
    below = node("B", AgentsOnDelete="MOVE_TO_PARENT")
    stack = organisation.up(node("A", below, AgentsOnDelete="UNASSIGN"))
    site.hire("ada", "A", "B")
    assert site.down(stack).status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


# strangers and what is gone ---------------------------------------------------------------------


def test_a_group_with_a_strangers_child_names_it(site: Site, organisation: Organisation) -> None:
    """A child that somebody made by hand blocks the deletion by name."""
    stack = organisation.up("A")
    by_hand(site, "Theirs", "A")
    assert site.down(stack).status == "DELETE_FAILED"
    assert any("it has child groups: 'Theirs'" in reason for reason in site.reasons(stack))


def test_deleting_what_is_gone_succeeds(site: Site, organisation: Organisation) -> None:
    """A group that somebody deleted by hand does not stop the deletion of the stack."""
    stack = organisation.up("A")
    delete_by_hand(site, "A")
    assert site.down(stack).status == "DELETE_COMPLETE"


def test_a_strangers_group_is_never_deleted(site: Site, organisation: Organisation) -> None:
    """A group whose tags name another owner stays, and the Delete succeeds."""
    stack = organisation.up("A")
    site.connect.backend.tag_resource(
        group_arn(site, "A"), {"connect-hierarchy:stack": "other/uuid"}
    )
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert set(site.ids) == {"A"}


# reads that lag ---------------------------------------------------------------------------------


def test_what_lists_do_not_show_yet_is_deleted(kind: Kind) -> None:
    """Reads begin to lag right after the groups were made: nothing of them is left."""
    site = unpaced()
    stack = Organisation(site, kind).up(node("A", "B"), "C")
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, 5.0
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == {}


def test_what_lists_do_not_show_yet_is_given_up(kind: Kind) -> None:
    """The same where an update wants none of the groups any more."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.up(node("A", "B"), "C")
    site.connect.settings.search_lag, site.connect.settings.read_lag = 100.0, 5.0
    organisation.up(node("D", Key="Another"))
    assert set(site.ids) == {"D"}


# left in a clean-up -----------------------------------------------------------------------------


def hire_to_keep(site: Site, *path: str, is_seen: bool) -> None:
    """Hire ada into a group that is about to be removed, which holds it in the clean-up."""
    if not is_seen:
        site.clock.sleep(1000)
        site.connect.settings.search_lag = 900.0
    site.hire("ada", *path)


def let_searches_catch_up(site: Site) -> None:
    """If searches lag, wait until they show everything."""
    if site.connect.settings.search_lag:
        site.clock.sleep(1000)
        site.connect.settings.search_lag = 0.0


@pytest.mark.parametrize("timeout", [60.0, 900.0])
@pytest.mark.parametrize("per_second", [0.2, 0.5, 2.0])
def test_what_keeps_a_group_is_told_whatever_time_a_run_has(
    kind: Kind, timeout: float, per_second: float
) -> None:
    """Two minutes of doubt go on in further runs, and do not begin again in each."""
    site = Site(function_settings=FunctionSettings(timeout=timeout), rate=Rate(per_second, burst=1))
    organisation = Organisation(site, kind)
    organisation.up("A")
    by_hand(site, "Somebody's", "A")
    site.clock.sleep(1000)
    began, calls = site.clock.now(), len(site.calls())
    organisation.up()
    assert site.ids.keys() == {"A", "A/Somebody's"}
    # CloudFormation tries three times
    assert site.clock.now() - began < 3 * 150
    assert len(site.calls()) - calls < 3 * 150


@ABANDONED
def test_an_abandoned_group_is_found_again(site: Site, kind: Kind, *, is_seen: bool) -> None:
    """A clean-up that was refused leaves the group with its tags; adding it again finds it."""
    organisation = Organisation(site, kind)
    organisation.up("A")
    hire_to_keep(site, "A", is_seen=is_seen)
    ids = site.ids
    organisation.up()
    let_searches_catch_up(site)
    assert site.ids == ids
    organisation.up("A")
    assert site.ids == ids


@ABANDONED
def test_an_abandoned_group_is_found_again_under_another_name(
    site: Site, kind: Kind, *, is_seen: bool
) -> None:
    """Its key comes back at its place: the group is renamed, and its name is free."""
    organisation = Organisation(site, kind)
    organisation.up(node("A", "B"))
    hire_to_keep(site, "A", "B", is_seen=is_seen)
    abandoned = site.ids["A/B"]
    organisation.up("A")
    let_searches_catch_up(site)
    organisation.up(node("A", node("Z", Key="A/B")))
    assert site.ids.keys() == {"A", "A/Z"}
    assert site.ids["A/Z"] == abandoned
    organisation.up(node("A", node("Z", Key="A/B"), node("B", Key="C")))
    assert set(site.ids) == {"A", "A/B", "A/Z"}
    assert site.agents == {"A/Z": ("ada",)}


@ABANDONED
def test_an_abandoned_group_that_comes_back_is_nobody_elses(
    site: Site, kind: Kind, *, is_seen: bool
) -> None:
    """A new construct that wants its former name does not get the group, even if it is first."""
    organisation, other = Organisation(site, kind), Organisation(site, Kind.SINGLE, "Other")
    organisation.up("A", "S")
    hire_to_keep(site, "A", is_seen=is_seen)
    abandoned = site.ids["A"]
    organisation.up("S")
    let_searches_catch_up(site)
    resources = organisation.resources(node("C", Key="A"), "S")
    resources[organisation.logical_id("A")]["DependsOn"] = other.logical_id("A")
    up(site, {**resources, **other.of("A")})
    assert site.ids.keys() == {"A", "C", "S"}
    assert site.ids["C"] == abandoned
    assert site.agents == {"C": ("ada",)}


@ABANDONED
@pytest.mark.parametrize("read_lag", [0.0, 20.0])
def test_an_abandoned_group_that_was_taken_is_left_again(
    site: Site, kind: Kind, read_lag: float, *, is_seen: bool
) -> None:
    """The update that took it is rolled back: it is as it was, and nobody's but the stack's."""
    organisation = Organisation(site, kind)
    organisation.up(node("A", node("B", Tags={"k": "1"})))
    hire_to_keep(site, "A", "B", is_seen=is_seen)
    organisation.up("A")
    ids, tags = site.ids, user_tags(site, "A/B")
    let_searches_catch_up(site)
    site.clock.sleep(100)
    site.connect.settings.read_lag = read_lag
    organisation.fail(node("A", node("B", Key="C", Tags={"k": "2", "l": "x"})))
    assert site.ids == ids
    assert user_tags(site, "A/B") == tags == {"k": "1"}
    assert owner(site, "A/B") == organisation.logical_id("A/B")


@ABANDONED
def test_an_abandoned_group_gives_its_name_up_elsewhere_too(kind: Kind, *, is_seen: bool) -> None:
    """Its key comes back below another parent, and a rollback gives the name back."""
    site = of_world(DuplicateScope.INSTANCE, ReversedUpdateId.NEW)
    organisation = Organisation(site, kind)
    organisation.up("A", "B")
    hire_to_keep(site, "B", is_seen=is_seen)
    organisation.up("A")
    let_searches_catch_up(site)
    ids = site.ids
    assert set(ids) == {"A", "B"}
    organisation.fail(node("A", node("B", Key="B")))
    assert site.ids == ids


@pytest.mark.parametrize("seed", range(4))
def test_a_group_that_was_left_is_renamed_to_what_its_key_is_called_now(
    kind: Kind, seed: int
) -> None:
    """A clean-up was refused; the key comes back with another name, goes again and comes back."""
    settings = ConnectSettings(default_rate=None, search_lag=200.0)
    site = Site(seed=seed, connect_settings=settings)
    organisation = Organisation(site, kind)
    organisation.up(node("A", node("X", Key="k")))
    site.clock.sleep(2000)
    # no search shows her yet
    site.hire("ada", "A", "X")
    ids = site.ids
    organisation.up("A")
    site.clock.sleep(2000)
    organisation.up(node("A", node("Y", Key="k")))
    site.clock.sleep(2000)
    site.connect.settings.search_lag = 0.0
    before = site.ids, site.agents
    assert before == ({"A": ids["A"], "A/Y": ids["A/X"]}, {"A/Y": ("ada",)})
    organisation.fail("A")
    assert (site.ids, site.agents) == before


# retained and created again ---------------------------------------------------------------------


@pytest.mark.parametrize("read_lag", [0.0, 20.0])
@pytest.mark.parametrize(
    "groups",
    [
        (node("A", node("B", Tags={"k": "2", "l": "x"})), "N"),
        (node("A", "N"),),
        (node("Z", "B", Key="A"),),
        (node("A", node("B", Key="other")),),
        (node("A", "B"), "Taken"),
    ],
    ids=["the same", "another below", "renamed", "another key", "a name is taken"],
)
def test_what_was_left_behind_is_left_again(kind: Kind, groups: Any, read_lag: float) -> None:
    """It is created again, and that is rolled back: all of it stays, and is found again later."""
    site = unpaced()
    organisation = Organisation(site, kind)
    resources = organisation.left_behind(node("A", node("B", "C", Tags={"k": "1"})))
    taken = by_hand(site, "Taken")
    site.hire("ada", "A", "B")
    site.clock.sleep(2000)
    ids, agents = site.ids, site.agents
    tags = {path: tags_of(site, path) for path in ids}
    site.connect.settings.read_lag = read_lag
    organisation.fail(*groups, AgentsOnDelete="UNASSIGN")
    assert (site.ids, site.agents) == (ids, agents)
    assert {path: tags_of(site, path) for path in ids} == tags
    stack = up(site, resources)
    assert (site.ids, site.agents) == (ids, agents)
    users = site.connect.backend.list_users(site.instance_id)
    ada = next(user.id for user in users if user.name == "ada")
    site.connect.backend.update_user_hierarchy(site.instance_id, ada, None)
    assert site.down(stack).status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {"Taken": taken}


def test_what_was_found_stays_when_a_failed_creation_is_tried_again(kind: Kind) -> None:
    """Without a rollback the Delete of what failed comes with the next deployment."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.left_behind("A", "B")
    site.hire("ada", "B")
    by_hand(site, "Taken")
    ids, agents = site.ids, site.agents
    failed = site.up(organisation.resources("A", "Taken"), disable_rollback=True)
    assert failed.status == "UPDATE_FAILED"
    stack = site.up(organisation.resources("A"), disable_rollback=True)
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert (site.ids, site.agents) == (ids, agents)


@pytest.mark.parametrize("delay", [0.0, 10.0, 25.0])
def test_two_runs_find_what_was_left_behind(kind: Kind, delay: float) -> None:
    """An event is delivered twice: nothing is marked as left in the end."""
    site = Site()
    resources = Organisation(site, kind).left_behind(*(f"G{number:02}" for number in range(20)))
    ids = site.ids
    site.function_faults = FunctionFaults(copies={1: delay})
    up(site, resources)
    site.settle()
    assert site.ids == ids
    assert {site.record(path).phase for path in ids} == {Phase.LIVE}


@pytest.mark.parametrize("delay", [2.0, 5.0, 12.0])
def test_a_late_copy_of_a_delete_harms_no_creation(kind: Kind, delay: float) -> None:
    """A failed creation is tried again: Delete, Create, and meanwhile the Delete once more."""
    site = unpaced(latency=0.3)
    organisation = Organisation(site, kind)
    organisation.left_behind("A", "B")
    by_hand(site, "Taken")
    ids = site.ids
    failed = site.up(organisation.resources("A", "Taken"), disable_rollback=True)
    assert failed.status == "UPDATE_FAILED"
    site.clock.sleep(2000)
    site.function_faults = FunctionFaults(copies={1: delay})
    new = [f"N{number}" for number in range(30)]
    stack = site.up(organisation.resources("A", *new), disable_rollback=True)
    site.settle()
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert site.ids.keys() == {*ids, *new}
    assert site.record("A").phase == Phase.LIVE


def test_what_is_marked_as_left_is_not_marked_again(kind: Kind) -> None:
    """A group that an earlier creation set apart costs one read only."""
    site = unpaced()
    organisation = Organisation(site, kind)
    organisation.left_behind(*(f"G{number:02}" for number in range(20)))
    organisation.fail("New")
    site.clock.sleep(2000)
    before = len(site.calls("TagResource"))
    organisation.up("New")
    assert len(site.calls("TagResource")) == before


@pytest.mark.parametrize("other", Kind)
def test_what_another_took_of_what_was_left_behind_is_left_again(kind: Kind, other: Kind) -> None:
    """Both are made in one update, which is rolled back."""
    site = unpaced()
    organisation, new = Organisation(site, kind), Organisation(site, other, "Other")
    organisation.left_behind("A", "B")
    ids = site.ids
    taken = new.of("B")
    for resource in taken.values():
        resource["DependsOn"] = [organisation.logical_id("A")]
    fail(site, {**organisation.resources("A"), **taken})
    assert site.ids == ids
    assert owner(site, "B") == organisation.logical_id("B")
