"""Turning the core's questions and calls into calls to Amazon Connect, and refusals into errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connect_hierarchy_lambda.core.decisions import (
    Call,
    Create,
    Delete,
    MoveAgent,
    PutLevels,
    Rename,
    Tag,
    Untag,
)
from connect_hierarchy_lambda.core.facts import (
    AskAgent,
    FindAgents,
    FindAtLevel,
    FindChildren,
    FindHolder,
    ListNames,
    LookAt,
    Question,
    ReadLevels,
    ReadTemplate,
    Survey,
)
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.ports.calls import (
    BAD_PARAMETER,
    INVALID_REQUEST,
    NOT_FOUND,
    QUOTA,
    Refusal,
)
from connect_hierarchy_lambda.ports.connect import Connect


def answers(connect: Connect, questions: Sequence[Question]) -> Iterator[tuple[Question, Any]]:
    """The questions with their answers, one by one; those about agents in few searches."""
    about_agents = [q for q in questions if isinstance(q, FindAgents)]
    for instance_arn in dict.fromkeys(q.instance_arn for q in about_agents):
        here = [q for q in about_agents if q.instance_arn == instance_arn]
        found = connect.agents(instance_arn, [q.id for q in here])
        yield from ((question, found[question.id]) for question in here)
    for question in questions:
        if not isinstance(question, FindAgents):
            yield question, answer(connect, question)


def answer(connect: Connect, question: Question) -> Any:
    """The answer to any question to Amazon Connect."""
    match question:
        case LookAt():
            return connect.group(question.instance_arn, question.id)
        case FindHolder():
            return connect.holder(*question.place)
        case FindChildren():
            return connect.children(question.instance_arn, question.id)
        case FindAgents():
            return connect.agents(question.instance_arn, [question.id])[question.id]
        case AskAgent():
            return connect.group_of_agent(question.instance_arn, question.agent_id)
        case Survey():
            return connect.all_groups(question.instance_arn)
        case ReadLevels():
            return connect.levels(question.instance_arn)
        case FindAtLevel():
            return connect.groups_at_level(question.instance_arn, question.number)
        case ListNames():
            return connect.names(question.instance_arn)
        case _:
            raise TypeError(question)


def perform(connect: Connect, call: Call) -> str:
    """Make the call, and return the id of the group that it made, or an empty text."""
    record = call.record
    instance_arn = record.instance_arn
    match call:
        case Create():
            return connect.create_group(instance_arn, record.parent_id, record.name, record.tags)
        case Rename():
            connect.rename_group(instance_arn, record.id, call.name)
        case Tag():
            connect.tag_group(record.arn, call.tags)
        case Untag():
            connect.untag_group(record.arn, call.keys)
        case Delete():
            connect.delete_group(instance_arn, record.id)
        case PutLevels():
            connect.put_levels(instance_arn, call.names)
        case MoveAgent():
            connect.move_agent(instance_arn, call.agent.id, call.group_id)
    return ""


def doing(what: Call | Question) -> str:
    """How a message about a call or a question begins."""
    match what:
        case Create():
            return f"creating hierarchy group {quoted(what.record.name)}"
        case Rename():
            return f"renaming hierarchy group {what.record.id} to {quoted(what.name)}"
        case Tag():
            return f"tagging hierarchy group {what.record.id}"
        case Untag():
            return f"untagging hierarchy group {what.record.id}"
        case Delete():
            return f"deleting hierarchy group {quoted(what.record.name)}"
        case MoveAgent():
            # log lines repeat this, and a user name is somebody's
            return f"moving agent {what.agent.id}"
        case ReadLevels():
            return f"reading the hierarchy structure of {what.instance_arn}"
        case PutLevels():
            return f"updating the hierarchy structure of {what.record.instance_arn}"
        case FindAtLevel():
            return f"searching the groups of level {what.number}"
        case LookAt():
            return f"reading hierarchy group {what.id}"
        case FindAgents():
            return f"searching the agents of hierarchy group {what.id}"
        case AskAgent():
            return f"reading agent {what.agent_id}"
        case FindHolder():
            return f"looking for hierarchy group {quoted(what.place[2])}"
        case FindChildren():
            return f"searching the child groups of group {what.id}"
        case Survey() | ListNames():
            return f"listing the hierarchy groups of {what.instance_arn}"
        case _:
            return "reading the template of the own stack"


def error_of(what: Call | Question, refusal: Refusal) -> HierarchyError:
    """The error for a refusal that waiting or trying again cannot help."""
    begins, instance_arn = doing(what), _instance_of(what)
    if refusal.code == BAD_PARAMETER:
        return HierarchyError(begins, refusal.message, "correct the property")
    if refusal.code == QUOTA:
        return HierarchyError(
            begins,
            f"the quota of hierarchy groups of {instance_arn} is used up",
            "delete groups, or raise quota L-D68AAAE4 of Amazon Connect",
        )
    if refusal.is_denied:
        where = "" if instance_arn in begins else f" on {instance_arn}"
        return HierarchyError(
            begins,
            f"{refusal.told}{where}",
            "check the function's role, and service control policies",
        )
    if refusal.code == NOT_FOUND and isinstance(what, Create) and what.record.parent_id is None:
        return HierarchyError(
            begins,
            f"there is no instance {instance_arn}, or it has no hierarchy structure",
            "deploy a HierarchyStructure first",
        )
    remedy = "correct what it says, then deploy again"
    if refusal.code == INVALID_REQUEST:
        remedy = "check that the structure has a level below the parent group's"
    elif refusal.code == NOT_FOUND:
        remedy = f"check that {instance_arn} and the parent group still exist"
    return HierarchyError(begins, str(refusal), remedy)


def _instance_of(what: Call | Question) -> str:
    match what:
        case FindHolder():
            return what.place[0]
        case ReadTemplate():
            return ""
        case Create() | Rename() | Tag() | Untag() | Delete() | MoveAgent() | PutLevels():
            return what.record.instance_arn
        case _:
            return what.instance_arn
