"""What a run remembers from one turn to the next, and how long it doubts what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
from connect_hierarchy_lambda.core.direction import Course
from connect_hierarchy_lambda.core.facts import (
    Facts,
    FindAgents,
    FindAtLevel,
    FindChildren,
    FindHolder,
    ListNames,
    LookAt,
    ReadLevels,
    Survey,
)
from connect_hierarchy_lambda.model.ledger import Entry, Record
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.ports.time import Clock

STALE_SECONDS = 120.0
"""How long an answer is doubted that can be stale."""

OF_OTHERS = (FindHolder, FindChildren, FindAgents)
"""What other runs of the stack may have changed since the last turn."""

VOLATILE = (*OF_OTHERS, FindAtLevel, LookAt, ListNames, ReadLevels, Survey)
"""What may be another thing after a wait."""


class Pause(Exception):  # noqa: N818 - it ends a turn, nothing is wrong
    """The turn ends here, and the run goes on after a while.

    `first` and `longest` are the seconds of the first such pause and of the longest.
    """

    def __init__(self, doing: str, why: str, *, first: float = 0.5, longest: float = 4.0) -> None:
        self.doing, self.why, self.first, self.longest = doing, why, first, longest
        super().__init__(doing)


@dataclass
class Memory:
    """What a run remembers from one turn to the next."""

    clock: Clock
    serial: int = -1
    """Of the latest turn, -1 where the ledger has to be read anew."""

    is_alone: bool = False
    """Whether nobody else had the turn between this one and the one before."""

    entry: Entry | None = None
    records: dict[str, Record] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    since: dict[str, float] = field(default_factory=dict)
    """Since when the run waits for what, in seconds since 1970."""

    pauses: dict[str, float] = field(default_factory=dict)
    """Seconds of the next pause, by what it is for."""

    course: Course | None = None
    is_unknown: bool = False
    at_rest: float = 0.0
    """When the stack was known to be at rest, in seconds since 1970."""

    replaced: dict[str, str] | None = None
    """The ids that took the place of others, None where they were not read yet."""

    def is_over(self, what: str) -> bool:
        """Whether this was waited for long enough; asked for the first time, the wait begins."""
        now = self.clock.now()
        return now - self.since.setdefault(what, now) >= STALE_SECONDS

    def doubt(self, what: str, error: HierarchyError) -> None:
        """Raise the error once it has been doubted for long enough."""
        if self.is_over(what):
            raise error

    def is_recent(self, group_id: str) -> bool:
        """Whether a group was created so short ago that reads may not show it yet."""
        record = self.records.get(group_id)
        return record is not None and self.clock.now() - record.made_at < STALE_SECONDS

    def forget(self, kinds: tuple[type, ...]) -> None:
        """Forget answers that others may have made wrong meanwhile."""
        facts = self.facts
        facts.answers = {q: a for q, a in facts.answers.items() if not isinstance(q, kinds)}
        facts.taken.clear()
        facts.in_use.clear()

    def learn(self, made: Call, after: Record | None) -> None:
        """Keep the facts true after a call that succeeded."""
        facts, record = self.facts, made.record
        if isinstance(made, Rename | Tag | Untag):
            facts.written.add(record.id)
        listed = facts.answers.get(ListNames(record.instance_arn))
        match made:
            case Create() if after is not None:
                if listed is not None:
                    listed[after.id] = after.name
            case Rename():
                self.free(record)
                look = LookAt(record.instance_arn, record.id)
                if (shown := facts.answers.get(look)) is not None:
                    facts.answers[look] = replace(shown, name=made.name)
                if listed is not None:
                    listed[record.id] = made.name
            case Delete():
                facts.gone.add(record.id)
                facts.in_use.pop(record.parent_id or "", None)
                self.free(record)
            case PutLevels():
                facts.answers[ReadLevels(record.instance_arn)] = made.names
                facts.put_levels.add(record.instance_arn)
                facts.in_use.clear()
            case MoveAgent():
                facts.note_move(made.agent, made.group_id)
                facts.in_use.pop(record.id, None)
                facts.answers.pop(FindAgents(record.instance_arn, made.group_id or ""), None)
            case _:
                pass

    def free(self, record: Record) -> None:
        """A group has left its name, whatever that was: another one can try to take it."""
        facts = self.facts
        shown = facts.answers.get(LookAt(record.instance_arn, record.id))
        listed = facts.answers.get(ListNames(record.instance_arn)) or {}
        names = {record.name, shown.name if shown else "", listed.get(record.id)}
        free = {p for p in facts.taken if p[0] == record.instance_arn and p[2] in names}
        for question, holder in facts.answers.items():
            if isinstance(question, FindHolder) and holder is not None and holder.id == record.id:
                free.add(question.place)
        facts.taken -= free
        for place in free:
            facts.answers.pop(FindHolder(place), None)
