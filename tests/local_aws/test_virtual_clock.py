"""Virtual time passes only while everybody waits, and the same seed gives the same order."""

from __future__ import annotations

import random
import threading

import pytest

from local_aws.virtual_clock import DeadlockError, VirtualClock


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    """An hour passes in no time, and the task that sleeps less goes on first."""
    clock, woken = VirtualClock(start=1000.0), []
    for seconds in (3600.0, 1.0, 60.0):

        def sleep(seconds: float = seconds) -> None:
            clock.sleep(seconds)
            woken.append((seconds, clock.now()))

        clock.spawn("sleeper", sleep)
    clock.sleep(4000.0)
    assert woken == [(1.0, 1001.0), (60.0, 1060.0), (3600.0, 4600.0)]
    assert clock.now() == 5000.0


def test_time_stands_still_while_a_task_works() -> None:
    """Work takes no virtual time, however much of it there is."""
    clock = VirtualClock(start=0.0)
    for _ in range(100):
        clock.spawn("worker", lambda: clock.sleep(0))
    clock.sleep(0)
    assert clock.now() == 0.0


def test_a_condition_ends_a_wait_at_once() -> None:
    """wait_until returns True at the time when another task made it hold."""
    clock, done = VirtualClock(start=0.0), []

    def work() -> None:
        clock.sleep(7.0)
        done.append(True)

    clock.spawn("worker", work)
    assert clock.wait_until(lambda: bool(done), timeout=10.0)
    assert clock.now() == 7.0


def test_a_timeout_ends_a_wait() -> None:
    """wait_until returns False when its time is over, not before."""
    clock = VirtualClock(start=0.0)
    assert not clock.wait_until(lambda: False, timeout=10.0)
    assert clock.now() == 10.0


@pytest.mark.parametrize("seed", range(20))
def test_a_condition_that_no_longer_holds_does_not_count(seed: int) -> None:
    """If the first task makes a condition false again, the second keeps waiting and times out."""
    clock, free, taken, missed = VirtualClock(0.0, random.Random(seed)), [True], [], []

    def take() -> None:
        if clock.wait_until(lambda: bool(free), timeout=5.0):
            taken.append(free.pop())
        else:
            missed.append(clock.now())

    for _ in range(3):
        clock.spawn("taker", take)
    clock.sleep(10.0)
    assert (len(taken), missed) == (1, [5.0, 5.0])


def test_the_same_seed_gives_the_same_interleaving() -> None:
    """Three seeds give more than one order, each one always the same."""

    def order(seed: int) -> list[int]:
        clock, ran = VirtualClock(order=random.Random(seed)), []

        def run(number: int) -> None:
            for _ in range(3):
                ran.append(number)
                clock.sleep(0)

        for number in range(4):
            clock.spawn(str(number), lambda number=number: run(number))  # type: ignore[misc]
        clock.sleep(1)
        return ran

    assert [order(seed) for seed in range(3)] == [order(seed) for seed in range(3)]
    assert len({tuple(order(seed)) for seed in range(3)}) > 1


def test_an_exception_of_a_task_reaches_the_main_task() -> None:
    """What ends a task is raised where the main task waits."""
    clock = VirtualClock()

    def fail() -> None:
        message = "lost"
        raise KeyError(message)

    task = clock.spawn("failing", fail)
    with pytest.raises(KeyError, match="lost"):
        clock.sleep(1)
    assert task.done


def test_a_condition_that_raises_does_so_in_its_own_task() -> None:
    """The task whose condition it is gets the exception, wherever it was looked at."""
    clock, caught = VirtualClock(), []

    def wait() -> None:
        try:
            clock.wait_until(lambda: 1 // 0 > 0)
        except ZeroDivisionError as error:
            caught.append(error)

    clock.spawn("waiting", wait)
    clock.sleep(1)
    assert len(caught) == 1


def test_a_deadlock_is_told() -> None:
    """Where nobody is left who could change anything, the main task is told who waits."""
    clock = VirtualClock()
    clock.spawn("philosopher", lambda: clock.sleep(float(clock.wait_until(lambda: False))))
    with pytest.raises(DeadlockError, match="philosopher"):
        clock.wait_until(lambda: False)
    clock.close()


def test_a_killed_task_ends_where_it_waits() -> None:
    """Even one that catches every Exception; its `finally` runs."""
    clock, seen = VirtualClock(), []

    def work() -> None:
        try:
            clock.sleep(100)
            seen.append("went on")
        except Exception:  # noqa: BLE001 - as a function would
            seen.append("caught")
        finally:
            seen.append("cleaned up")

    task = clock.spawn("victim", work)
    clock.sleep(1)
    task.kill()
    clock.sleep(1)
    assert (seen, task.done) == (["cleaned up"], True)


def test_a_task_killed_before_it_began_never_begins() -> None:
    """A killed task ends silently."""
    clock, seen = VirtualClock(), []
    task = clock.spawn("victim", lambda: seen.append("ran"))
    task.kill()
    clock.sleep(1)
    assert (seen, task.done) == ([], True)


def test_current_is_the_task_that_runs() -> None:
    """So a task can hand itself out to be killed."""
    clock, seen = VirtualClock(), []
    task = clock.spawn("me", lambda: seen.append(clock.current))
    clock.sleep(1)
    assert seen == [task]
    assert clock.current is not task


def test_close_ends_every_task_and_tells_of_failures() -> None:
    """Also those that raise on their way out, of which the first is raised."""
    clock, ended = VirtualClock(), []

    def stubborn() -> None:
        try:
            clock.sleep(1e9)
        finally:
            ended.append("stubborn")
            message = "on the way out"
            raise ValueError(message)

    def plain() -> None:
        try:
            clock.sleep(1e9)
        finally:
            ended.append("plain")

    clock.spawn("stubborn", stubborn)
    clock.spawn("plain", plain)
    clock.sleep(1)
    with pytest.raises(ValueError, match="on the way out"):
        clock.close()
    assert sorted(ended) == ["plain", "stubborn"]


def test_threads_are_used_again() -> None:
    """A thousand short tasks, one by one, need only a few threads."""
    clock = VirtualClock()
    before = threading.active_count()
    for _ in range(1000):
        clock.spawn("short", lambda: clock.sleep(0))
        clock.sleep(1)
    assert threading.active_count() - before < 5
