"""The everyday histories with each switch of the local AWS in its unusual position.

A switch stands for what AWS does not document, so the handlers must come to the same end in both of
its positions. What they can not meet is tested all the same, so that it stays so:

- ARNs as values of searches: they send ids.
- equal names of levels: the check of names refuses them, at synth and in Lambda. Only a level that
  an operator added may have the name of one of ours.
- the largest event: no group's or structure's is near 256 KB.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from connect_hierarchy_lambda.model.tags import MAX_USER_TAGS
from local_aws.cloudformation.custom_resources import MAX_EVENT_BYTES, ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings, DuplicateScope
from tests.support.deployments import LEVELS, failing
from tests.support.scenarios import Resources
from tests.support.stacks import Site

SWITCHES: dict[str, dict[str, Any]] = {
    "a name once in an instance": {"duplicate_scope": DuplicateScope.INSTANCE},
    "searches take ARNs as values": {"search_accepts_arns": True},
    "searches take no ARN of an instance": {"search_accepts_instance_arn": False},
    "gaps between levels": {"level_gaps_allowed": True},
    "no equal names of levels": {"equal_level_names_allowed": False},
    "few characters in names": {"name_pattern": r"[A-Za-z0-9 -]+"},
    "few characters in values of tags": {"tag_value_pattern": r"[\w\s.:/=+@-]*"},
    "security profiles hold groups": {"security_profile_blocks_group_deletion": True},
    "tags of AWS are hidden": {"aws_tags_returned": False},
    "what is in use is named by its ARN": {"in_use_names_arn": True},
    "no hidden root": {"search_shows_root": False},
    "pages of one": {"page_limit": 1},
    "the original id in a reversed Update": {"reversed_update_id": ReversedUpdateId.ORIGINAL},
    "larger events": {"max_event_bytes": 1024 * 1024},
}
SWITCHES |= {
    "a replacement is taken back by a Delete alone": {"replaced_get_reversed_update": False},
    "a rollback counts as an update": {"rollback_sets_updated_time": True},
    "records show no progress": {"records_show_progress": False},
    "records show what is cleaned up": {"records_show_what_is_cleaned_up": True},
    "no date in a ResponseURL": {"response_url_has_date": False},
}
SWITCHES["all of CloudFormation"] = {
    name: value
    for one in SWITCHES.values()
    for name, value in one.items()
    if hasattr(EngineSettings(), name)
}
SWITCHES["all of them"] = {name: value for one in SWITCHES.values() for name, value in one.items()}

History = Callable[[Site], list[Any]]


def _site(switch: str = "") -> Site:
    connect, engine = ConnectSettings(default_rate=None), EngineSettings()
    for name, value in SWITCHES.get(switch, {}).items():
        settings = connect if hasattr(connect, name) else engine
        assert getattr(settings, name) != value, "the position is the usual one"
        setattr(settings, name, value)
    return Site(connect_settings=connect, engine_settings=engine)


def _tree(site: Site, **changed: Any) -> Resources:
    """A and B with T and U below A, and ada in T; what is changed to None is left out."""
    resources = {
        "Structure": site.structure(*LEVELS),
        "A": site.group("A"),
        "B": site.group("B"),
        "T": site.group("T", "A", Tags={"cost-center": "42"}),
        "U": site.group("U", "T"),
        **changed,
    }
    return {name: resource for name, resource in resources.items() if resource is not None}


def _up(site: Site, resources: Resources, *, fails: bool = False) -> str:
    if fails:
        resources = failing(site, resources)
    stack = site.up(resources)
    expected = "UPDATE_ROLLBACK_COMPLETE" if fails else "_COMPLETE"
    assert stack.status.endswith(expected), site.reasons(stack)
    return stack.status


def _start(site: Site) -> None:
    _up(site, _tree(site))
    site.hire("ada", "A", "T")
    site.hire("bob", "A", "T", "U")


def _picture(site: Site, before: dict[str, str]) -> Any:
    """Levels, groups with where they were before, agents, and the users' tags."""
    was = {group_id: path for path, group_id in before.items()}
    groups = site.connect.backend.hierarchy(site.instance_id).groups.values()
    tags = {
        group.name: {k: v for k, v in group.tags.items() if not k.startswith("connect-hierarchy:")}
        for group in groups
    }
    places = {path: was.get(group_id, "new") for path, group_id in site.ids.items()}
    return site.levels, places, site.agents, tags


