"""What people made is adopted where the option is on, and released as it was found."""

from __future__ import annotations

from typing import Any

import pytest

from connect_hierarchy_lambda.model.ledger import Origin
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import DuplicateScope, FaultKind
from tests.support.deployments import (
    LEVELS,
    by_hand,
    delete_by_hand,
    failing,
    owner,
    tags_of,
    unpaced,
    user_tags,
    worlds,
)
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node


def on_levels_by_hand(kind: Kind) -> tuple[Site, Organisation]:
    """A site with levels, without a limit to requests, and a stack that adopts them."""
    site = unpaced()
    site.write_levels(*LEVELS)
    return site, Organisation(site, kind, adopt_levels=True)


def test_adopting_keeps_the_id_and_release_the_group(
    site: Site, organisation: Organisation
) -> None:
    """An adopted group gets owner tags, and stays without them when it leaves the stack."""
    organisation.up()
    made = by_hand(site, "A", tags={"x": "y"})
    stack = organisation.up("A", AdoptExisting=True, references=["A"])
    assert organisation.answered(stack, "A") == made
    assert owner(site, "A") == organisation.logical_id("A")
    organisation.up()
    assert site.ids == {"A": made}
    assert tags_of(site, "A") == {"x": "y"}


def test_adoption_can_be_made_ownership(site: Site, organisation: Organisation) -> None:
    """With the option off in a later deployment, the group is the stack's, and goes with it."""
    organisation.up()
    by_hand(site, "A")
    organisation.up("A", AdoptExisting=True)
    organisation.up("A")
    organisation.up()
    assert site.ids == {}


def test_adopted_groups_can_become_ours(kind: Kind) -> None:
    """With the option gone they are deleted; a rollback of that releases them."""
    site, organisation = on_levels_by_hand(kind)
    by_hand(site, "A")
    organisation.up("A", AdoptExisting=True)
    organisation.fail("A")
    assert site.record("A").origin == Origin.ADOPTED
    stack = organisation.up("A")
    site.down(stack)
    assert site.ids == {}


@worlds([DuplicateScope.SIBLINGS], default_rate=None)
def test_what_was_made_the_stacks_own_stays_so_in_a_later_rollback(
    site: Site, organisation: Organisation
) -> None:
    """An adopted group, for which the option was set to False: it is deleted when it leaves."""
    organisation.up()
    by_hand(site, "A")
    organisation.up("A", AdoptExisting=True)
    organisation.up("A")
    site.clock.sleep(1000)
    organisation.fail("A", Tags={"k": "1"})
    assert site.record("A").origin == Origin.MADE
    organisation.fail("A", AdoptExisting=True)
    organisation.up()
    assert site.ids == {}


def test_adopted_groups_are_released(kind: Kind) -> None:
    """Adopted groups stay with their ids and made ones go, with the code and with the stack."""
    site, organisation = on_levels_by_hand(kind)
    mine = {"A": by_hand(site, "A"), "A/B": by_hand(site, "B", "A")}
    stack = organisation.up(node("A", "B", "C"), "D", AdoptExisting=True)
    assert {path: site.ids[path] for path in mine} == mine
    organisation.up(node("A", "C"), "D", AdoptExisting=True)
    assert site.ids["A/B"] == mine["A/B"]
    assert tags_of(site, "A/B") == {}
    site.down(stack)
    assert site.ids == mine
    assert tags_of(site, "A") == {}


def test_agents_may_stay_in_adopted_groups(kind: Kind) -> None:
    """They are released with agents in them: when they leave the code, and when all of it goes."""
    site, organisation = on_levels_by_hand(kind)
    for name in "AB":
        by_hand(site, name)
        site.hire(f"of {name}", name)
    organisation.up("A", "B", "C", AdoptExisting=True)
    stack = organisation.up("B", "C", AdoptExisting=True)
    assert owner(site, "A") is None
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.agents == {"A": ("of A",), "B": ("of B",)}


# failures ---------------------------------------------------------------------------------------


def test_a_failed_adoption_leaves_no_trace(kind: Kind) -> None:
    """In an update, and in the creation of the stack."""
    site, organisation = on_levels_by_hand(kind)
    mine = {"A": by_hand(site, "A", tags={"k": "v"})}
    resources = organisation.resources("A", "B", AdoptExisting=True)
    stack = site.up(failing(site, resources))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert site.ids == mine
    assert tags_of(site, "A") == {"k": "v"}
    site.down(stack)
    organisation.up("B", AdoptExisting=True)
    organisation.fail("A", "B", AdoptExisting=True)
    assert site.ids["A"] == mine["A"]
    assert tags_of(site, "A") == {"k": "v"}


@pytest.mark.parametrize("adopted", [True, False])
def test_a_failed_take_over_gives_the_tags_back(site: Site, kind: Kind, *, adopted: bool) -> None:
    """Keys that were added go, values that were overwritten come back, and so does the owner."""
    before = {"k": "1", "their": "own"}
    old, new = Organisation(site, kind, "Old"), Organisation(site, kind, "New")
    if adopted:
        old.up()
        by_hand(site, "A", tags=before)
    else:
        old.up("A", Tags=before)
    tags = tags_of(site, "A")

    def take(tags: dict[str, str]) -> dict[str, Any]:
        return {"AdoptExisting": adopted, "Tags": tags}

    new.fail("A", **take({"k": "2", "l": "3"}))
    assert tags_of(site, "A") == tags
    # if it succeeds, nothing of it stays beyond the next update
    new.up("A", **take({"k": "2", "l": "3"}))
    new.up("A", **take({"k": "3"}))
    after = tags_of(site, "A")
    assert after["k"] == "3"
    assert not {key for key in after if "added" in key or "was-" in key}


