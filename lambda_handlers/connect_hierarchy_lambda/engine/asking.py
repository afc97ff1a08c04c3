"""Finding out what a decision depends on, again later if reads do not show it yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from connect_hierarchy_lambda.core.direction import StackStatus
from connect_hierarchy_lambda.core.facts import (
    FindHolder,
    ListNames,
    LookAt,
    Question,
    ReadTemplate,
)
from connect_hierarchy_lambda.core.wish import Direction
from connect_hierarchy_lambda.engine.calls import answers, doing, error_of
from connect_hierarchy_lambda.engine.memory import Memory, Pause
from connect_hierarchy_lambda.ports.calls import NOT_FOUND, PassingError, Refusal
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.stack import OwnStack, stack_error

T = TypeVar("T")


class Asking:
    """Asks Amazon Connect and the own stack, and remembers the answers."""

    def __init__(self, memory: Memory, connect: Connect, own_stack: OwnStack) -> None:
        self._memory = memory
        self._connect = connect
        self._own_stack = own_stack

    def status(self) -> StackStatus | None:
        """The status of the stack, None if it cannot be read."""
        text = self._of_stack(self._own_stack.status)
        return None if text is None else StackStatus(text)

    def template(self) -> Mapping[str, Any] | None:
        """The declarations of the stack, None if they cannot be read."""
        facts = self._memory.facts
        if not facts.knows(ReadTemplate()):
            facts.answers[ReadTemplate()] = self._of_stack(self._own_stack.template)
        return facts.template()

    def _of_stack(self, read: Callable[[], T]) -> T:
        what = "reading the own stack"
        try:
            return read()
        except PassingError as error:
            raise Pause(what, error.why) from None
        except Refusal as refusal:
            self._memory.doubt(what, stack_error(refusal))
            raise Pause(what, str(refusal)) from None

    def ask(self, questions: tuple[Question, ...]) -> None:
        """Find the answers; Pause if an answer may come later."""
        if ReadTemplate() in questions:
            self.template()
        others = [q for q in questions if q != ReadTemplate()]
        remaining = list(others)
        try:
            for question, answer in answers(self._connect, others):
                self._memory.facts.answers[question] = answer
                remaining.remove(question)
        except PassingError as error:
            raise Pause(doing(remaining[0]), error.why) from None
        except Refusal as refusal:
            self._refused(remaining[0], refusal)

    def _refused(self, question: Question, refusal: Refusal) -> None:
        memory = self._memory
        if refusal.code == NOT_FOUND:
            memory.facts.answers[question] = self._nothing(question, refusal)
            return
        error = error_of(question, refusal)
        if not refusal.is_doubtful:
            raise error
        memory.doubt(doing(question), error)
        raise Pause(doing(question), str(refusal)) from None

    def _nothing(self, question: Question, refusal: Refusal) -> Any:
        """The answer about something that does not exist, once that is certain."""
        memory = self._memory
        if isinstance(question, LookAt):
            what = f"{doing(question)}, which does not show"
            if memory.is_recent(question.id) and not memory.is_over(what):
                raise Pause(what, str(refusal), first=1.0, longest=15.0) from None
            return None
        # an instance that is gone has no agents, groups or names
        if not memory.is_over(doing(question)):
            raise Pause(doing(question), str(refusal), first=1.0, longest=15.0) from None
        if memory.course is not None and memory.course.direction is Direction.FORWARD:
            raise error_of(question, refusal)
        if isinstance(question, FindHolder):
            return None
        return {} if isinstance(question, ListNames) else ()
