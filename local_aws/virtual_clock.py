"""Virtual time: tasks that run one at a time, and a clock that jumps to the next event.

A history of hours takes milliseconds, and the same seed gives the same interleaving.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


class TaskKilledError(BaseException):
    """Raised inside a killed task; like SystemExit, it passes through `except Exception`."""


class DeadlockError(Exception):
    """Every task waits for a change, and no task is left that could make it."""


def _held_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class VirtualTask:
    """One thread of work of a virtual clock."""

    name: str
    target: Callable[[], None] | None = None
    """Its work; None from its first turn on."""

    # a plain lock is several times faster than a semaphore, which is written in Python
    turn: threading.Lock = field(default_factory=_held_lock)
    wake_at: float | None = None
    condition: Callable[[], bool] | None = None
    killed: bool = False
    done: bool = False

    def kill(self) -> None:
        """End this task where it waits now, or at its next wait."""
        self.killed = True


class VirtualClock:
    """A `Clock` whose time passes only while every task waits.

    Exactly one task runs at a time, so what runs between two waits needs no lock. `order` picks
    among the tasks that can continue; without it, they continue in the order in which they began to
    wait. An exception that ends a task is raised in the main task, the one that made the clock.
    """

    def __init__(self, start: float = 1_800_000_000.0, order: random.Random | None = None) -> None:
        self._now = start
        self._order = order
        self._failure: BaseException | None = None
        self._main = VirtualTask("main")
        self._running = self._main
        self._waiting: list[VirtualTask] = []

    @property
    def current(self) -> VirtualTask:
        """The task that runs now."""
        return self._running

    def now(self) -> float:
        """Seconds since 1970, virtual."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let others run for this many virtual seconds."""
        self._wait(self._now + max(seconds, 0.0), None)

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Let others run until `condition` holds, or for `timeout` virtual seconds."""
        return self._wait(None if timeout is None else self._now + timeout, condition)

    def changed(self) -> None:
        """Do nothing: conditions are checked whenever a task waits."""

    def spawn(self, name: str, target: Callable[[], None]) -> VirtualTask:
        """Run `target` as another task, from the caller's next wait on."""
        task = VirtualTask(name, target, wake_at=self._now)
        self._waiting.append(task)
        return task

    def close(self) -> None:
        """Kill every other task; called by the main task, and raises what one of them raised."""
        failure = None
        while self._waiting:
            for task in self._waiting:
                task.kill()
            try:
                self.sleep(0)
            except Exception as error:  # noqa: BLE001 - raised below, when all tasks have ended
                failure = failure or error
        if failure is not None:
            raise failure

    def _wait(self, wake_at: float | None, condition: Callable[[], bool] | None) -> bool:
        me = self._running
        me.wake_at, me.condition = wake_at, condition
        self._waiting.append(me)
        following = self._next()
        if following is not me:
            self._running = following
            if following.target is None:
                following.turn.release()
            else:
                _in_thread(lambda: self._run(following))
            me.turn.acquire()
        if me.killed:
            raise TaskKilledError
        if me is self._main and self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        # nothing has run since this task was chosen, so the condition has the same value
        return condition is not None and condition()

    def _run(self, task: VirtualTask) -> Callable[[], None]:
        """Run a task and those that begin right after it ends; return how to wake the next one."""
        while True:
            target, task.target = task.target, None
            threading.current_thread().name = task.name
            try:
                if target is not None and not task.killed:
                    target()
            except TaskKilledError:
                pass
            except BaseException as error:  # noqa: BLE001 - the main task raises it
                self._failure = self._failure or error
            task.done = True
            task = self._next()
            self._running = task
            if task.target is None:
                return task.turn.release

    def _next(self) -> VirtualTask:
        """Choose the task that continues, and move the time forward if none can continue now."""
        ready = self._ready()
        if not ready:
            wakes = [task.wake_at for task in self._waiting if task.wake_at is not None]
            if wakes:
                self._now = max(self._now, min(wakes))
                ready = self._ready()
            else:
                # main waits, too, or it would run: it gets the error
                names = ", ".join(task.name for task in self._waiting)
                self._failure = DeadlockError(f"nothing can go on: {names}")
                ready = [self._main]
        task = ready[0] if self._order is None else self._order.choice(ready)
        self._waiting.remove(task)
        return task

    def _ready(self) -> list[VirtualTask]:
        """The tasks that can continue; only the first of them without an `order`."""
        ready = []
        for task in self._waiting:
            if self._can_go_on(task):
                ready.append(task)
                if self._order is None:
                    break
        return ready

    def _can_go_on(self, task: VirtualTask) -> bool:
        if task.killed or (task is self._main and self._failure is not None):
            return True
        if task.wake_at is not None and task.wake_at <= self._now:
            return True
        if task.condition is None:
            return False
        try:
            return task.condition()
        except Exception:  # noqa: BLE001 - raised again in the task itself
            return True


class _Worker:
    """A thread that does one piece of work after another.

    Most tasks are over in less time than a thread takes to start.
    """

    def __init__(self) -> None:
        self._wake = _held_lock()
        self._work: Callable[[], Callable[[], None]] | None = None
        threading.Thread(target=self._loop, daemon=True).start()

    def begin(self, work: Callable[[], Callable[[], None]]) -> None:
        """Do the work, which returns what to call when the worker is free again."""
        self._work = work
        self._wake.release()

    def _loop(self) -> None:
        while True:
            self._wake.acquire()
            work, self._work = self._work, None
            assert work is not None  # noqa: S101 - begin has set it
            wake_next = work()
            _idle.append(self)
            wake_next()


_idle: deque[_Worker] = deque()
"""Idle workers of all clocks in this process."""


def _in_thread(work: Callable[[], Callable[[], None]]) -> None:
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.begin(work)
