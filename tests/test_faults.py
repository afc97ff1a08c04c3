"""Faults at every call of everyday deployments: each ends as it does without faults."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connect_hierarchy_lambda.model.ledger import Phase
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.connect import DuplicateScope
from tests.support.fault_table import FAULTS, LEDGER_FAULTS, Row, rows
from tests.support.group_scenarios import GROUP_SCENARIOS
from tests.support.tree_scenarios import TREE_SCENARIOS

TREES = rows(TREE_SCENARIOS, "tree: ")
ROWS = pytest.mark.parametrize("row", rows(GROUP_SCENARIOS) + TREES)


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
@pytest.mark.parametrize("row", TREES)
def test_without_faults_a_tree_keeps_its_ids(
    row: Row, scope: DuplicateScope, reversed_id: ReversedUpdateId
) -> None:
    """Forward only what is new or moved has a new id, and after a rollback nothing has."""
    site = row.site(scope, reversed_id)
    before, agents = site.ids, site.agents
    status, ids, *_ = row.outcome(site)
    if row.fails:
        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert (site.ids, site.agents) == (before, agents)
    else:
        assert status == "UPDATE_COMPLETE"
        new = {path for path, was in ids.items() if was == "new"}
        expected = {"tree: create": {"B/New", "B/New/Newer"}, "tree: move": {"B/T", "B/T/D"}}
        assert new == expected.get(row.name, set())
        assert sum(map(len, site.agents.values())) == 2
    assert {site.record(path).phase for path in site.ids} == {Phase.LIVE}


@pytest.mark.parametrize("fault", FAULTS)
@ROWS
def test_a_passing_fault_at_any_call_changes_nothing(
    row: Row, fault: str, record_property: Callable[[str, object], None]
) -> None:
    """A fault at each call or event in turn: the deployment ends just as without it."""
    row.strike(fault, record_property)


@pytest.mark.parametrize("fault", LEDGER_FAULTS)
@ROWS
def test_a_passing_fault_of_the_ledger_changes_nothing(
    row: Row, fault: str, record_property: Callable[[str, object], None]
) -> None:
    """Before and after its calls, and where a run dies between these and those to Connect."""
    row.strike(fault, record_property)


@pytest.mark.parametrize("reversed_id", ReversedUpdateId)
@pytest.mark.parametrize("scope", DuplicateScope)
@ROWS
def test_stale_answers_change_nothing(
    row: Row,
    scope: DuplicateScope,
    reversed_id: ReversedUpdateId,
    record_property: Callable[[str, object], None],
) -> None:
    """Searches that lag minutes and reads that lag seconds: it ends just as with fresh ones."""
    row.delay(scope, reversed_id, record_property)
