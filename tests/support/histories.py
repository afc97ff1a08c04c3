"""Scripted histories of stacks that together take every way through the handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws.cloudformation.stacks import Stack
from local_aws.connect import FaultKind
from local_aws.in_process import FunctionSettings
from tests.support.deployments import LEVELS, failing
from tests.support.group_scenarios import GROUP_SCENARIOS
from tests.support.scenarios import Resources, Scenario
from tests.support.stacks import Site


def begin(site: Site, **groups: Any) -> Resources:
    """Three levels and these groups."""
    return {"Structure": site.structure(*LEVELS), **groups}


def deploy(site: Site, resources: Resources, status: str = "_COMPLETE") -> Stack:
    """Deploy, and see to it that it ended as it should."""
    stack = site.up(resources)
    assert stack.status.endswith(status), (stack.status, site.reasons(stack))
    return stack


def _everyday(scenario: Scenario, *, fails: bool) -> Callable[[Site], None]:
    def play(site: Site) -> None:
        deploy(site, scenario.start(site))
        scenario.prepare(site)
        site.clock.sleep(1000)
        resources = scenario.change(site)
        if fails:
            resources = failing(site, resources)
        stack = deploy(site, resources, "ROLLBACK_COMPLETE" if fails else "UPDATE_COMPLETE")
        site.down(stack)

    return play


def _delete_with_agents(policy: str, *, below: bool) -> Callable[[Site], None]:
    def play(site: Site) -> None:
        group = site.group("G", "A" if below else None, AgentsOnDelete=policy)
        deploy(site, begin(site, A=site.group("A"), G=group))
        for name in ("ada", "grace"):
            site.hire(name, *(("A", "G") if below else ("G",)))
        site.down(deploy(site, begin(site, A=site.group("A"))))

    return play


def _destroy_with_agents(site: Site) -> None:
    stack = deploy(site, begin(site, A=site.group("A")))
    site.hire("ada", "A")
    assert site.down(stack).status == "DELETE_FAILED"


def _move_of_many_in_several_runs(site: Site) -> None:
    site.function_settings = FunctionSettings(timeout=120)
    first = begin(site, A=site.group("A"), B=site.group("B"), T=site.group("T", "A"))
    deploy(site, first)
    site.hire_all((f"agent-{number}" for number in range(300)), "A", "T")
    deploy(site, {**first, "T": site.group("T", "B")})
    assert set(site.agents) == {"B/T"}
    assert "lambda:InvokeFunction" in {call.action for call in site.service_calls}


def _adopt_and_release(site: Site) -> None:
    site.write_levels("Division")
    backend = site.connect.backend
    backend.create_user_hierarchy_group(site.instance_id, "A", tags={"made-by": "hand"})
    structure = site.structure(*LEVELS, AdoptExisting=True)
    adopting = site.group("A", AdoptExisting=True)
    deploy(site, {"Structure": structure, "A": site.group("A")}, "ROLLBACK_COMPLETE")
    site.down(site.cloudformation.get("site"))
    deploy(site, {"Structure": structure, "A": adopting})
    site.down(deploy(site, {"Structure": structure}))


def _adopt_and_keep(site: Site) -> None:
    site.write_levels("Division")
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "A")
    structure = site.structure("Division", AdoptExisting=True)
    deploy(site, {"Structure": structure, "A": site.group("A", AdoptExisting=True)})
    site.down(deploy(site, {"Structure": structure, "A": site.group("A")}))
    assert site.ids == {}


def _abandon_and_find_again(site: Site) -> None:
    deploy(site, begin(site, A=site.group("A"), B=site.group("B")))
    site.hire("ada", "B")
    deploy(site, begin(site, A=site.group("A")))
    deploy(site, failing(site, begin(site, A=site.group("A"), B=site.group("B"))), "COMPLETE")
    deploy(site, begin(site, A=site.group("A"), B=site.group("B")))


def _delete_the_structure(site: Site) -> None:
    structure = site.structure(*LEVELS, DeletionPolicy="Delete")
    site.down(deploy(site, {"Structure": structure, "A": site.group("A")}))
    assert site.levels == ()


def _levels_up_and_down(site: Site) -> None:
    deploy(site, {"Structure": site.structure("A", "B", "C", "D", "E"), "G": site.group("G")})
    deploy(site, {"Structure": site.structure("A", "Z"), "G": site.group("G")})
    deeper = {"Structure": site.structure("A", "Z", "Y"), "G": site.group("G")}
    deeper |= {"H": site.group("H", "G"), "I": site.group("I", "H")}
    deploy(site, failing(site, deeper), "ROLLBACK_COMPLETE")
    deploy(site, deeper)
    deploy(site, {**deeper, "Structure": site.structure("A", "Z")}, "ROLLBACK_COMPLETE")


def _levels_of_others(site: Site) -> None:
    deploy(site, {"Structure": site.structure("A"), "G": site.group("G")})
    site.write_levels("A", "Theirs")
    hierarchy = site.connect.backend.hierarchy(site.instance_id)
    (group,) = hierarchy.groups.values()
    site.connect.backend.create_user_hierarchy_group(site.instance_id, "Own", group.id)
    deploy(site, {"Structure": site.structure("A", "B"), "G": site.group("G")}, "ROLLBACK_COMPLETE")


def _another_instance(site: Site) -> None:
    groups = {"A": site.group("A"), "T": site.group("T", "A")}
    deploy(site, begin(site, **groups))
    elsewhere = begin(site, **groups)
    elsewhere = {**elsewhere, "Structure": site.structure(*LEVELS, InstanceArn=site.other_arn)}
    deploy(site, failing(site, elsewhere), "ROLLBACK_COMPLETE")
    deploy(site, elsewhere)


def _cancelled(site: Site) -> None:
    deploy(site, begin(site, A=site.group("A")))
    for changed in (
        begin(site, A=site.group("A"), B=site.group("B")),
        begin(site, A=site.group("Z")),
    ):
        for api in ("CreateUserHierarchyGroup", "UpdateUserHierarchyGroupName"):
            site.connect.plan_fault(api, kind=FaultKind.THROTTLE, times=12)
        deploy(site, {**changed, "Failing": site.failing_later(20)}, "ROLLBACK_COMPLETE")
        site.clock.sleep(4000)


def _repaired_after_drift(site: Site) -> None:
    deploy(site, begin(site, A=site.group("A"), B=site.group("B")))
    site.connect.backend.delete_user_hierarchy_group(site.instance_id, site.ids["A"])
    tagged = begin(site, A=site.group("A", Tags={"k": "1"}), B=site.group("B", Tags={"k": "1"}))
    deploy(site, tagged)
    deploy(site, begin(site, A=site.group("A"), B=site.group("B")))


def _two_stacks_want_one_group(site: Site) -> None:
    deploy(site, begin(site, A=site.group("A")))
    other = {"Other": site.group("A", InstanceArn=site.instance_arn)}
    assert site.up(other, "other").status == "ROLLBACK_COMPLETE"


def _quota(site: Site) -> None:
    site.connect.settings.group_quota = 1
    both = begin(site, A=site.group("A"), B=site.group("B"))
    deploy(site, both, "ROLLBACK_COMPLETE")


def _lost_answers(site: Site) -> None:
    site.connect.plan_fault("CreateUserHierarchyGroup", kind=FaultKind.CUT_AFTER)
    stack = deploy(site, begin(site, A=site.group("A")))
    site.connect.plan_fault("UpdateUserHierarchyGroupName", kind=FaultKind.ERROR_AFTER)
    deploy(site, begin(site, A=site.group("Z")))
    site.connect.plan_fault("DeleteUserHierarchyGroup", kind=FaultKind.CUT_AFTER)
    site.down(stack)


HISTORIES: dict[str, Callable[[Site], None]] = {
    **{
        f"{name}, {'rolled back' if fails else 'forward'}": _everyday(scenario, fails=fails)
        for name, scenario in GROUP_SCENARIOS.items()
        for fails in (False, True)
    },
    **{
        f"delete with agents, {policy}, {'below' if below else 'at level one'}": (
            _delete_with_agents(policy, below=below)
        )
        for policy in ("FAIL", "MOVE_TO_PARENT", "UNASSIGN")
        for below in (False, True)
    },
    "destroy with agents": _destroy_with_agents,
    "move of many in several runs": _move_of_many_in_several_runs,
    "adopt and release": _adopt_and_release,
    "adopt and keep": _adopt_and_keep,
    "abandon and find again": _abandon_and_find_again,
    "delete the structure": _delete_the_structure,
    "levels up and down": _levels_up_and_down,
    "levels of others": _levels_of_others,
    "another instance": _another_instance,
    "cancelled": _cancelled,
    "repaired after drift": _repaired_after_drift,
    "two stacks want one group": _two_stacks_want_one_group,
    "quota": _quota,
    "lost answers": _lost_answers,
}
