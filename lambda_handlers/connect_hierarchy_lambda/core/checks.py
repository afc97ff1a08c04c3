"""Refusals before the first write: of what would lose something or could not be completed."""

from __future__ import annotations

from connect_hierarchy_lambda.core.decisions import Ask, Decision, Refuse
from connect_hierarchy_lambda.core.facts import (
    FindAgents,
    FindChildren,
    LookAt,
    Question,
    ReadTemplate,
    Survey,
)
from connect_hierarchy_lambda.core.template import Template, construct_path, declares_name
from connect_hierarchy_lambda.core.view import View
from connect_hierarchy_lambda.core.wish import WishedGroup
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Origin, Record
from connect_hierarchy_lambda.model.messages import HierarchyError, listed
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import Owner
from connect_hierarchy_lambda.model.properties import AgentsOnDelete

_MANY = 2


def check(view: View) -> Decision | None:
    """A refusal, a question that it depends on, or None."""
    if view.goes_back:
        return None
    return _strangers_below_what_moves(view) or _silent_loss(view) or _agents_in_the_way(view)


def _strangers_below_what_moves(view: View) -> Decision | None:
    moving = [r for r in view.moved if r.key not in view.standing]
    if not moving:
        return None
    below = children_of(view, moving)
    if isinstance(below, Ask):
        return below
    strangers = strangers_among(view, below)
    if isinstance(strangers, Ask):
        return strangers
    for record in moving:
        names = [quoted(child.name) for child in strangers if child.parent_id == record.id]
        if names:
            return Refuse(
                HierarchyError(
                    f"moving hierarchy group {quoted(view.path_of(record))}",
                    f"it has child groups that are not of this stack: {listed(names)}",
                    "adopt them in this stack, or move them away first",
                )
            )
    return None


def children_of(view: View, records: list[Record]) -> list[Group] | Ask:
    """The groups directly below any of these, as far as reads show them."""
    ids = dict.fromkeys(record.id for record in records)
    survey = Survey(records[0].instance_arn)
    if len(records) > _MANY or view.facts.knows(survey):
        if not view.facts.knows(survey):
            return Ask((survey,))
        below = view.surveyed(survey).below
        return [group for record_id in ids for group in below.get(record_id, ())]
    questions = [FindChildren(record.instance_arn, record.id) for record in records]
    unknown = tuple(q for q in questions if not view.facts.knows(q))
    if unknown:
        return Ask(unknown)
    return [group for question in questions for group in view.facts.groups(question)]


def strangers_among(view: View, groups: list[Group]) -> list[Group] | Ask:
    """Those that are not of this stack and exist: searches can show groups that are gone."""
    strangers = []
    unknown: list[Question] = []
    for group in groups:
        owner = Owner.of(group.tags)
        if group.id in view.records or (owner and owner.stack == view.resource.stack):
            continue
        question = LookAt(group.instance_arn, group.id)
        if not view.facts.knows(question):
            unknown.append(question)
        elif view.facts.group(question) is not None:
            strangers.append(group)
    return Ask(tuple(unknown)) if unknown else strangers


def _silent_loss(view: View) -> Decision | None:
    """Refuse a node without a key that seems to be renamed: its group would be replaced."""
    new = _without_a_key(view) if view.unwished else []
    for record in view.unwished:
        node = next((node for node, parent_id in new if parent_id == record.parent_id), None)
        if node is None:
            continue
        is_used = _is_used(view, record)
        if isinstance(is_used, Ask):
            return is_used
        if not is_used:
            continue
        old_key = view.written_keys.get(record.key, record.name)
        return Refuse(
            HierarchyError(
                f"replacing hierarchy group {quoted(view.path_of(record))}",
                f"{quoted(' / '.join(node.path))} is new and has no key, "
                "and the old group is in use",
                f"if it was renamed, give it key {quoted(old_key)}, "
                f"if not, key {quoted(node.written_key)}",
            )
        )
    return None


