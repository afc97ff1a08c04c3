"""`Custom::ConnectHierarchyStructure`, deployed in virtual time with the real handlers."""

from __future__ import annotations

import pytest

from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import FaultKind
from tests.support.stacks import Site


@pytest.fixture
def site() -> Site:
    """An instance without a structure."""
    return Site()


def test_levels_from_one_to_five_and_back(site: Site) -> None:
    """Terraform's acceptance steps: each count of levels is written, and the four really go."""
    names = ["Group", "Division", "Department", "Team", "Agent"]
    for count in (1, 2, 3, 4, 5, 1):
        stack = site.up({"Structure": site.structure(*names[:count])})
        assert stack.status.endswith("_COMPLETE"), site.reasons(stack)
        assert site.levels == tuple(names[:count])


def test_renamed_levels_keep_their_groups(site: Site) -> None:
    """A level's new name is written with all the others, and groups stay where they are."""
    site.up({"Structure": site.structure("Division", "Team"), "A": site.group("A")})
    ids = site.ids
    site.up({"Structure": site.structure("Business unit", "Team"), "A": site.group("A")})
    assert site.levels == ("Business unit", "Team")
    assert site.ids == ids


def test_an_unchanged_structure_makes_no_call(site: Site) -> None:
    """Properties that are not about the service cause an Update that reads and writes nothing."""
    stack = site.up({"Structure": site.structure("Division")})
    before = len(site.connect.calls)
    stack = site.up({"Structure": site.structure("Division", ServiceTimeout=1800)})
    assert stack.status == "UPDATE_COMPLETE"
    assert len(site.connect.calls) == before


def test_existing_levels_are_not_overwritten(site: Site) -> None:
    """Levels made by hand are listed in the error, and stay in the rollback too."""
    site.write_levels("Land", "City")
    stack = site.up({"Structure": site.structure("Division")})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("has levels already: 'Land', 'City'" in reason for reason in site.reasons(stack))
    assert any("adopt_existing=True" in reason for reason in site.reasons(stack))
    assert site.levels == ("Land", "City")


def test_adopting_appends(site: Site) -> None:
    """What is there is kept, what is missing is added below it."""
    site.write_levels("Land")
    stack = site.up({"Structure": site.structure("Land", "City", AdoptExisting=True)})
    assert stack.status == "CREATE_COMPLETE"
    assert site.levels == ("Land", "City")
    assert stack.resources["Structure"].physical_id.endswith("/user-hierarchy-structure")


def test_adopting_other_names_is_refused(site: Site) -> None:
    """Adoption renames nothing: the error shows both lists."""
    site.write_levels("Land")
    stack = site.up({"Structure": site.structure("City", AdoptExisting=True)})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("'Land'" in reason and "'City'" in reason for reason in site.reasons(stack))
    assert site.levels == ("Land",)


def test_a_failed_create_takes_away_only_what_it_added(site: Site) -> None:
    """The rollback of a creation that adopted leaves the levels that were there before."""
    site.write_levels("Land")
    stack = site.up(
        {
            "Structure": site.structure("Land", "City", AdoptExisting=True),
            "Failing": site.failing("Structure"),
        }
    )
    assert stack.status == "ROLLBACK_COMPLETE"
    assert site.levels == ("Land",)


def test_a_failed_create_clears_its_own_levels(site: Site) -> None:
    """The rollback of a creation on an empty instance leaves it empty."""
    stack = site.up({"Structure": site.structure("Division"), "Failing": site.failing("Structure")})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert site.levels == ()


def test_destroying_the_stack_keeps_the_levels(site: Site) -> None:
    """By default a structure is retained: clearing it would cut reports from their contacts."""
    stack = site.up({"Structure": site.structure("Division")})
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.levels == ("Division",)


def test_removal_policy_destroy_clears_the_levels(site: Site) -> None:
    """Who asks for it gets the instance as it was."""
    stack = site.up({"Structure": site.structure("Division", DeletionPolicy="Delete")})
    assert site.down(stack).status == "DELETE_COMPLETE"
    assert site.levels == ()


def test_destroy_does_not_touch_levels_that_changed_meanwhile(site: Site) -> None:
    """Levels that somebody else wrote are not cleared, and the error shows them."""
    stack = site.up({"Structure": site.structure("Division", DeletionPolicy="Delete")})
    site.write_levels("Land")
    assert site.down(stack).status == "DELETE_FAILED"
    assert any("its levels are now 'Land'" in reason for reason in site.reasons(stack))
    assert site.levels == ("Land",)