def _forward_and_back(**changed: Callable[[Site], Any]) -> History:
    """A deployment of these changes that fails, and then one that does not."""

    def play(site: Site) -> list[Any]:
        _start(site)
        before = site.ids
        told: list[Any] = []
        for fails in (True, False):
            resources = _tree(site, **{name: make(site) for name, make in changed.items()})
            told += [_up(site, resources, fails=fails), _picture(site, before)]
        return told

    return play


def _create(site: Site) -> list[Any]:
    resources = _tree(site)
    return [_up(site, resources), _picture(site, {})]


def _delete(site: Site) -> list[Any]:
    """Agents hold a group by default; by the other policies they go before it does."""
    _start(site)
    before = site.ids
    told: list[Any] = []
    for changed in (
        {"U": None},  # abandoned in the clean-up, with bob in it
        {"U": site.group("U", "T", AgentsOnDelete="MOVE_TO_PARENT")},
        {"U": None},
        {"U": None, "T": site.group("T", "A", AgentsOnDelete="UNASSIGN")},
        {"U": None, "T": None},
    ):
        told += [_up(site, _tree(site, **changed)), _picture(site, before)]
    stack = site.down(site.cloudformation.get("site"))
    return [*told, stack.status, _picture(site, before)]


def _adopt(site: Site) -> list[Any]:
    """A structure and a group that were there are taken over, and released again."""
    site.write_levels(*LEVELS[:2])
    backend = site.connect.backend
    made = backend.create_user_hierarchy_group(site.instance_id, "A", tags={"theirs": "x"})
    before = {"A": made.id}
    structure = site.structure(*LEVELS, AdoptExisting=True)
    taken = {"Structure": structure, "A": site.group("A", AdoptExisting=True)}
    told = [_up(site, {**taken, "T": site.group("T", "A")}), _picture(site, before)]
    told += [_up(site, {"Structure": structure}), _picture(site, before)]
    told += [_up(site, {**taken}), _picture(site, before)]
    return [*told, site.down(site.cloudformation.get("site")).status, _picture(site, before)]


HISTORIES: dict[str, History] = {
    "create": _create,
    "rename": _forward_and_back(A=lambda site: site.group("Z")),
    "swap": _forward_and_back(A=lambda site: site.group("B"), B=lambda site: site.group("A")),
    "take a name": _forward_and_back(
        A=lambda site: site.group("B"), B=lambda _: None, New=lambda site: site.group("A")
    ),
    "move": _forward_and_back(T=lambda site: site.group("T", "B")),
    "move and rename": _forward_and_back(T=lambda site: site.group("T2", "B")),
    "hand over": _forward_and_back(B=lambda _: None, B2=lambda site: site.group("B")),
    "add a level": _forward_and_back(Structure=lambda site: site.structure(*LEVELS, "Desk")),
    "rename levels": _forward_and_back(
        Structure=lambda site: site.structure("Region", "Division", "Squad")
    ),
    "delete": _delete,
    "adopt": _adopt,
}


@cache
def _usual_end(history: str) -> list[Any]:
    return HISTORIES[history](_site())


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("history", HISTORIES)
def test_a_history_ends_the_same_in_both_positions(history: str, switch: str) -> None:
    """Whatever is not documented: states, ids, agents, levels and tags come out alike."""
    assert HISTORIES[history](_site(switch)) == _usual_end(history)


# what the positions do change ---------------------------------------------------------------------


def _reasons_of_a_deletion(site: Site, blocked_by: str) -> tuple[Stack, str]:
    stack = site.up({"Structure": site.structure(*LEVELS), "A": site.group("A")})
    group_id = site.ids["A"]
    if blocked_by == "agent":
        site.hire("ada", "A")
    else:
        site.connect.backend.create_security_profile(
            site.instance_id, "Leads", allowed_access_control_hierarchy_group_id=group_id
        )
    site.down(stack)
    return stack, " ".join(site.reasons(stack))


@pytest.mark.parametrize("holds", [False, True])
def test_a_security_profile_may_hold_its_group(*, holds: bool) -> None:
    """Where it does, the error says so; where it does not, the group goes."""
    site = _site("security profiles hold groups" if holds else "")
    stack, reasons = _reasons_of_a_deletion(site, "profile")
    if holds:
        assert stack.status == "DELETE_FAILED"
        assert "in use by security profile" in reasons
        assert set(site.ids) == {"A"}
    else:
        assert (stack.status, site.ids) == ("DELETE_COMPLETE", {})


@pytest.mark.parametrize("switch", ["", "what is in use is named by its ARN"])
def test_the_agents_in_the_way_are_named(switch: str) -> None:
    """By their user names, however the service names them."""
    stack, reasons = _reasons_of_a_deletion(_site(switch), "agent")
    assert stack.status == "DELETE_FAILED"
    assert "1 agent(s) are in it: 'ada'" in reasons


