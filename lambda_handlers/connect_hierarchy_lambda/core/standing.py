"""Making every node of a wish stand: a group under the wished parent, with name, tags and owner.

Each step makes the calls that can be made now, since earlier steps have done what they depend on.
So parents come before their children, and a rename comes after the rename that releases its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from connect_hierarchy_lambda.core.decisions import (
    Ask,
    Call,
    Create,
    Decision,
    Refuse,
    Rename,
    Step,
    Tag,
    Untag,
    Wait,
)
from connect_hierarchy_lambda.core.facts import (
    FindHolder,
    ListNames,
    LookAt,
    Place,
    ReadTemplate,
    Survey,
)
from connect_hierarchy_lambda.core.learning import learned_elsewhere
from connect_hierarchy_lambda.core.names import (
    Holder,
    adoption_error,
    displace,
    holder_of,
    kept_name_error,
    make_room,
    taken_error,
)
from connect_hierarchy_lambda.core.releasing import release
from connect_hierarchy_lambda.core.template import declared_place, is_declared
from connect_hierarchy_lambda.core.view import View, changed, is_certain
from connect_hierarchy_lambda.core.wish import WishedGroup
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ledger import Intention, Origin, Phase, Record
from connect_hierarchy_lambda.model.limits import MAX_TAGS
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import OWNER_TAGS, Owner

_MANY = 2
"""From this many groups on, listing all groups is cheaper than describing each."""


def stand(view: View) -> Decision | None:
    """The next decision that brings the groups nearer to the wish; None if all nodes stand."""
    return _survey(view) or _Standing(view).decide()


def _survey(view: View) -> Decision | None:
    """Ask once for all groups if the wish has many."""
    names = ListNames(view.wish.instance_arn)
    live = [r for r in view.own if r.id and r.instance_arn == view.wish.instance_arn]
    if len(live) >= _MANY and not view.facts.knows(names):
        return Ask((names,))
    survey = Survey(view.wish.instance_arn)
    missing = [node for node in view.wish.nodes if node.key not in view.standing]
    adopts = view.wish.adopt_existing and not view.goes_back
    if adopts and len(missing) >= _MANY and not view.facts.knows(survey):
        return Ask((survey,))
    return None


@dataclass
class _Standing:
    """Collects what can be done for the nodes, then chooses what comes first."""

    view: View
    calls: list[Call] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    forgotten: list[Record] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    others: list[Decision] = field(default_factory=list)
    """Questions, waits and refusals."""

    blocked: list[Record] = field(default_factory=list)
    """Own groups that get another name, and whose present name another node of the wish needs."""

    def decide(self) -> Decision | None:
        for node, parent_id in self.view.reachable:
            record = self.view.standing.get(node.key) or self.view.rekeyed.get(node.key)
            if record is not None:
                self._keep(node, record)
            else:
                self._arrive(node, parent_id)
        refusals = [d for d in self.others if isinstance(d, Refuse)]
        if refusals:
            return refusals[0]
        questions = tuple(q for d in self.others if isinstance(d, Ask) for q in d.questions)
        if questions:
            return Ask(tuple(dict.fromkeys(questions)))
        # writing records takes no call, and later decisions depend on it
        if self.records or self.forgotten:
            records, forgotten = tuple(self.records), tuple(self.forgotten)
            return Step(records=records, forgotten=forgotten, warnings=tuple(self.warnings))
        if self.calls:
            return Step(calls=_alike(self.calls, self.view.at_once))
        steps = [d for d in self.others if isinstance(d, Step)]
        if steps:
            return steps[0]
        if self.blocked:
            return displace(self.view, self.blocked[0])
        return self.others[0] if self.others else None

    # groups that are there ---------------------------------------------------------------------

    def _keep(self, node: WishedGroup, record: Record) -> None:
        view = self.view
        if record.id in view.apart:
            return
        if record.id in view.facts.gone:
            self.forgotten.append(record)
            self.warnings.append(f"group {record.id} was deleted outside of this stack")
            return
        if self._is_undone_adoption(record):
            self._release(record)
            return
        as_wished = self._as_wished(node, record)
        if as_wished is not record and as_wished != record:
            self.records.append(as_wished)
            return
        if record.open_tags and record.slot not in view.facts.refused:
            # until an adoption is made, the owner of the group decides its name
            self._tag(node, record)
            return
        if is_certain(record) and record.name == node.name:
            shown = self._shown_name(node, record)
            if shown is None:
                return
            if shown == record.name:
                self._tag(node, record)
                return
        if not self._rename(node, record):
            self._tag(node, record)

    def _is_undone_adoption(self, record: Record) -> bool:
        """Whether a rollback gives a group back; the node's own one was gone before."""
        view = self.view
        can_go = record.origin is Origin.ADOPTED and record.slot not in view.facts.refused
        return view.goes_back and view.is_undone(record) and can_go

    def _release(self, record: Record) -> None:
        question = LookAt(record.instance_arn, record.id)
        if self.view.facts.knows(question):
            self.calls.append(release(record, self.view.facts.group(question)))
        else:
            self.others.append(Ask((question,)))

    def _shown_name(self, node: WishedGroup, record: Record) -> str | None:
        """The present name of a group, None if it has to be asked first.

        It is not asked for a single group whose wish did not change.
        """
        facts = self.view.facts
        names = ListNames(record.instance_arn)
        if facts.knows(names) and record.id in facts.names(names):
            return facts.names(names)[record.id]
        wanted = {**node.tags, **self.view.resource.tags(node.key)}
        is_same = self.view.previous is None or self.view.previous == self.view.wish
        is_known = wanted == record.tags and (is_same or record.id in facts.written)
        if not facts.knows(names) and is_known:
            return record.name
        if not self._is_there(record):
            return None
        group = facts.group(LookAt(record.instance_arn, record.id))
        return group.name if group else None

    def _as_wished(self, node: WishedGroup, record: Record) -> Record:
        """The record with the changes that take no call."""
        view, wished = self.view, record
        if record.phase is not Phase.LIVE or record.key != node.key:
            wished = replace(
                view.with_image(record),
                key=node.key,
                phase=Phase.LIVE,
                came_by=record.came_by if view.goes_back else view.request,
                changed_by="",
                left_for="",
                why="",
            )
        if record.origin is Origin.ADOPTED and not (view.wish.adopt_existing or view.goes_back):
            wished = replace(view.with_image(wished), origin=Origin.MADE)
        policy = node.agents_on_delete or ""
        # most records stay as they are, and there can be thousands
        is_same = wished.agents_on_delete == policy
        return wished if is_same else replace(wished, agents_on_delete=policy)

    def _is_there(self, record: Record) -> bool:
        """Whether a group exists although no list shows it; lists can lag."""
        question = LookAt(record.instance_arn, record.id)
        if not self.view.facts.knows(question):
            self.others.append(Ask((question,)))
            return False
        if self.view.facts.group(question) is None:
            self.forgotten.append(record)
            return False
        return True

    def _rename(self, node: WishedGroup, record: Record) -> bool:
        """Whether there is something to do about the name."""
        view = self.view
        place = (record.instance_arn, record.parent_id, node.name)
        # renamed by hand, the group has another name than its record
        present = record.id if record.name == node.name else quoted(record.name)
        doing = f"renaming hierarchy group {present} to {quoted(node.name)}"
        if error := view.facts.refused.get(record.slot):
            if not view.goes_back:
                self.others.append(Refuse(error))
            return not view.goes_back
        if self._is_held_by_own(record, place):
            return True
        if place in view.facts.taken:
            holder = holder_of(view, place, doing)
            if not isinstance(holder, Holder):
                return self._add(holder, record.slot)
            if holder.group.id != record.id:
                room = make_room(view, holder, place, doing)
                return self._add(room or Refuse(taken_error(holder, doing)), record.slot)
        self.calls.append(Rename(record, node.name))
        return True

    def _add(self, decision: Decision, slot: str) -> bool:
        """Note a decision; a rollback goes on without a name that it cannot have."""
        if self.view.goes_back and isinstance(decision, Refuse):
            return False
        if isinstance(decision, Wait):
            decision = replace(decision, slot=slot)
        self.others.append(decision)
        return True

    def _is_held_by_own(self, taker: Record | None, place: Place) -> bool:
        """Whether another group of this resource has the name, so that it is handled first."""
        view = self.view
        for holder in view.own:
            if holder is taker or not holder.id or holder.place != place:
                continue
            if not is_certain(holder) or holder.id in view.facts.gone:
                continue
            node = view.wish.by_key.get(holder.key)
            stays = node is not None and view.standing.get(holder.key) == holder
            if stays and node is not None and node.name != place[2]:
                self.blocked.append(holder)
                return True
            if not stays and holder in view.released and not view.goes_back:
                doing = f"giving the name {quoted(place[2])} to another group"
                self.others.append(Refuse(kept_name_error(view, holder, doing)))
                return True
            if not stays:
                self.others.append(displace(view, holder))
                return True
        return False

    def _tag(self, node: WishedGroup, record: Record) -> None:
        view = self.view
        wanted = {**node.tags, **view.resource.tags(node.key)}
        new = changed(record, wanted)
        old = tuple(sorted(record.tags.keys() - wanted.keys()))
        if not new and not old:
            return
        if error := view.facts.refused.get(record.slot):
            if not view.goes_back:
                self.others.append(Refuse(error))
            return
        if record.origin is Origin.ADOPTED and (unknown := self._overwritten(record, new)):
            question = LookAt(record.instance_arn, record.id)
            if not view.facts.knows(question):
                self.others.append(Ask((question,)))
                return
            group = view.facts.group(question)
            found = {k: group.tags.get(k) if group else None for k in unknown}
            record = replace(record, as_found={**record.as_found, **found})
        found = dict(record.as_found)
        back = {
            k: value for k in old if (value := found.get(k)) is not None and k not in OWNER_TAGS
        }
        if back:
            self.calls.append(Tag(record, back, gives_back=True))
            return
        has_room = len({*record.tags, *new}) <= MAX_TAGS
        if new and (has_room or not old):
            self.calls.append(Tag(record, new))
        else:
            self.calls.append(Untag(record, old))

    def _overwritten(self, record: Record, new: dict[str, str]) -> list[str]:
        """Keys of tags that are about to be written for the first time, without a noted value."""
        ours = self.view.resource.tags(record.key)
        return [k for k in new if k not in {*record.tags, *record.as_found, *ours}]

    # groups that are not there -----------------------------------------------------------------

    def _arrive(self, node: WishedGroup, parent_id: str | None) -> None:
        view = self.view
        place = (view.wish.instance_arn, parent_id, node.name)
        doing = f"creating hierarchy group {quoted(' / '.join(node.path))}"
        new = Record(
            instance_arn=view.wish.instance_arn,
            parent_id=parent_id,
            name=node.name,
            resource=view.resource.logical_id,
            key=node.key,
            tags={**node.tags, **view.resource.tags(node.key)},
            agents_on_delete=node.agents_on_delete or "",
            came_by=view.request,
        )
        if error := view.facts.refused.get(new.slot):
            if not view.goes_back:
                self.others.append(Refuse(error))
        elif self._is_held_by_own(None, place):
            return
        elif group := self._surveyed(place):
            self._meet(node, Holder(group, view.records.get(group.id)), new, doing)
        elif place in view.facts.taken:
            holder = holder_of(view, place, doing)
            if isinstance(holder, Holder):
                self._meet(node, holder, new, doing)
            else:
                self._add(holder, new.slot)
        else:
            self.calls.append(Create(new))

    def _surveyed(self, place: Place) -> Group | None:
        """A group without a record that a survey shows at a place."""
        survey = Survey(place[0])
        if not self.view.facts.knows(survey):
            return None
        for group in self.view.surveyed(survey).below.get(place[1], ()):
            is_free = group.id not in self.view.records and group.id not in self.view.facts.gone
            if is_free and group.name == place[2]:
                return group
        return None

    def _meet(self, node: WishedGroup, holder: Holder, new: Record, doing: str) -> None:
        """Decide about a node without a group whose place another group has."""
        view, record, group = self.view, holder.record, holder.group
        is_here = group.parent_id == new.parent_id
        # a node that moves brings its own group along, and takes over no other
        is_moving = any(old.key == node.key for old in view.moved)
        owner = Owner.of(group.tags)
        if record is None and owner is not None and owner.stack == view.resource.stack:
            # the ledger was lost: the record of a group with this stack's tags is restored first
            self.records.append(learned_elsewhere(view, group, owner))
            return
        if record is None:
            error = adoption_error(view, group, doing) if is_here else taken_error(holder, doing)
            if is_moving and error is None:
                error = taken_error(holder, doing)
            if error is not None or view.goes_back:
                self._add(Refuse(error or taken_error(holder, doing)), new.slot)
            else:
                self._adopt(node, group)
            return
        is_others = record.resource != view.resource.logical_id
        if is_here and is_others and not (is_moving or view.goes_back):
            passes = self._passes_on(record)
            if isinstance(passes, Ask):
                self.others.append(passes)
                return
            if passes:
                self._take_over(node, record)
                return
        room = make_room(view, holder, new.place, doing)
        self._add(room or Refuse(taken_error(holder, doing)), new.slot)

    def _passes_on(self, record: Record) -> bool | Ask:
        """Whether a group of another resource may be taken over.

        It leaves the template, or it is LEFT and its own resource does not come back to its parent.
        """
        view = self.view
        if not view.facts.knows(ReadTemplate()):
            return Ask((ReadTemplate(),))
        template, is_left = view.facts.template(), record.phase is Phase.LEFT
        if template is None:
            return is_left
        if not is_declared(template, record):
            return True
        declared = declared_place(template, record, view.records)
        return is_left and (declared is None or declared[0] != record.parent_id)

    def _adopt(self, node: WishedGroup, group: Group) -> None:
        view = self.view
        wanted = {**node.tags, **view.resource.tags(node.key)}
        found = {k: group.tags.get(k) for k in node.tags if group.tags.get(k) != node.tags[k]}
        former = {k: group.tags[k] for k in OWNER_TAGS if k in group.tags}
        record = Record(
            instance_arn=view.wish.instance_arn,
            parent_id=group.parent_id,
            name=group.name,
            resource=view.resource.logical_id,
            key=node.key,
            id=group.id,
            origin=Origin.ADOPTED,
            tags=former,
            as_found={**found, **former},
            came_by=view.request,
            agents_on_delete=node.agents_on_delete or "",
        )
        self.calls.append(Tag(record, wanted))

    def _take_over(self, node: WishedGroup, record: Record) -> None:
        view = self.view
        if not is_certain(record):
            # a rename never ended: the group was found by the name that it still has
            record = replace(record.settled(), name=node.name)
        taken = replace(
            view.with_image(record),
            resource=view.resource.logical_id,
            key=node.key,
            phase=Phase.LIVE,
            displaced=None,
            came_by=view.request,
            changed_by="",
            left_for="",
            why="",
        )
        self.calls.append(Tag(taken, {**node.tags, **view.resource.tags(node.key)}))


