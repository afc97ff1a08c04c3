"""The figures as tables with their goals, for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.agents import AgentsMoved
from benchmarks.command_line import CommandLine
from benchmarks.function import ColdStart, Memory, Weight
from benchmarks.peers import NativeCloudFormation, Script, Terraform
from benchmarks.synthesis import Synthesis
from benchmarks.ways import SingleGroups, Trees
from benchmarks.work import Played

COMMAND = "make bench"

MAX_TIME = {Trees.name: 1.02, SingleGroups.name: 1.15}
"""The goals for creating groups, as multiples of the floor."""
MAX_TIME_OF_MOVES = 1.02
MAX_REFUSED = 0.01
MAX_READS = 6
MAX_SYNTHESIS_OF_TREE = 1.1
MAX_SYNTHESIS_OF_GROUPS = 1.2
MAX_COLD_START = 1.15
MAX_ASSET = 100_000
MAX_HELP = 0.25
MAX_COMMAND = 3.0
MAX_COMMAND_BYTES = 300 * 1024 * 1024

_INTRODUCTION = (
    "Times of work are virtual ones over the local Connect, at the service's default rate:",
    "two requests a second with a burst of five, for each API, if nothing else is said. The floor",
    "is the time that the rate alone requires. The time of CloudFormation and Lambda themselves is",
    "not included for any. The latency of a call is an assumption. Times of synthesis and of",
    "cold starts are real times of one machine: only their ratios are meaningful.",
)

_READS = ("ListUserHierarchyGroups", "SearchUserHierarchyGroups")
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Goal:
    """A goal, and whether it is met."""

    what: str
    wanted: str
    found: str
    met: bool


@dataclass(frozen=True)
class Results:
    """Everything that was measured."""

    played: Sequence[Played]
    synthesis: Sequence[Synthesis]
    weight: Weight
    cold_start: ColdStart
    memory: Sequence[Memory]
    command_line: CommandLine
    agents: Sequence[AgentsMoved]


def goals(results: Results) -> list[Goal]:
    """The goals."""
    ours = [one for one in results.played if one.way in MAX_TIME]
    found = [goal for one in ours for goal in _goals_of_work(one)]
    seconds = {one.name: one.seconds for one in results.synthesis}
    base, native, groups, tree = (seconds[name] for name in list(seconds)[:4])
    start = results.cold_start
    return [
        *found,
        *(goal for one in results.agents for goal in _goals_of_agents(one)),
        _at_most("synth of the tree, of the app without groups", MAX_SYNTHESIS_OF_TREE, tree, base),
        _at_most(
            "synth of the HierarchyGroups, of as many native L1s",
            MAX_SYNTHESIS_OF_GROUPS,
            groups,
            native,
        ),
        _at_most("cold start, of boto3 and a client", MAX_COLD_START, start.ours, start.base),
        Goal(
            "bytes of the asset, packed",
            f"< {MAX_ASSET:,}",
            f"{results.weight.archive:,}",
            results.weight.archive < MAX_ASSET,
        ),
        *_goals_of_commands(results.command_line),
    ]


def as_json(results: Results, date: str) -> dict[str, Any]:
    """All figures."""
    return {
        "date": date,
        "command": COMMAND,
        "goals": [asdict(goal) for goal in goals(results)],
        "work": [
            {
                "work": one.work.name,
                "way": one.way,
                "latency": one.latency,
                "floor": one.work.floor,
                **asdict(one.figures),
                "share_refused": one.figures.share_refused,
            }
            for one in results.played
        ],
        "synthesis": [asdict(one) for one in results.synthesis],
        "function": {
            "weight": asdict(results.weight),
            "cold_start": asdict(results.cold_start),
            "memory": [asdict(one) for one in results.memory],
        },
        "agents": [asdict(one) for one in results.agents],
        "command_line": asdict(results.command_line),
    }


def as_markdown(results: Results, date: str) -> str:
    """The tables, with explanations."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{COMMAND}` on {date}.",
        *_INTRODUCTION,
        "",
        "## Goals",
        "",
        *_table(
            ("what", "wanted", "found", ""),
            [
                (goal.what, goal.wanted, goal.found, "met" if goal.met else "**missed**")
                for goal in goals(results)
            ],
        ),
        "",
        "## Work",
        "",
    ]
    for latency in sorted({one.latency for one in results.played}):
        lines += [f"### At a latency of {latency:g} s a call", "", *_work(results, latency), ""]
    lines += [
        "### What the ways are",
        "",
        *(
            f"- **{way.name}**: {way.source}. Assumed: {way.assumptions}."
            for way in (Trees, SingleGroups, NativeCloudFormation, Terraform, Script)
        ),
        "",
        (
            "The instance's quota of groups is raised. A stack of CloudFormation has at most 500 "
            "resources: more groups than that need as many stacks as the remark says, deployed one "
            "after the other. Agents are not part of any code."
        ),
        "",
        "## Moving agents",
        "",
        "With `connect-hierarchy agents`, from reading the instance to the last move.",
        "",
        *_table(
            (
                *("agents", "groups", "a second", "latency, s", "floor, s", "time, s"),
                *("moves", "reads", "refused", "elsewhere"),
            ),
            [_cells(one) for one in results.agents],
        ),
        "",
        "## Synthesis",
        "",
        "In fresh processes, in turns; the least of all repetitions.",
        "The app without groups has a structure and the function.",
        "",
        *_table(
            ("app", "seconds", "of 0 groups", "processor seconds", "peak MiB"),
            [
                (
                    one.name,
                    f"{one.seconds:.2f}",
                    f"{one.ratio:.2f}",
                    f"{one.processor_seconds:.2f}",
                    f"{one.peak_bytes / _MIB:.0f}",
                )
                for one in results.synthesis
            ],
        ),
        "",
        "## The function",
        "",
        *_table(
            ("what", "figure"),
            [
                ("bytes of the asset, packed", f"{results.weight.archive:,}"),
                ("bytes of the asset, unpacked", f"{results.weight.files:,}"),
                ("seconds of a start with boto3 and a client", f"{results.cold_start.base:.3f}"),
                ("seconds of a start with the handler", f"{results.cold_start.ours:.3f}"),
                *(
                    (
                        f"peak MiB, a tree of {one.groups} made beside {one.others} groups",
                        f"{one.peak_bytes / _MIB:.0f}",
                    )
                    for one in results.memory
                ),
            ],
        ),
        "",
        "## The command line",
        "",
        *_commands(results.command_line),
        "",
    ]
    return "\n".join(lines)