@pytest.mark.parametrize("throttled", [3, 6, 12])
def test_an_adopted_group_stays_adopted_when_an_update_is_cancelled(
    site: Site, organisation: Organisation, throttled: int
) -> None:
    """Undoing an adoption that ended too late removes owner tags and keeps users' tags."""
    organisation.up()
    by_hand(site, "A")
    ids = site.ids
    organisation.up("A", AdoptExisting=True)
    site.connect.plan_fault("DescribeUserHierarchyGroup", kind=FaultKind.THROTTLE, times=throttled)
    stack = organisation.cancel(1, "A", AdoptExisting=True, Tags={"k": "1"})
    site.clock.sleep(1000)
    assert user_tags(site, "A") == {}
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.ids == ids


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.8, 1.1, 1.4])
def test_an_adoption_that_is_cancelled_gives_the_tags_back(kind: Kind, seconds: float) -> None:
    """Another resource fails meanwhile: what is written in the rollback is undone as well."""
    site = unpaced(latency=0.3)
    organisation = Organisation(site, kind)
    organisation.up()
    by_hand(site, "A", tags={"k": "own"})
    organisation.cancel(seconds, "A", AdoptExisting=True, Tags={"k": "1", "l": "x"})
    site.settle()
    assert tags_of(site, "A") == {"k": "own"}


# whose it is ------------------------------------------------------------------------------------


def test_a_group_of_another_stack_is_refused(site: Site, organisation: Organisation) -> None:
    """The error names the owner with its stack, also with adoption on."""
    first = site.up(organisation.resources("A"), name="first")
    assert first.status == "CREATE_COMPLETE", site.reasons(first)
    other = organisation.of("A", InstanceArn=site.instance_arn, AdoptExisting=True)
    stack = site.up(other, name="second")
    assert stack.status == "ROLLBACK_COMPLETE"
    owned = f"belongs to {organisation.logical_id('A')} of stack first"
    assert any(owned in reason for reason in site.reasons(stack))
    assert set(site.ids) == {"A"}


def test_a_group_of_another_stack_is_never_touched(kind: Kind) -> None:
    """Whether it is in the way of a creation, a rename or a move."""
    site = unpaced()
    organisation = Organisation(site, kind)
    site.up({**Organisation(site, Kind.SINGLE).resources("G")})
    theirs = site.ids["G"]

    def other(*groups: Any) -> Stack:
        options = {"InstanceArn": site.instance_arn, "AdoptExisting": True}
        return site.up(organisation.of(*groups, **options), name="other")

    refused_stack = other("G")
    assert refused_stack.status == "ROLLBACK_COMPLETE"
    site.down(refused_stack)
    assert other("A").status == "CREATE_COMPLETE"
    renamed = other(node("G", Key="A"))
    assert renamed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "the name is taken in the instance by group" in site.reasons(renamed)[-1]
    assert site.ids["G"] == theirs
    assert owner(site, "G") == "G"
    assert set(site.ids) == {"G", "A"}


def test_a_group_of_native_cloudformation_is_refused(
    site: Site, organisation: Organisation
) -> None:
    """Its own stack would delete it one day, so the error says what to do there first."""
    organisation.up()
    by_hand(site, "A", tags={"aws:cloudformation:stack-name": "legacy"})
    stack = organisation.refused("A", AdoptExisting=True)
    assert any("stack legacy" in r and "DeletionPolicy Retain" in r for r in site.reasons(stack))


def test_a_group_without_its_tags_is_not_adopted_from_its_resource(
    site: Site, organisation: Organisation
) -> None:
    """A group whose tags and name somebody changed is known by the ledger."""
    organisation.up("A")
    ids = site.ids
    backend = site.connect.backend
    backend.update_user_hierarchy_group_name(site.instance_id, ids["A"], "B")
    group = backend.describe_user_hierarchy_group(site.instance_id, ids["A"])
    backend.untag_resource(group.arn, list(group.tags))
    organisation.up("A", node("B", AdoptExisting=True))
    assert set(site.ids) == {"A", "B"}
    assert site.ids["A"] == ids["A"]


@pytest.mark.parametrize("adopts_before", [True, False])
@pytest.mark.parametrize("sends_reversed", [True, False], ids=["reversed Update", "Delete alone"])
def test_an_adoption_in_place_of_a_deleted_group_is_taken_back(
    kind: Kind, *, sends_reversed: bool, adopts_before: bool
) -> None:
    """A group of the stack is deleted by hand, another one stands there, an update adopts it."""
    site = Site(engine_settings=EngineSettings(replaced_get_reversed_update=sends_reversed))
    organisation = Organisation(site, kind)
    organisation.up(node("A", Tags={"k": "1"}, AdoptExisting=adopts_before))
    delete_by_hand(site, "A")
    by_hand(site, "A", tags={"k": "theirs"})
    ids = site.ids
    site.clock.sleep(1000)
    organisation.fail(node("A", Tags={"k": "2"}, AdoptExisting=True))
    assert site.ids == ids
    assert tags_of(site, "A") == {"k": "theirs"}
    organisation.up()
    assert site.ids == ids