@pytest.mark.parametrize("hidden", [False, True])
def test_a_group_of_native_cloudformation_is_known_by_its_tags(*, hidden: bool) -> None:
    """Where the tags are hidden nothing tells it from any other group: then it can be adopted."""
    site = _site("tags of AWS are hidden" if hidden else "")
    structure = {"Structure": site.structure(*LEVELS)}
    site.up(structure)
    site.connect.backend.create_user_hierarchy_group(
        site.instance_id, "A", tags={"aws:cloudformation:stack-name": "legacy"}
    )
    before = site.ids
    stack = site.up({**structure, "A": site.group("A", AdoptExisting=True)})
    assert stack.status == ("UPDATE_COMPLETE" if hidden else "UPDATE_ROLLBACK_COMPLETE")
    assert site.ids == before


def test_a_taken_name_elsewhere_is_told() -> None:
    """Where a name is there once in an instance, the error names the group that has it."""
    site = _site("a name once in an instance")
    resources = _tree(site)
    site.up(resources)
    stack = site.up({**resources, "Other": site.group("T", "B")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any(site.ids["A/T"] in reason for reason in site.reasons(stack))


def _write_a_gap(site: Site) -> None:
    site.connect.backend.update_user_hierarchy_structure(
        site.instance_id, {"LevelOne": {"Name": "Division"}, "LevelThree": {"Name": "Team"}}
    )


def _gap_levels(site: Site) -> dict[str, str]:
    levels = site.connect.backend.hierarchy(site.instance_id).levels
    return {level.id: level.name for level in levels}


def test_a_structure_with_a_gap_is_not_adopted_as_if_there_were_none() -> None:
    """Else level three would be taken for level two, and its groups for those of another level."""
    site = _site("gaps between levels")
    _write_a_gap(site)
    for levels in (("Division", "Team"), ("Division", "Team", "Desk")):
        stack = site.up(
            {"Structure": site.structure(*levels, AdoptExisting=True)}, "-".join(levels)
        )
        assert stack.status == "ROLLBACK_COMPLETE"
        assert any("'Division', '', 'Team'" in reason for reason in site.reasons(stack))
        assert _gap_levels(site) == {"1": "Division", "3": "Team"}


def test_a_gap_made_by_an_operator_outlives_an_update_above_it() -> None:
    """A rename of level one leaves level three where it is; a new level two fills the gap."""
    site = _site("gaps between levels")
    site.up({"Structure": site.structure("Division")})
    _write_a_gap(site)
    stack = site.up({"Structure": site.structure("Business")})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert _gap_levels(site) == {"1": "Business", "3": "Team"}
    stack = site.up({"Structure": site.structure("Business", "Region")})
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    assert _gap_levels(site) == {"1": "Business", "2": "Region", "3": "Team"}


@pytest.mark.parametrize("refused", [False, True])
def test_a_level_of_an_operator_may_have_the_name_of_ours(*, refused: bool) -> None:
    """The one case of equal names: where they are refused, all stays as it was."""
    site = _site("no equal names of levels" if refused else "")
    site.up({"Structure": site.structure("Division")})
    site.write_levels("Division", "Team")
    stack = site.up({"Structure": site.structure("Team")})
    if refused:
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", site.reasons(stack)
        assert site.levels == ("Division", "Team")
        assert any("must be unique" in reason for reason in site.reasons(stack))
    else:
        assert (stack.status, site.levels) == ("UPDATE_COMPLETE", ("Team", "Team"))


def test_a_name_of_refused_characters_is_told() -> None:
    """The service's own words reach the user, and nothing is left."""
    site = _site("few characters in names")
    stack = site.up({"Structure": site.structure(*LEVELS), "A": site.group("a&b")})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any("creating hierarchy group 'a&b'" in reason for reason in site.reasons(stack))
    assert site.ids == {}


def test_the_largest_event_of_a_group_is_far_below_the_limit() -> None:
    """All tags that a group may have, as long as they may be, before and after an update."""
    site = _site()

    def largest(character: str) -> Resources:
        tags = {f"{number:02}{character * 126}": character * 256 for number in range(MAX_USER_TAGS)}
        return {
            "Structure": site.structure(*LEVELS),
            "A": site.group(character * 100, Tags=tags),
        }

    site.up(largest("a"))
    stack = site.up(largest("b"))
    assert stack.status == "UPDATE_COMPLETE", site.reasons(stack)
    sizes = [len(json.dumps(dict(run.event)).encode()) for run in site.invocations]
    assert 20_000 < max(sizes) < MAX_EVENT_BYTES / 4