def _goals_of_work(played: Played) -> Iterator[Goal]:
    work, figures = played.work, played.figures
    what = f"{work.name}, {played.way}, {played.latency:g} s latency"
    if work.name.startswith("create"):
        most = MAX_TIME[played.way]
        ratio = figures.seconds / work.floor
        yield Goal(f"{what}: time, of the floor", f"≤ {most}", f"{ratio:.3f}", ratio <= most)
    extra = sum(figures.writes.values()) - sum(work.writes.values())
    yield Goal(
        f"{what}: writes beyond the minimum", "0", str(extra), extra == 0 and not figures.undone
    )
    if played.way == Trees.name:
        share = figures.share_refused
        yield Goal(
            f"{what}: refused calls", f"< {MAX_REFUSED:.0%}", f"{share:.1%}", share < MAX_REFUSED
        )
        reads = sum(figures.calls.get(api, 0) for api in _READS)
        if work.name.startswith("rename"):
            yield Goal(
                f"{what}: reading the groups",
                f"≤ {MAX_READS} calls",
                str(reads),
                reads <= MAX_READS,
            )


def _goals_of_agents(moved: AgentsMoved) -> Iterator[Goal]:
    what = f"{moved.agents:,} agents at {moved.rate:g} a second, {moved.latency:g} s latency"
    yield Goal(
        f"{what}: calls beyond one move each",
        "0",
        str(moved.moves - moved.agents),
        moved.moves == moved.agents and moved.elsewhere == 0,
    )
    # the most moves that ten connections can make, with two calls each
    connections = 10 / (2 * moved.latency)
    if connections > moved.rate:
        yield _at_most(f"{what}: time, of the floor", MAX_TIME_OF_MOVES, moved.seconds, moved.floor)


def _goals_of_commands(found: CommandLine) -> Iterator[Goal]:
    slowest = max(found.help, key=lambda one: one.seconds)
    yield Goal(
        f"seconds of the slowest --help, of {slowest.command}",
        f"≤ {MAX_HELP}",
        f"{slowest.seconds:.3f}",
        slowest.seconds <= MAX_HELP,
    )
    for one in found.large:
        enough = (
            one.processor_seconds <= MAX_COMMAND
            and one.peak_bytes <= MAX_COMMAND_BYTES
            and one.calls <= one.pages
        )
        yield Goal(
            f"{one.command} of a large instance: seconds, MiB, calls",
            f"≤ {MAX_COMMAND:g}, {MAX_COMMAND_BYTES // _MIB}, {one.pages}",
            f"{one.processor_seconds:.2f}, {one.peak_bytes // _MIB}, {one.calls}",
            enough,
        )


def _commands(found: CommandLine) -> Iterator[str]:
    yield "In fresh processes; a large instance has some 5,000 groups and 20,000 agents. Seconds"
    yield "are those of the command's processor, without the service's time for its pages."
    yield ""
    yield from _table(
        ("--help of", "seconds"), [(one.command, f"{one.seconds:.3f}") for one in found.help]
    )
    yield ""
    yield from _table(
        ("command", "processor seconds", "peak MiB", "calls", "that the pages need"),
        [
            (
                one.command,
                f"{one.processor_seconds:.2f}",
                f"{one.peak_bytes / _MIB:.0f}",
                str(one.calls),
                str(one.pages),
            )
            for one in found.large
        ],
    )


def _at_most(what: str, most: float, found: float, base: float) -> Goal:
    return Goal(what, f"≤ {most}", f"{found / base:.2f}", found / base <= most)


def _work(results: Results, latency: float) -> Iterator[str]:
    rows = []
    for one in results.played:
        if one.latency != latency:
            continue
        figures = one.figures
        refused = sum(figures.refused.values())
        rows.append(
            (
                one.work.name,
                one.way,
                f"{one.work.floor:.1f}",
                f"{figures.seconds:.1f}",
                str(sum(figures.writes.values())),
                str(sum(figures.calls.values()) - sum(figures.writes.values())),
                f"{refused} ({figures.share_refused:.0%})",
                _remark(figures.undone, figures.remark),
            )
        )
    heads = ("work", "way", "floor, s", "time, s", "writes", "reads", "refused", "remark")
    yield from _table(heads, rows)
    yield ""
    yield "Calls of each API are in `build/benchmark.json`."


def _cells(moved: AgentsMoved) -> Sequence[str]:
    return (
        f"{moved.agents:,}",
        str(moved.groups),
        f"{moved.rate:g}",
        f"{moved.latency:g}",
        f"{moved.floor:.1f}",
        f"{moved.seconds:.1f}",
        *map(str, (moved.moves, moved.reads, moved.refused, moved.elsewhere)),
    )


def _remark(undone: str, remark: str) -> str:
    longest = 160
    remark = remark if len(remark) <= longest else f"{remark[:longest]}…"
    return "; ".join(filter(None, (f"**not done**: {undone}" if undone else "", remark)))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
