"""Deleting groups that were retired or leave with their resource; releasing adopted groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connect_hierarchy_lambda.core.checks import (
    children_of,
    held_by_agents,
    lets_no_agents_go,
    policy_of,
    strangers_among,
)
from connect_hierarchy_lambda.core.decisions import (
    Ask,
    Call,
    Decision,
    Delete,
    MoveAgent,
    Refuse,
    Step,
    Wait,
)
from connect_hierarchy_lambda.core.facts import AskAgent, FindAgents, LookAt, ReadTemplate, Survey
from connect_hierarchy_lambda.core.learning import learned_elsewhere
from connect_hierarchy_lambda.core.names import passed_on_warning
from connect_hierarchy_lambda.core.releasing import release
from connect_hierarchy_lambda.core.template import is_declared
from connect_hierarchy_lambda.core.view import View, deepest_first, passed_on, shows_the_past
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.model.ledger import Origin, Phase, Record
from connect_hierarchy_lambda.model.messages import HierarchyError, listed
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import Owner
from connect_hierarchy_lambda.model.properties import AgentsOnDelete, GroupProperty, ResourceType

_MANY = 5


def remove(view: View) -> Decision | None:
    """The next deletion or release; None if nothing is left to do."""
    return _Removal(view).decide()


@dataclass
class _Removal:
    view: View

    def decide(self) -> Decision | None:
        view = self.view
        targets = self._targets()
        if not targets:
            return self._end()
        unknown = self._unknown(targets)
        if unknown is not None:
            return unknown
        if (kept := self._kept_by_others(targets)) is not None:
            return kept
        if view.direction is Direction.GONE and len(targets) > 1:
            deleted = [r for r in targets if not self._is_released(r)]
            held = held_by_agents(view, deleted, "deleting the groups of")
            if isinstance(held, Refuse):
                return self._hold(targets, held.error)
            if held is not None:
                return held
        return self._next(targets)

    def _targets(self) -> tuple[Record, ...]:
        view = self.view
        phases = {Phase.RETIRED}
        if view.direction is Direction.GONE:
            phases = {Phase.RETIRED, Phase.LIVE}
        return tuple(
            record
            for record in view.own
            if record.id and (record.phase in phases or self._is_tried_again(record))
            # the update's clean-up deletes what the update retired; a rollback tries at once
            if view.is_last or record.changed_by == view.request or view.is_undone(record)
            if view.is_last or record.slot not in view.facts.refused
            if view.is_last or record.id not in view.facts.in_use or self._agents_go(record)
        )

    def _is_tried_again(self, record: Record) -> bool:
        view = self.view
        again = {record.left_for}
        if view.direction is Direction.CLEAN_UP:
            # a rollback may have left it, before the Delete of what the update had made
            again.add(record.arn)
        return (
            view.is_last
            and record.phase is Phase.LEFT
            and view.physical_id in again
            and record.changed_by != view.request
        )

    def _agents_go(self, record: Record) -> bool:
        """Whether a rollback still has to carry agents home from a group that is in use."""
        question = FindAgents(record.instance_arn, record.id)
        facts = self.view.facts
        if self._home(record) is None:
            return False
        # if nothing shows that could hold the group, searches do not show its agents yet
        is_parent = any(r.parent_id == record.id for r in self.view.records.values())
        return not facts.knows(question) or bool(facts.agents(question)) or not is_parent

    def _end(self) -> Decision | None:
        """Fail if some groups had to stay, once all others are gone."""
        view = self.view
        if not view.is_last:
            return None
        left = [
            r for r in view.own if r.phase is Phase.LEFT and r.changed_by == view.request and r.why
        ]
        if not left:
            return None
        more = f" ({len(left)} groups stay)" if len(left) > 1 else ""
        return Refuse(HierarchyError.saying(left[0].why + more))

    def _unknown(self, targets: tuple[Record, ...]) -> Ask | None:
        view = self.view
        survey = Survey(targets[0].instance_arn)
        if len(targets) > _MANY and not view.facts.knows(survey):
            return Ask((survey,))
        questions = [LookAt(r.instance_arn, r.id) for r in targets if self._shown(r) is None]
        unknown = tuple(q for q in questions if not view.facts.knows(q))
        return Ask(unknown) if unknown else None

    def _shown(self, record: Record) -> Group | None:
        """The group as reads show it, None if reads do not show it."""
        facts = self.view.facts
        question = LookAt(record.instance_arn, record.id)
        if facts.knows(question):
            return facts.group(question)
        survey = Survey(record.instance_arn)
        if facts.knows(survey):
            return self.view.surveyed(survey).by_id.get(record.id)
        return None

    def _kept_by_others(self, targets: tuple[Record, ...]) -> Step | Wait | None:
        """Forget groups that are gone, and groups that now have another owner or none."""
        forgotten, warnings, doubtful = [], [], []
        for record in targets:
            group = self._shown(record)
            if group is None or record.id in self.view.facts.gone:
                forgotten.append(record)
                continue
            owner = passed_on(self.view, group)
            # a read may still show the tags from before the group came to this stack
            is_old = owner is not None and shows_the_past(record, owner)
            is_nobodys = Owner.of(group.tags) is None and record.origin is Origin.MADE
            if is_nobodys or (is_old and not self._is_released(record)):
                doubtful.append((record, passed_on_warning(self.view, record, owner)))
            elif owner is not None and not is_old:
                forgotten.append(record)
                warnings.append(passed_on_warning(self.view, record, owner))
        if forgotten:
            return Step(forgotten=tuple(forgotten), warnings=tuple(warnings))
        if not doubtful:
            return None
        records, warned = zip(*doubtful, strict=True)
        doing = f"deleting hierarchy group {quoted(self.view.path_of(records[0]))}"
        forget = Step(forgotten=records, warnings=warned)
        return Wait(doing, "it does not show this stack's tags", forget)

    # one group ---------------------------------------------------------------------------------

    def _next(self, targets: tuple[Record, ...]) -> Decision:
        view = self.view
        parents = {record.parent_id for record in targets}
        calls: list[Call] = []
        for record in deepest_first(targets):
            if error := view.facts.refused.get(record.slot):
                return self._hold((record,), error)
            if self._is_released(record):
                calls.append(release(record, self._shown(record)))
            elif record.id in parents:
                continue
            elif record.id in view.facts.in_use:
                return self._empty(record)
            else:
                calls.append(Delete(record))
        # a parent waits until its children are gone
        first = type(calls[0])
        return Step(calls=tuple(c for c in calls if type(c) is first)[: view.at_once])

    def _is_released(self, record: Record) -> bool:
        """Whether an adopted group goes back to its former owner."""
        view = self.view
        if record.origin is not Origin.ADOPTED:
            return False
        if view.direction is Direction.GONE:
            return view.wish.adopt_existing
        return view.direction is Direction.BACK or self._home(record) is None

    def _home(self, record: Record) -> Record | None:
        """The group that replaces a retired one."""
        for other in self.view.own:
            is_live = other.phase is Phase.LIVE and other.id and other.id != record.id
            same = (other.key, other.instance_arn) == (record.key, record.instance_arn)
            if is_live and same and record.phase is not Phase.LIVE:
                return other
        return None

    def _empty(self, record: Record) -> Decision:
        """Find out what is in a group that the service refused to delete."""
        view = self.view
        doing = f"deleting hierarchy group {quoted(view.path_of(record))}"
        question = FindAgents(record.instance_arn, record.id)
        if not view.facts.knows(question):
            return Ask((question,))
        agents = view.facts.agents(question)
        home = self._home(record)
        if agents and home is not None:
            return self._move(record, agents, home.id)
        below = children_of(view, [record])
        if isinstance(below, Ask):
            return below
        strangers = strangers_among(view, below)
        if isinstance(strangers, Ask):
            return strangers
        # searches show groups that are gone: only those on record count, and strangers' that exist
        below = [g for g in below if g.id in view.records or g in strangers]
        policy = policy_of(view, record)
        may_leave = agents and not below
        if may_leave and policy == AgentsOnDelete.UNASSIGN:
            return self._move(record, agents, None)
        if may_leave and policy == AgentsOnDelete.MOVE_TO_PARENT and record.parent_id:
            return self._way_up(record, agents, doing) or self._move(
                record, agents, record.parent_id
            )
        return self._blocked(record, agents, below, doing)

    def _move(self, record: Record, agents: tuple[Agent, ...], group_id: str | None) -> Step:
        at_once = self.view.agents_at_once
        return Step(calls=tuple(MoveAgent(record, a, group_id) for a in agents[:at_once]))

    def _blocked(
        self, record: Record, agents: tuple[Agent, ...], below: list[Group], doing: str
    ) -> Decision:
        view = self.view
        if agents:
            error = HierarchyError(
                doing,
                agents_in(agents),
                "move them, or set agents_on_delete and deploy, then delete",
            )
            question = AskAgent(record.instance_arn, agents[0].id)
            if not view.facts.knows(question):
                return Ask((question,))
            policy = policy_of(view, record)
            climbs = policy == AgentsOnDelete.MOVE_TO_PARENT and record.parent_id is not None
            is_kept = policy != AgentsOnDelete.UNASSIGN and not climbs
            if is_kept and view.facts.answers[question] == record.id:
                return self._hold((record,), error)
            return Wait(doing, "searches still show agents in it", self._hold((record,), error))
        if below:
            names = listed([quoted(group.name) for group in below])
            error = HierarchyError(
                doing, f"it has child groups: {names}", "delete or move these first"
            )
        else:
            error = HierarchyError(
                doing, view.facts.in_use[record.id], "find what uses it, then delete again"
            )
        return Wait(doing, "it is in use", self._hold((record,), error))

    def _hold(self, records: tuple[Record, ...], error: HierarchyError) -> Step:
        view = self.view
        return Step(
            records=tuple(
                replace(
                    record,
                    phase=Phase.LEFT,
                    changed_by=view.request,
                    left_for=view.physical_id,
                    why=str(error),
                )
                for record in records
            )
        )

    def _way_up(self, record: Record, agents: tuple[Agent, ...], doing: str) -> Ask | Step | None:
        """Refuse to move agents up where the whole stack goes and a group above lets none go."""
        view = self.view
        if not view.stack_goes:
            return None
        if not view.facts.knows(ReadTemplate()):
            return Ask((ReadTemplate(),))
        template = view.facts.template() or {}
        above = self._above(record)
        while isinstance(above, Record) and is_declared(template, above):
            declaration = template[above.resource]
            if declaration.get("Type") != ResourceType.GROUP:
                return None
            stays = above.origin is Origin.ADOPTED
            stays = stays or declaration.get("DeletionPolicy", "Delete") != "Delete"
            policy = declaration.get("Properties", {}).get(GroupProperty.AGENTS_ON_DELETE)
            if stays or policy == AgentsOnDelete.UNASSIGN:
                return None
            if policy != AgentsOnDelete.MOVE_TO_PARENT:
                why = agents_in(agents) + lets_no_agents_go(above)
                remedy = "move them to a group that stays, then delete again"
                return self._hold((record,), HierarchyError(doing, why, remedy))
            above = self._above(above)
        return None if isinstance(above, Record) else above

    def _above(self, record: Record) -> Record | Ask | Step | None:
        """The group above, if it is of this stack. A lost ledger learns its record first."""
        view, parent_id = self.view, record.parent_id
        if parent_id is None or parent_id in view.records:
            return view.records.get(parent_id or "")
        question = LookAt(record.instance_arn, parent_id)
        if not view.facts.knows(question):
            return Ask((question,))
        group = view.facts.group(question)
        owner = Owner.of(group.tags) if group else None
        if group is None or owner is None or owner.stack != view.resource.stack:
            return None
        return Step(records=(learned_elsewhere(view, group, owner),))


def agents_in(agents: tuple[Agent, ...]) -> str:
    """The agents in a group, as an error names them."""
    names = listed([quoted(agent.username) for agent in agents])
    return f"{len(agents)} agent(s) are in it: {names}"