def _is_used(view: View, record: Record) -> bool | Ask:
    """Whether a group has agents or child groups, of any owner."""
    if any(r.parent_id == record.id for r in view.records.values()):
        return True
    below = children_of(view, [record])
    if isinstance(below, Ask):
        return below
    strangers = strangers_among(view, below)
    if isinstance(strangers, Ask):
        return strangers
    question = FindAgents(record.instance_arn, record.id)
    if not view.facts.knows(question):
        return Ask((question,))
    return bool(strangers or view.facts.agents(question))


def _without_a_key(view: View) -> list[tuple[WishedGroup, str | None]]:
    """The new nodes without a key of their own, with the ids of the groups above them."""
    moved = {record.key for record in view.moved}
    mine = view.resource.logical_id
    others = {record.place for record in view.records.values() if record.resource != mine}
    return [
        (node, parent_id)
        for node, parent_id in view.reachable
        if not node.has_own_key
        and node.key not in view.standing
        and node.key not in view.rekeyed
        and node.key not in moved
        # its group may be gone, but the node is the one of the wish before
        and node.key not in view.written_keys
        # it takes over what stands there, or is refused the name
        and (view.wish.instance_arn, parent_id, node.name) not in others
    ]


def _agents_in_the_way(view: View) -> Decision | None:
    """Refuse to remove a node if agents keep the clean-up from deleting its group."""
    going = [r for r in view.unwished if r.origin is Origin.MADE]
    return held_by_agents(view, going, "removing groups from")


def held_by_agents(view: View, going: list[Record], doing: str) -> Decision | None:
    """A refusal if agents are in groups with the policy FAIL, the question for that, or None.

    `doing` is what happens to the resource, such as "removing groups from".
    """
    by_id = {record.id: record for record in going}
    last = {record.id: _last_on_the_way_up(view, record, by_id) for record in going}
    kept = [r for r in going if policy_of(view, last[r.id]) == AgentsOnDelete.FAIL]
    questions = [FindAgents(record.instance_arn, record.id) for record in kept]
    unknown = tuple(q for q in questions if not view.facts.knows(q))
    if unknown:
        return Ask(unknown)
    held = [(r, a) for r, q in zip(kept, questions, strict=True) for a in view.facts.agents(q)]
    if not held:
        return None
    if not view.facts.knows(ReadTemplate()):
        return Ask((ReadTemplate(),))
    template: Template = view.facts.template() or {}
    # a group that passes to another resource keeps its agents
    held = [(r, a) for r, a in held if not declares_name(template, r)]
    if not held:
        return None
    groups = listed(list(dict.fromkeys(quoted(view.path_of(record)) for record, _ in held)))
    names = listed([quoted(agent.username) for _, agent in held])
    keeper = next((last[r.id] for r, _ in held if last[r.id] is not r), None)
    above = "" if keeper is None else lets_no_agents_go(keeper)
    return Refuse(
        HierarchyError(
            f"{doing} {quoted(construct_path(template, view.resource.logical_id))}",
            f"{len(held)} agent(s) are in {groups}: {names}{above}",
            "move them, or set agents_on_delete",
        )
    )


def lets_no_agents_go(above: Record) -> str:
    """The addition to an error if a group above keeps the agents, and not their own."""
    return f", and {quoted(above.name)} above goes too and lets no agents go"


def _last_on_the_way_up(view: View, record: Record, going: dict[str, Record]) -> Record:
    """The group whose policy decides about a group's agents, which can move up into it."""
    while policy_of(view, record) == AgentsOnDelete.MOVE_TO_PARENT and record.parent_id in going:
        record = going[record.parent_id]
    return record


def policy_of(view: View, record: Record) -> str:
    """The policy for a group's agents: the node's own, or else that of the wish."""
    return record.agents_on_delete or view.wish.agents_on_delete