def test_a_level_with_groups_is_not_taken_away(site: Site) -> None:
    """The error names the level and its groups, and the stack goes back to what it was."""
    resources = {
        "Structure": site.structure("Division", "Team"),
        "A": site.group("A"),
        "B": site.group("B", "A"),
    }
    site.up(resources)
    stack = site.up({**resources, "Structure": site.structure("Division")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    (reason, *_) = [r for r in site.reasons(stack) if "removing hierarchy level" in r]
    assert "'Team'" in reason
    assert "'B'" in reason
    assert "first deploy without the groups" in reason
    assert site.levels == ("Division", "Team")


@pytest.mark.parametrize("reversed_id", list(ReversedUpdateId))
def test_rollback_with_new_groups_on_new_levels(reversed_id: ReversedUpdateId) -> None:
    """The reversed Update comes before the new groups are deleted: the level stays, all is well."""
    site = Site(engine_settings=EngineSettings(reversed_update_id=reversed_id))
    resources = {"Structure": site.structure("Division"), "A": site.group("A")}
    site.up(resources)
    ids = site.ids
    stack = site.up(
        {
            "Structure": site.structure("Division", "Team"),
            "A": site.group("A"),
            "B": site.group("B", "A"),
            "Failing": site.failing("B"),
        }
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.ids == ids
    assert site.levels == ("Division", "Team")
    # and the next deployments can have the level again, and rename it
    for level in ("Team", "Squad"):
        stack = site.up({**resources, "Structure": site.structure("Division", level)})
        assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
        assert site.levels == ("Division", level)


def test_rollback_of_an_added_level_without_groups(site: Site) -> None:
    """A level that nothing stands on is taken away again."""
    site.up({"Structure": site.structure("Division")})
    stack = site.up(
        {"Structure": site.structure("Division", "Team"), "Failing": site.failing("Structure")}
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert site.levels == ("Division",)


def test_levels_added_by_hand_are_kept(site: Site) -> None:
    """A rename of our levels does not remove one that an operator added below them."""
    site.up({"Structure": site.structure("Division")})
    site.write_levels("Division", "Desk")
    site.up({"Structure": site.structure("Unit")})
    assert site.levels == ("Unit", "Desk")


def test_a_strangers_level_is_not_renamed(site: Site) -> None:
    """A level that somebody added is not taken for ours."""
    site.up({"Structure": site.structure("Division")})
    site.write_levels("Division", "Desk")
    stack = site.up({"Structure": site.structure("Division", "Team")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("also has 'Desk', which is not in levels" in r for r in site.reasons(stack))
    assert site.levels == ("Division", "Desk")


def test_a_rollback_leaves_a_level_that_was_there_before(site: Site) -> None:
    """Somebody has added the very level that a failed update wants: it stays."""
    site.up({"Structure": site.structure("Division")})
    site.write_levels("Division", "Team")
    site.clock.sleep(60)
    wanted = site.structure("Division", "Team", "Desk")
    stack = site.up({"Structure": wanted, "Failing": site.failing("Structure")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert site.levels == ("Division", "Team")


def test_a_cancelled_update_does_not_write_in_the_rollback(site: Site) -> None:
    """A run that waits for stale levels is cancelled meanwhile, and renames no level of others."""
    site.up({"Structure": site.structure("Division")})
    site.write_levels("Division", "Desk")
    wanted = site.structure("Division", "Team")
    stack = site.up({"Structure": wanted, "Failing": site.failing_later(0.5)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert site.levels == ("Division", "Desk")


def test_a_cancelled_update_that_writes_last_takes_it_back(site: Site) -> None:
    """Held up for a moment, it writes right after the reversed Update, and notices."""
    site.up({"Structure": site.structure("Division", "Region")})
    site.connect.plan_fault("UpdateUserHierarchyStructure", kind=FaultKind.THROTTLE)
    wanted = site.structure("Division", "Team", "Desk")
    stack = site.up({"Structure": wanted, "Failing": site.failing_later(0.3)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.clock.sleep(1000)
    assert site.levels == ("Division", "Region")


def test_a_level_renamed_by_hand_is_not_taken_away(site: Site) -> None:
    """Taking away a level is refused where there is another than the one we know."""
    site.up({"Structure": site.structure("Division", "Team")})
    site.write_levels("Division", "Squad")
    stack = site.up({"Structure": site.structure("Division")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("instead of 'Team' the instance has 'Squad'" in r for r in site.reasons(stack))
    # nothing was written, so the rollback has nothing to take back
    assert site.levels == ("Division", "Squad")


def test_a_create_that_runs_twice_is_one_create(site: Site) -> None:
    """The function dies after the levels were written; the second run knows them as its own."""
    site.connect.plan_fault("DescribeUserHierarchyStructure", kind=FaultKind.CUT_BEFORE)
    site.connect.plan_fault("UpdateUserHierarchyStructure", kind=FaultKind.ERROR_AFTER, times=1)
    stack = site.up({"Structure": site.structure("Division")})
    assert stack.status == "CREATE_COMPLETE", site.reasons(stack)
    assert site.levels == ("Division",)


def test_another_instance_is_a_replacement(site: Site) -> None:
    """The levels are written to the new instance; the old one keeps its own."""
    site.up({"Structure": site.structure("Division")})
    old_arn, site.instance_arn = site.instance_arn, site.new_instance()
    stack = site.up({"Structure": site.structure("Division")})
    assert stack.status == "UPDATE_COMPLETE"
    assert site.levels == ("Division",)
    assert stack.resources["Structure"].physical_id.startswith(site.instance_arn)
    site.instance_arn = old_arn
    assert site.levels == ("Division",)


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize(
    "by_hand",
    [
        pytest.param(("Division", "Team"), id="as they were"),
        pytest.param(("Area", "Team"), id="renamed"),
        pytest.param(("Division", "Team", "Desk"), id="added"),
        pytest.param(("Area", "Team", "Desk"), id="renamed and added"),
        pytest.param(("Division",), id="removed"),
    ],
)
def test_a_replacement_that_is_rolled_back_finds_the_levels_as_they_were(
    by_hand: tuple[str, ...], reversed_id: ReversedUpdateId
) -> None:
    """The update did not write to the old instance, so its rollback does not either."""
    site = Site(engine_settings=EngineSettings(reversed_update_id=reversed_id))
    site.up({"Structure": site.structure("Division", "Team")})
    site.write_levels(*by_hand)
    site.clock.sleep(1000)
    old_arn, site.instance_arn = site.instance_arn, site.new_instance()
    changed = {"Structure": site.structure("Division", "Team")}
    stack = site.up({**changed, "Failing": site.failing("Structure")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    site.instance_arn = old_arn
    assert site.levels == by_hand
    stack = site.up({"Structure": site.structure("Division", "Team", "Squad")})
    if "Desk" in by_hand:
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert any("the instance also has 'Desk'" in reason for reason in site.reasons(stack))
    else:
        assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
        assert site.levels == ("Division", "Team", "Squad")


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("sends_reversed", [True, False], ids=["reversed Update", "Delete alone"])
def test_levels_that_a_structure_left_survive_a_return_that_is_rolled_back(
    reversed_id: ReversedUpdateId, *, sends_reversed: bool
) -> None:
    """The clean-up of the rollback deletes the structure there, and its levels are of before."""
    settings = EngineSettings(
        reversed_update_id=reversed_id, replaced_get_reversed_update=sends_reversed
    )
    site = Site(engine_settings=settings)
    former, other = site.instance_arn, site.other_arn
    site.up({"Structure": site.structure("Division", "Team")})
    site.instance_arn = other
    site.up({"Structure": site.structure("Division", "Team")})
    site.clock.sleep(1000)
    site.instance_arn = former
    changed = {"Structure": site.structure("Division", "Team")}
    stack = site.up({**changed, "Failing": site.failing("Structure")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
    assert site.levels == ("Division", "Team")
    site.instance_arn = other
    assert site.levels == ("Division", "Team")


def test_impossible_levels_of_a_template_written_by_hand(site: Site) -> None:
    """What synth would refuse, the handler refuses with the same words."""
    stack = site.up({"Structure": site.structure("a", "b", "c", "d", "e", "f")})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("has 6 levels, at most 5 are allowed" in reason for reason in site.reasons(stack))
