"""Time and memory of synthesis, in fresh processes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from benchmarks.processes import rounds


@dataclass(frozen=True)
class Synthesis:
    """The least cost of one kind of app.

    Args:
        name: For the table.
        seconds: Real ones of the whole process, the least of all repetitions.
        processor_seconds: Of Python and of the CDK's JavaScript, the least of all repetitions.
        peak_bytes: Of the larger of the two processes.
        ratio: The real seconds, divided by those of the app without groups.
    """

    name: str
    seconds: float
    processor_seconds: float
    peak_bytes: int
    ratio: float


APPS = {
    "0 groups": ("HierarchyGroup", 0),
    "450 native L1 groups": ("native L1", 450),
    "450 HierarchyGroups": ("HierarchyGroup", 450),
    "a HierarchyTree of 500": ("HierarchyTree", 500),
}
"""Kind and number of groups by name; the others are compared with the first."""


def synthesis(
    apps: dict[str, tuple[str, int]] | None = None, repetitions: int = 5
) -> list[Synthesis]:
    """Synthesise the apps in turns, each several times."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        commands = {
            name: ["-m", "benchmarks.synthesis_app", kind, str(size), f"{folder}/{number}"]
            for number, (name, (kind, size)) in enumerate((apps or APPS).items())
        }
        took = rounds(commands, repetitions)
    least = {name: min(one.seconds for one in runs) for name, runs in took.items()}
    base = next(iter(least.values()))
    return [
        Synthesis(
            name=name,
            seconds=least[name],
            processor_seconds=min(one.processor_seconds for one in runs),
            peak_bytes=max(one.peak_bytes for one in runs),
            ratio=least[name] / base,
        )
        for name, runs in took.items()
    ]
