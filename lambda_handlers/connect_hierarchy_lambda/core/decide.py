"""The next decision about a resource's groups: the one entrance to the core."""

from __future__ import annotations

from dataclasses import replace

from connect_hierarchy_lambda.core.checks import check
from connect_hierarchy_lambda.core.decisions import Ask, Decision, Done, Refuse, Step
from connect_hierarchy_lambda.core.facts import Survey
from connect_hierarchy_lambda.core.learning import learned
from connect_hierarchy_lambda.core.moving import carry, retire
from connect_hierarchy_lambda.core.removal import remove
from connect_hierarchy_lambda.core.restoring import give_names_back, restore
from connect_hierarchy_lambda.core.standing import settle, stand
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.model.ledger import Intention, Phase
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted


def decide(view: View) -> Decision:
    """What to do next for a request.

    Deciding twice from the same view gives the same decision. Deciding again after each step comes
    to an end.
    """
    if view.direction is Direction.FORWARD and view.facts.refused:
        return Refuse(next(iter(view.facts.refused.values())))
    return (
        _learn(view)
        or _find_what_was_retained(view)
        or settle(view)
        or _proceed(view)
        or _done(view)
    )


def _learn(view: View) -> Decision | None:
    """Learn a resource that the ledger does not know."""
    if not view.is_unknown:
        return None
    instance_arn = (view.previous or view.wish).instance_arn
    if not instance_arn:
        return None
    survey = Survey(instance_arn)
    if not view.facts.knows(survey):
        return Ask((survey,))
    records = learned(view, view.facts.groups(survey))
    return Step(records=records) if records else None


def _find_what_was_retained(view: View) -> Decision | None:
    """CloudFormation dropped the resource with DeletionPolicy Retain: its groups become LEFT."""
    if not view.finds_again:
        return None
    retained = [
        replace(record, phase=Phase.LEFT)
        for record in view.own
        if record.phase is Phase.LIVE and record.came_by != view.request
    ]
    return Step(records=tuple(retained)) if retained else None


def _proceed(view: View) -> Decision | None:
    if view.direction in {Direction.CLEAN_UP, Direction.GONE}:
        return remove(view)
    return (
        restore(view)
        or check(view)
        or stand(view)
        or carry(view)
        or retire(view)
        or (remove(view) if view.goes_back else None)
        or give_names_back(view)
    )


def _done(view: View) -> Decision:
    missing = [node for node in view.wish.nodes if node.key not in view.standing]
    if view.direction is Direction.FORWARD and missing:
        name = quoted(" / ".join(missing[0].path))
        why = "the group above it is gone"
        return Refuse(HierarchyError(f"creating hierarchy group {name}", why, "deploy again"))
    wished = view.direction in {Direction.FORWARD, Direction.BACK}
    return Done(dict(view.standing) if wished else {})


def remaining(view: View) -> int:
    """About how many calls are still to come, for the log."""
    if view.direction in {Direction.CLEAN_UP, Direction.GONE}:
        live = view.direction is Direction.GONE
        return sum(r.phase is Phase.RETIRED or (live and r.phase is Phase.LIVE) for r in view.own)
    made = sum(record.intention is not Intention.CREATE for record in view.standing.values())
    return len(view.wish.nodes) - made
