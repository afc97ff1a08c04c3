"""Everyday deployments of a stack with single groups."""

from __future__ import annotations

from tests.support.deployments import LEVELS
from tests.support.scenarios import Play, Resources, Scenario
from tests.support.stacks import Site


def _start(site: Site) -> Resources:
    return {
        "Structure": site.structure(*LEVELS),
        "A": site.group("A", Tags={"k": "1"}),
        "B": site.group("B"),
        "T": site.group("T", "A"),
    }


def _create(site: Site) -> Resources:
    return {**_start(site), "New": site.group("New", "B")}


def _rename(site: Site) -> Resources:
    return {**_start(site), "A": site.group("Z", Tags={"k": "2", "l": "3"})}


def _swap(site: Site) -> Resources:
    return {**_start(site), "A": site.group("B"), "B": site.group("A")}


def _take_name(site: Site) -> Resources:
    resources = {name: resource for name, resource in _start(site).items() if name != "B"}
    return {**resources, "A": site.group("B", Tags={"k": "1"})}


def _move(site: Site) -> Resources:
    return {**_start(site), "T": site.group("T", "B")}


def _remove(site: Site) -> Resources:
    return _without(_start(site), "B")


def _without(resources: Resources, name: str) -> Resources:
    return {key: resource for key, resource in resources.items() if key != name}


def _add_level(site: Site) -> Resources:
    return {**_start(site), "Structure": site.structure(*LEVELS, "Desk")}


def _start_with_desk(site: Site) -> Resources:
    return {**_start(site), "Structure": site.structure(*LEVELS, "Desk")}


def _hand_over(site: Site) -> Resources:
    resources = dict(_start(site))
    resources["B2"] = resources.pop("B")
    return resources


def _start_with_subtree(site: Site) -> Resources:
    return {**_start(site), "R": site.group("R", "A"), "T": site.group("T", "R")}


def _hire_into_subtree(site: Site) -> None:
    site.hire("ada", "A", "R", "T")
    site.hire("grace", "A", "R")


def _move_subtree(site: Site) -> Resources:
    return {**_start_with_subtree(site), "R": site.group("R", "B")}


def _start_with_policy(policy: str) -> Play:
    return lambda site: {**_start(site), "T": site.group("T", "A", AgentsOnDelete=policy)}


def _adopt(site: Site) -> Resources:
    return {**_start(site), "H": site.group("H", AdoptExisting=True, Tags={"k": "1"})}


def _make_by_hand(site: Site) -> None:
    backend = site.connect.backend
    made = backend.create_user_hierarchy_group(site.instance_id, "H", tags={"their": "own"})
    backend.create_user(site.instance_id, "ada", hierarchy_group_id=made.id)


def _start_with_one_branch(site: Site) -> Resources:
    return _without(_start(site), "B")


def _replace_by_instance(site: Site) -> Resources:
    structure = site.structure(*LEVELS, InstanceArn=site.other_arn)
    return {**_start_with_one_branch(site), "Structure": structure}


def _hire(site: Site) -> None:
    site.hire("ada", "A", "T")


def _hire_nobody(_: Site) -> None:
    pass


GROUP_SCENARIOS: dict[str, Scenario] = {
    "create": Scenario(_start, _create, _hire),
    "rename": Scenario(_start, _rename, _hire),
    "swap": Scenario(_start, _swap, _hire),
    "take name": Scenario(_start, _take_name, _hire),
    "move with an agent": Scenario(_start, _move, _hire),
    "move a subtree": Scenario(_start_with_subtree, _move_subtree, _hire_into_subtree),
    "hand over": Scenario(_start, _hand_over, _hire),
    "adopt": Scenario(_start, _adopt, _make_by_hand),
    "add level": Scenario(_start, _add_level, _hire),
    "remove level": Scenario(_start_with_desk, _start, _hire),
    "replace by instance": Scenario(_start_with_one_branch, _replace_by_instance, _hire_nobody),
    "remove": Scenario(_start, _remove, _hire, waits_for_clean_up=True),
    **{
        f"remove, {policy}": Scenario(
            _start_with_policy(policy),
            lambda site: _without(_start(site), "T"),
            _hire,
            waits_for_clean_up=True,
        )
        for policy in ("FAIL", "MOVE_TO_PARENT", "UNASSIGN")
    },
}
