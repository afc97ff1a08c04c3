"""What follows when every node stands: agents are carried over, and what is not needed retires."""

from __future__ import annotations

from dataclasses import replace

from connect_hierarchy_lambda.core.decisions import Ask, Decision, MoveAgent, Step
from connect_hierarchy_lambda.core.facts import FindAgents
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.model.ledger import IdChange, Phase, Record
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
    """Give up what has moved and what nobody wishes; the clean-up deletes it."""
    moved = [r for r in view.moved if r.key in view.standing or _is_undone(view, r)]
    retired = [_retired(view, record) for record in (*moved, *view.unwished)]
    if not retired:
        return None
    changes = [_change(view, old) for old in moved if old.key in view.standing]
    return Step(records=tuple(retired), changes=tuple(changes))


def _is_undone(view: View, record: Record) -> bool:
    """Whether a rollback deletes a group though the one that it came from is gone."""
    return view.goes_back and bool(view.undone) and record.came_by == view.undone


def _retired(view: View, record: Record) -> Record:
    policy = record.agents_on_delete or view.wish.agents_on_delete
    return replace(
        record,
        phase=Phase.RETIRED,
        changed_by=view.request,
        agents_on_delete=AgentsOnDelete(policy),
    )


def _change(view: View, old: Record) -> IdChange:
    node = view.wish.by_key[old.key]
    return IdChange(
        at=0.0,
        resource=view.resource.logical_id,
        key=node.written_key,
        path=" / ".join(node.path),
        old_id=old.id,
        new_id=view.standing[old.key].id,
    )
