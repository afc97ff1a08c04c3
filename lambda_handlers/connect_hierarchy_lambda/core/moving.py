"""What follows once every node stands: agents are carried over, unneeded groups retire."""

from __future__ import annotations

from dataclasses import replace

from connect_hierarchy_lambda.core.decisions import Ask, Decision, MoveAgent, Step
from connect_hierarchy_lambda.core.facts import FindAgents
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.model.ledger import Phase, Record
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import AgentsOnDelete


def carry(view: View) -> Decision | None:
    """Bring the agents of moved groups to the groups that replace them."""
    moved = [
        (old, view.standing[old.key])
        for old in view.moved
        if old.key in view.standing and old.slot not in view.facts.refused
    ]
    here = [(old, new) for old, new in moved if old.instance_arn == new.instance_arn]
    questions = [FindAgents(old.instance_arn, old.id) for old, _ in here]
    unknown = tuple(q for q in questions if not view.facts.knows(q))
    if unknown:
        return Ask(unknown)
    calls = [
        MoveAgent(old, agent, new.id)
        for (old, new), question in zip(here, questions, strict=True)
        for agent in view.facts.agents(question)
    ]
    return Step(calls=tuple(calls[: view.agents_at_once])) if calls else None


def retire(view: View) -> Decision | None:
    """Retire groups that were moved from or are not wished; the clean-up deletes them."""
    moved = [r for r in view.moved if r.key in view.standing or _is_undone(view, r)]
    retired = [_retired(view, record) for record in (*moved, *view.unwished)]
    if not retired:
        return None
    warnings = [w for w in (_replaced(view, record) for record in view.unwished) if w]
    return Step(records=tuple(retired), warnings=tuple(warnings))


def _is_undone(view: View, record: Record) -> bool:
    """Whether a rollback deletes a group although the group that it replaced is gone."""
    return view.goes_back and view.is_undone(record)


def _retired(view: View, record: Record) -> Record:
    policy = record.agents_on_delete or view.wish.agents_on_delete
    return replace(
        record,
        phase=Phase.RETIRED,
        changed_by=view.request,
        agents_on_delete=AgentsOnDelete(policy),
    )


def _replaced(view: View, record: Record) -> str:
    """The warning about a group that a new node without a key of its own seems to replace."""
    for node in view.wish.nodes:
        new = view.standing.get(node.key)
        came_now = new is not None and new.came_by == view.request
        is_new = came_now and node.key not in view.written_keys
        is_sibling = new is not None and new.parent_id == record.parent_id
        if view.direction is Direction.FORWARD and is_new and is_sibling and not node.has_own_key:
            paths = f"{quoted(view.path_of(record))} goes, {quoted('/'.join(node.path))} is new"
            return f"{paths}: if the group was renamed, give it the old group's key"
    return ""
