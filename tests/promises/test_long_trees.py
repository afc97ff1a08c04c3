"""Hundreds of groups in one tree: at the service's pace, and in further runs."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from local_aws.connect import ConnectSettings
from local_aws.in_process import FunctionSettings
from tests.support.deployments import up
from tests.support.organisation import Kind, Organisation
from tests.support.stacks import Site, node


def with_tree(site: Site, *groups: Any, **options: Any) -> dict[str, Any]:
    """A structure of three levels and a tree."""
    return Organisation(site, Kind.TREE).resources(*groups, **options)


def big(number: int) -> list[Any]:
    """This many groups, ten to a division."""
    return [node(f"D{d}", *(f"T{t}" for t in range(9))) for d in range(number // 10)]


def refused(site: Site) -> int:
    """How many requests were refused for their pace."""
    return sum(call.outcome == "TooManyRequestsException" for call in site.connect.calls)


def test_five_hundred_groups_at_the_service_s_pace() -> None:
    """As fast as two a second allow, no request refused, five hundred read in one call."""
    site = Site()
    began = site.clock.now()
    up(site, with_tree(site, *big(500)))
    floor = (500 - 5) / 2
    assert site.clock.now() - began <= 1.02 * floor
    assert refused(site) == 0
    site.clock.sleep(60)
    before = len(site.connect.calls)
    up(site, with_tree(site, *big(500), AgentsOnDelete="UNASSIGN"))
    assert site.calls()[before:] == ["ListUserHierarchyGroups"]


class Distant(Site):
    """A site whose services take a fifth of a second to answer."""

    latency = 0.2

    def client(self, service: str) -> Any:
        """A client whose calls take their time."""
        client = super().client(service)
        event = f"before-call.{service}"
        client.meta.events.unregister(event, unique_id="latency")
        client.meta.events.register(event, self._wait, unique_id="latency")
        return client

    def _wait(self, **_: Any) -> None:
        self.clock.sleep(self.latency)


def test_calls_one_after_the_other_keep_the_pace() -> None:
    """At the service's rate there is time for each call's answer before the next may begin."""
    site = Distant()
    try:
        began = site.clock.now()
        up(site, with_tree(site, *big(500)))
        assert site.clock.now() - began <= 1.02 * (500 - 5) / 2
        assert refused(site) == 0
    finally:
        for service in ("connect", "cloudformation"):
            Site.client(site, service).meta.events.unregister(
                f"before-call.{service}", unique_id="latency"
            )


@pytest.mark.parametrize("lags", [(0.0, 0.0), (100.0, 3.0)])
def test_a_tree_goes_on_in_further_runs(lags: tuple[float, float]) -> None:
    """A function that may run for a minute makes, renames, moves and deletes five hundred."""
    site = Site(
        connect_settings=ConnectSettings(search_lag=lags[0], read_lag=lags[1]),
        function_settings=FunctionSettings(timeout=60.0),
    )
    stack = up(site, with_tree(site, *big(500)))
    assert len(site.ids) == 500
    assert site.calls("CreateUserHierarchyGroup") == ["CreateUserHierarchyGroup"] * 500 or lags[1]
    runs = [i for i in site.invocations if i.event["LogicalResourceId"] == "Tree"]
    assert len(runs) > 5
    assert all(run.outcome == "success" for run in runs)
    site.clock.sleep(1500)
    ids = set(site.ids.values())
    renamed = [{**one, "Name": f"E{n}", "Key": f"D{n}"} for n, one in enumerate(big(500))]
    up(site, with_tree(site, *renamed, Tags={"k": "v"}))
    assert set(site.ids.values()) == ids
    site.clock.sleep(1500)
    up(site, with_tree(site, *renamed[:25], Tags={"k": "v"}))
    assert len(site.ids) == 250
    site.down(stack)
    assert stack.status == "DELETE_COMPLETE", site.reasons(stack)
    assert site.ids == {}


def test_a_clean_up_goes_on_in_further_runs() -> None:
    """What it has removed is not waited for in the next run of the same request."""
    site = Site(function_settings=FunctionSettings(timeout=200.0))
    up(site, with_tree(site, *big(400)))
    site.clock.sleep(2000)
    up(site, with_tree(site, *big(60)))
    assert len(site.ids) == 60
    runs = [i for i in site.invocations if i.event["RequestType"] == "Delete"]
    assert 1 < len(runs) < 4


def test_progress_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Every few seconds: done, total and the rest in seconds."""
    site = Site()
    caplog.set_level(logging.INFO)
    up(site, with_tree(site, *big(100)))
    lines = [record for record in caplog.records if record.getMessage() == "progress"]
    assert 6 <= len(lines) <= 12
    done = [getattr(line, "done") for line in lines]  # noqa: B009 - extras have no types
    rest = [getattr(line, "rest_seconds") for line in lines]  # noqa: B009 - the same
    assert done == sorted(done)
    assert all(getattr(line, "total") == 100 for line in lines)  # noqa: B009 - the same
    assert rest[0] > rest[-1] >= 0
