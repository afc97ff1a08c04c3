"""Ctrl-C ends work between two calls; patience ends; progress is told without a terminal."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from connect_hierarchy_cli.patience import PATIENCE_SECONDS, Patience
from connect_hierarchy_cli.placement.side_by_side import do_each
from connect_hierarchy_cli.progress import duration, progress
from connect_hierarchy_cli.stopping import StoppableClock, StoppedError, run_stoppable
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.pace import Rate
from tests.support.command_line import PatientClock


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_work_that_is_not_interrupted() -> None:
    """The result, or the error, is the work's own."""
    clock = StoppableClock()
    assert run_stoppable(lambda: 7, clock, pytest.fail) == 7
    with pytest.raises(ZeroDivisionError):
        run_stoppable(lambda: 1 // 0, clock, pytest.fail)


def test_ctrl_c_lets_a_call_end() -> None:
    """Calls under way are finished, and the next wait ends the work."""
    clock, ended, told = StoppableClock(), [], []
    may_end = threading.Event()

    def work() -> None:
        _interrupt()
        may_end.wait()
        ended.append("the call under way")
        clock.sleep(3600)
        ended.append("never")

    def stopping() -> None:
        told.append("stopping")
        may_end.set()

    with pytest.raises(StoppedError):
        run_stoppable(work, clock, stopping)
    assert (told, ended) == (["stopping"], ["the call under way"])


def test_ctrl_c_ends_a_wait() -> None:
    """A wait that is under way ends, however long it is."""
    clock = StoppableClock()
    begun = threading.Event()

    def work() -> None:
        begun.set()
        clock.sleep(3600)

    def interrupt() -> None:
        begun.wait()
        _interrupt()

    guard = threading.Thread(target=interrupt)
    guard.start()
    with pytest.raises(StoppedError):
        run_stoppable(work, clock, lambda: None)
    guard.join()


def test_a_second_ctrl_c_waits_for_nothing() -> None:
    """A second Ctrl-C ends the program without waiting for a call."""
    clock = StoppableClock()
    may_end = threading.Event()

    are_daemons: list[bool] = []

    def call() -> None:
        are_daemons.append(threading.current_thread().daemon)
        may_end.wait()

    def work() -> None:
        _interrupt()
        clock.side_by_side([call, call])

    with pytest.raises(KeyboardInterrupt):
        run_stoppable(work, clock, _interrupt)
    may_end.set()
    # Python waits for no daemon at its end
    assert all(are_daemons)


def test_patience_has_growing_pauses_and_an_end() -> None:
    """Pauses double up to fifteen seconds, until two minutes have passed since the first."""
    clock = PatientClock()
    patience = Patience(clock, lambda: 0.5)
    while not patience.is_over:
        patience.wait()
    assert clock.slept[:7] == [0.5, 1, 2, 4, 8, 15, 15]
    assert PATIENCE_SECONDS <= sum(clock.slept) < PATIENCE_SECONDS + 15


def test_the_first_error_ends_what_is_done_side_by_side() -> None:
    """After an error, work under way is finished, the rest does not begin, the error is raised."""
    done: list[int] = []

    def work(number: int) -> None:
        if number == 3:
            raise LookupError(number)
        done.append(number)

    with pytest.raises(LookupError):
        do_each(Lanes(PatientClock(), Rate(2, 5)), range(10), work)
    assert done == [0, 1, 2]
    lanes = Lanes(StoppableClock(), Rate(10, 20))
    assert lanes.number == 5
    done.clear()
    with pytest.raises(LookupError):
        do_each(lanes, range(10), work)
    assert set(done) <= {0, 1, 2, 4}


def test_progress_without_a_terminal_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A line each ten seconds has how many are done, of how many, and the rest of the time."""
    now = 0.0
    with progress("moving agents", lambda: now) as advance:
        for done in range(1, 101):
            now += 3
            advance(done, 1200)
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert lines[0] == "moving agents: 4 of 1,200, 60 min left"
    assert len(lines) == 25


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (119, "119 s"), (120, "2 min"), (7200, "2.0 h")]
)
def test_durations(seconds: float, words: str) -> None:
    """Seconds, minutes or hours, whichever says it best."""
    assert duration(seconds) == words