def _alike(calls: list[Call], at_once: int) -> tuple[Call, ...]:
    """The first calls of one kind: they do not depend on each other."""
    first = type(calls[0])
    return tuple(call for call in calls if type(call) is first)[:at_once]


def settle(view: View) -> Decision | None:
    """Settle creations whose answer was lost.

    Making the same call again is the one question whose answer cannot be old: either it creates the
    group now, or the name is taken, and the holder's owner tags say whether the group is this
    stack's. A refusal for another reason says nothing about the first call; then reads have to
    decide.
    """
    for record in view.own:
        if record.intention is not Intention.CREATE:
            continue
        doing = f"creating hierarchy group {quoted(record.name)}"
        if record.place not in view.facts.taken and record.slot not in view.facts.refused:
            return Step(calls=(Create(record),))
        question = FindHolder(record.place)
        if not view.facts.knows(question):
            return Ask((question,))
        group = view.facts.group(question)
        if group is None:
            return Wait(doing, "it may exist and not show yet", Step(forgotten=(record,)))
        ours = view.resource.tags(record.key)
        is_ours = ours.items() <= group.tags.items() and group.parent_id == record.parent_id
        if is_ours and group.id not in view.records:
            found = replace(record.settled(), id=group.id)
            return Step(records=(found,), forgotten=(record,))
        return Step(forgotten=(record,))
    return None
