"""Virtual time: threads that run one at a time, and a clock that jumps to the next thing to do.

A history of hours takes milliseconds, and the same seed gives the same interleaving.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from local_aws.clock import Task


class TaskKilledError(BaseException):
    """Raised inside a task that was killed; like SystemExit, no `except Exception` stops it."""


class DeadlockError(Exception):
    """Every task waits for a change, and none is left that could bring it."""


@dataclass(eq=False)
class VirtualTask:
    """One thread of a virtual clock."""

    name: str
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    wake_at: float | None = None
    condition: Callable[[], bool] | None = None
    condition_held: bool = False
    killed: bool = False
    done: bool = False

    def kill(self) -> None:
        """End this task where it waits now, or at its next wait."""
        self.killed = True


class VirtualClock:
    """A `Clock` whose time passes only while every task waits.

    Exactly one task runs at a time, so what runs between two waits needs no lock. `order` picks
    among the tasks that could go on; without it they go on in the order in which they began.
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
        """Let others run until so many virtual seconds have passed."""
        self._wait(self._now + max(seconds, 0.0), None)

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Let others run till `condition` holds, or for `timeout` virtual seconds."""
        return self._wait(None if timeout is None else self._now + timeout, condition)

    def changed(self) -> None:
        """Nothing to do: conditions are looked at whenever a task waits."""

    def spawn(self, name: str, target: Callable[[], None]) -> Task:
        """Run `target` as a further task, from the caller's next wait on."""
        task = VirtualTask(name, wake_at=self._now)
        self._waiting.append(task)

        def run() -> None:
            task.turn.acquire()
            try:
                if not task.killed:
                    target()
            except TaskKilledError:
                pass
            except BaseException as error:  # noqa: BLE001 - the main task raises it
                self._failure = self._failure or error
            task.done = True
            self._hand_over(self._next())

        threading.Thread(target=run, name=name, daemon=True).start()
        return task

    def close(self) -> None:
        """Kill every other task; called by the task that made the clock."""
        while self._waiting:
            for task in self._waiting:
                task.kill()
            self.sleep(0)

    def _wait(self, wake_at: float | None, condition: Callable[[], bool] | None) -> bool:
        me = self._running
        me.wake_at, me.condition, me.condition_held = wake_at, condition, False
        self._waiting.append(me)
        following = self._next()
        if following is not me:
            self._hand_over(following)
            me.turn.acquire()
        if me.killed:
            raise TaskKilledError
        if me is self._main and self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return me.condition_held

    def _hand_over(self, task: VirtualTask) -> None:
        self._running = task
        task.turn.release()

    def _next(self) -> VirtualTask:
        """Take the task that goes on, and put the time forward where none could at once."""
        ready = self._ready()
        if not ready:
            wakes = [task.wake_at for task in self._waiting if task.wake_at is not None]
            if wakes:
                self._now = max(self._now, min(wakes))
                ready = self._ready()
            elif self._main in self._waiting:
                names = ", ".join(task.name for task in self._waiting)
                self._failure = self._failure or DeadlockError(f"nothing can go on: {names}")
                ready = [self._main]
        task = ready[0] if self._order is None else self._order.choice(ready)
        self._waiting.remove(task)
        return task

    def _ready(self) -> list[VirtualTask]:
        ready = []
        for task in self._waiting:
            if task.killed or (task is self._main and self._failure is not None):
                ready.append(task)
            elif task.condition is not None and task.condition():
                task.condition_held = True
                ready.append(task)
            elif task.wake_at is not None and task.wake_at <= self._now:
                ready.append(task)
        return ready
