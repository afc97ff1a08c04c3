"""Work on many resources at once, each as soon as those that it waits for are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from local_aws.clock import Clock
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.resource_types import ResourceCancelledError, ResourceFailedError
from local_aws.cloudformation.stacks import Resource
from local_aws.cloudformation.template import UnresolvableError


def never() -> bool:
    """Nobody cancels this."""
    return False


@dataclass
class Run:
    """One such piece of work, and its outcome."""

    outer_cancelled: Callable[[], bool] = never
    """Whether the whole operation was stopped."""

    stopped: bool = False
    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """The reasons of those that failed by themselves."""

    given_up: set[str] = field(default_factory=set)
    """Those that were under way when another one failed."""

    ended: list[str] = field(default_factory=list)

    def cancelled(self) -> bool:
        """Whether work that is still under way is no longer wanted."""
        return self.stopped or self.outer_cancelled()


class OrderedWork:
    """Starts tasks of a clock in the order of a dependency graph."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(
        self,
        graph: Mapping[str, frozenset[str]],
        work: Callable[[str, Run], None],
        *,
        go_on: bool = False,
        cancelled: Callable[[], bool] = never,
    ) -> Run:
        """Do the work for each name, as soon as it is done for all names that it waits for.

        After a failure, nothing further begins; with `go_on`, only names that wait for the failed
        one are left out. Returns when no work is under way.
        """
        run = Run(cancelled)
        waiting = list(graph)
        started = 0
        while True:
            # read first, so that work which ends during this round leads to another one
            ended = len(run.ended)
            ready = [] if run.cancelled() else [n for n in waiting if graph[n] <= run.done]
            for name in ready:
                waiting.remove(name)
                self._clock.spawn(name, partial(self._do, run, name, work, go_on=go_on))
            started += len(ready)
            if ended == started:
                return run
            self._clock.wait_until(partial(_more_ended, run, ended))

    def _do(self, run: Run, name: str, work: Callable[[str, Run], None], *, go_on: bool) -> None:
        try:
            work(name, run)
            run.done.add(name)
        except ResourceCancelledError:
            run.given_up.add(name)
        except (ResourceFailedError, UnresolvableError, ValidationError) as error:
            run.failed[name] = str(error)
            run.stopped = not go_on
        except Exception as error:
            # a bug in this program: the watcher of the threads has to see it, and the stack
            # must not look as if it had succeeded
            run.failed[name] = internal_failure(error)
            run.stopped = not go_on
            raise
        finally:
            run.ended.append(name)
            self._clock.changed()


def internal_failure(error: Exception) -> str:
    """The status reason for an unexpected error."""
    return f"Internal Failure: {error!r}"


def _more_ended(run: Run, ended: int) -> bool:
    return len(run.ended) > ended


def dependents_first(nodes: Mapping[str, Resource]) -> dict[str, frozenset[str]]:
    """The order of removal: each resource waits for those that depend on it."""
    dependents: dict[str, set[str]] = {key: set() for key in nodes}
    by_logical_id: dict[str, list[str]] = {}
    for key, resource in nodes.items():
        by_logical_id.setdefault(resource.logical_id, []).append(key)
    for key, resource in nodes.items():
        for name in resource.depends_on:
            for dependency in by_logical_id.get(name, []):
                dependents[dependency].add(key)
    return {key: frozenset(waits) for key, waits in dependents.items()}
