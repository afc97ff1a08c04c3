"""How many calls to Connect single groups need, and how many groups keep the service's pace."""

from __future__ import annotations

import pytest

from local_aws.connect import ConnectSettings, Rate
from tests.support import deployments
from tests.support.stacks import Site


def up(site: Site, **groups: object) -> None:
    """Deploy these groups with a structure, which has to go well."""
    deployments.up(site, {"Structure": site.structure(*deployments.LEVELS), **groups})


@pytest.fixture
def site() -> Site:
    """A stack with a structure and two groups, one below the other."""
    site = Site()
    up(site, A=site.group("A"), B=site.group("B", "A"))
    return site


def test_a_new_single_group_is_one_call(site: Site) -> None:
    """At level one and below: no look before, none after."""
    count = len(site.calls())
    old = {"A": site.group("A"), "B": site.group("B", "A")}
    up(site, **old, C=site.group("C"))
    assert site.calls()[count:] == ["CreateUserHierarchyGroup"]
    up(site, **old, C=site.group("C"), D=site.group("D", "B", Tags={"k": "1"}))
    assert site.calls()[count:] == ["CreateUserHierarchyGroup"] * 2
    assert set(site.ids) == {"A", "A/B", "A/B/D", "C"}


def test_a_rename_is_one_call(site: Site) -> None:
    """The ledger knows what it is called and who owns it."""
    count = len(site.calls())
    up(site, A=site.group("A"), B=site.group("Z", "A"))
    assert site.calls()[count:] == ["UpdateUserHierarchyGroupName"]
    assert set(site.ids) == {"A", "A/Z"}


def test_an_unchanged_group_is_no_call(site: Site) -> None:
    """CloudFormation sends an Update where any property differs, as one that is not ours."""
    count, events = len(site.calls()), len(site.invocations)
    up(site, A=site.group("A", ServiceTimeout=1800), B=site.group("B", "A", ServiceTimeout=1800))
    assert len(site.invocations) - events == 2
    assert site.calls()[count:] == []


NUMBER = 200
DEFAULT = Rate(per_second=2, burst=5)
"""Of each API of an account and Region, as AWS documents it."""


def test_many_single_groups_keep_the_pace() -> None:
    """They share one bucket: hardly a call is refused, and little time is lost."""
    site = Site(connect_settings=ConnectSettings(default_rate=DEFAULT))
    up(site)
    site.clock.sleep(1000)
    count, began = len(site.connect.calls), site.clock.now()
    up(site, **{f"G{number}": site.group(f"Group {number}") for number in range(NUMBER)})
    assert len(site.ids) == NUMBER
    calls = site.connect.calls[count:]
    refused = [call for call in calls if call.outcome != "ok"]
    assert len(refused) < 0.01 * len(calls)
    floor = (NUMBER - DEFAULT.burst) / DEFAULT.per_second
    assert floor <= site.clock.now() - began <= 1.1 * floor
