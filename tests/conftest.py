"""For all tests: a skipped one is a failure, since the project installs what its tests need."""

from __future__ import annotations

import gc
import signal
from typing import Any

import pytest

TABLE_CELL = "fault table cell"
"""Name of the property with which a test reports a scenario, a kind of fault and how it ended."""

_skipped: list[str] = []
_cells: dict[str, dict[str, str]] = {}


def pytest_configure() -> None:
    """Let Ctrl-C reach the tests of it, and the processes that they start.

    A run in the background, as some CI systems have it, begins with SIGINT ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Exclude imported modules from garbage collection, since they stay and are large."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record skipped tests, in the process that collects all reports.

    What ran and failed as it was said to is not skipped, and an xfail is strict here.
    """
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)
    if report.when != "call":
        return
    properties: list[tuple[str, Any]] = report.user_properties
    for name, value in properties:
        if name == TABLE_CELL:
            scenario, fault, ended = (str(part) for part in value)
            row = _cells.setdefault(scenario, {})
            row[fault] = ended if report.passed or "ok" not in ended else f"{ended}?"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that left tests out."""
    if _skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how deployments ended under faults, and why a run with skipped tests fails."""
    if _cells:
        _write_table(terminalreporter)
    if _skipped:
        names = ", ".join(_skipped)
        terminalreporter.write_line(f"failed, since tests were skipped: {names}", red=True)


def _write_table(terminalreporter: pytest.TerminalReporter) -> None:
    """One row a scenario, one column a kind of fault: how many places of it ended as without."""
    faults = list(dict.fromkeys(fault for row in _cells.values() for fault in row))
    width = max(map(len, _cells))
    terminalreporter.section("scenario x fault: places tried, and whether all ended as without it")
    for number, fault in enumerate(faults, start=1):
        terminalreporter.write_line(f"  {number:>2}: {fault}")
    numbers = "".join(f"{number:>8}" for number in range(1, len(faults) + 1))
    terminalreporter.write_line(f"{'':{width}}{numbers}")
    for scenario in sorted(_cells):
        row = "".join(f"{_cells[scenario].get(fault, '-'):>8}" for fault in faults)
        terminalreporter.write_line(f"{scenario:{width}}{row}")
