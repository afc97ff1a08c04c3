"""Makes every change in every way, in virtual time on the local Connect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.organisation import Work
from benchmarks.peers import NativeCloudFormation, Script, Terraform
from benchmarks.stage import Figures, Stage, without_logs
from benchmarks.ways import SingleGroups, Trees, Way

LATENCIES = (0.0, 0.15)
"""Virtual seconds of a call. The second one is an assumption about a call to a Region."""


@dataclass(frozen=True)
class Played:
    """A change that was made in one way."""

    work: Work
    way: str
    latency: float
    figures: Figures


WAYS: Sequence[Callable[[Stage], Way]] = (
    Trees,
    SingleGroups,
    NativeCloudFormation,
    Terraform,
    Script,
)
"""Ours first, then the peers."""


def play(work: Work, way: Callable[[Stage], Way], latency: float) -> Played:
    """Make a change once; the organisation before it is not measured."""
    with without_logs():
        stage = Stage(latency, work.rate, work.burst)
        actor = way(stage)
        if work.before is not None:
            actor.deploy(work.before)
            stage.hire(work.before, work.agents)
        figures = stage.measure(lambda: actor.deploy(work.after), work.after, work.agents)
    return Played(work, actor.name, latency, figures)


def play_all(
    works: Iterable[Work],
    ways: Sequence[Callable[[Stage], Way]] = WAYS,
    latencies: Sequence[float] = LATENCIES,
) -> Iterator[Played]:
    """Every change in every way at every latency."""
    for work in works:
        for latency in latencies:
            for way in ways:
                yield play(work, way, latency)
