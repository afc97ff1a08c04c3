"""The benchmark's harness: that it does the work, and counts what it is to count."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from benchmarks import processes
from benchmarks.agents import AgentsMoved, move
from benchmarks.command_line import CommandLine, Help, Large, command_line
from benchmarks.function import ColdStart, Memory, weight
from benchmarks.organisation import LEVELS, Organisation, Work, faster, organisation, works
from benchmarks.peers import NativeCloudFormation, Script, Terraform
from benchmarks.report import Results, as_json, as_markdown, goals
from benchmarks.stage import Stage
from benchmarks.synthesis import Synthesis
from benchmarks.ways import SingleGroups, Trees, Way
from benchmarks.work import WAYS, Played, play
from connect_hierarchy_lambda.ports.pace import Rate

FEW = organisation(8)


def creation(wanted: Organisation = FEW) -> Work:
    """The creation of some groups."""
    calls = {"CreateUserHierarchyGroup": len(wanted.groups), "UpdateUserHierarchyStructure": 1}
    return Work("create", None, wanted, calls)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 60, 61, 500])
def test_an_organisation_has_as_many_groups_as_asked_for(size: int) -> None:
    """No two of them at one place, none too deep."""
    made = organisation(size)
    paths = {made.path(group.key) for group in made.groups}
    assert len(paths) == len(made.groups) == size
    assert max(len(path) for path in paths) <= len(LEVELS)


def test_the_floor_is_what_the_rate_makes_necessary() -> None:
    """The burst is free, then each API has two calls a second; nothing to write takes no time."""
    floors = {work.name.split()[0]: work.floor for work in works()[1:]}
    assert floors == {
        "create": 247.5,
        "rename": 0,
        "move": 47.5,
        "add": 0,
        "delete": 27.5,
        "no": 0,
    }


def test_a_raised_rate_lowers_the_floor() -> None:
    """The stage's service has it, and the function knows."""
    work = faster(150)
    assert work.floor == (150 - 20) / 20
    figures = play(work, Trees, 0.15).figures
    assert figures.undone == ""
    assert work.floor < figures.seconds < work.floor + 2


@pytest.mark.parametrize("way", WAYS)
def test_every_way_makes_the_groups(way: Callable[[Stage], Way]) -> None:
    """With one create each, not before the floor, and later where calls take their time."""
    at_once, slowly = (play(creation(), way, latency).figures for latency in (0.0, 2.0))
    for figures in (at_once, slowly):
        assert figures.undone == ""
        assert figures.calls["CreateUserHierarchyGroup"] == len(FEW.groups)
        assert figures.calls["UpdateUserHierarchyStructure"] == 1
    assert creation().floor <= at_once.seconds < slowly.seconds


@pytest.mark.parametrize("way", WAYS)
def test_every_way_renames_in_place(way: Callable[[Stage], Way]) -> None:
    """With one write."""
    after = FEW.with_group("D1R1", name="Renamed")
    figures = play(Work("rename", FEW, after, {}), way, 0.0).figures
    assert (figures.undone, figures.writes) == ("", {"UpdateUserHierarchyGroupName": 1})


@pytest.mark.parametrize("way", WAYS)
def test_every_way_deletes(way: Callable[[Stage], Way]) -> None:
    """What is below goes, too."""
    figures = play(Work("delete", FEW, FEW.without("D1R1"), {}), way, 0.0).figures
    gone = len(FEW.below("D1R1"))
    assert (figures.undone, figures.calls["DeleteUserHierarchyGroup"]) == ("", gone)


@pytest.mark.parametrize(
    ("way", "undone"),
    [
        (Trees, ""),
        (SingleGroups, ""),
        (NativeCloudFormation, "1 groups too many, 2 agents elsewhere"),
        (Terraform, "1 groups missing, 1 groups too many, 2 agents elsewhere"),
        (Script, ""),
    ],
)
def test_what_becomes_of_agents_in_a_group_that_moves(
    way: Callable[[Stage], Way], undone: str
) -> None:
    """They are carried over, or block the deletion of the group and stay."""
    key = FEW.groups[-1].key
    work = Work("move", FEW, FEW.with_group(key, parent="D1R2"), {}, agents={key: 2})
    assert play(work, way, 0.0).figures.undone == undone


def test_the_resources_of_one_stack_are_not_enough_for_all_groups() -> None:
    """Then there are two, and a division stays where it is when another one goes."""
    many = organisation(500)
    figures = play(Work("delete", many, many.without("D1"), {}), NativeCloudFormation, 0.0).figures
    assert (figures.undone, figures.remark) == ("", "2 stacks")


def test_a_process_is_measured() -> None:
    """Its time, its memory and what it prints; a failure is an error that says why."""
    took = processes.run(["-c", "x = b'.' * 50_000_000; print(len(x))"])
    assert took.output == "50000000\n"
    assert took.peak_bytes > 50_000_000
    assert took.processor_seconds > 0
    assert took.seconds > 0
    with pytest.raises(RuntimeError, match="for a reason"):
        processes.run(["-c", "raise SystemExit('for a reason')"])


def test_the_report_says_met_or_missed() -> None:
    """In the tables and in the JSON."""
    results = Results(
        played=[
            Played(creation(), way.name, 0.0, play(creation(), way, 0.0).figures)
            for way in (Trees, SingleGroups)
        ],
        synthesis=[
            Synthesis("0 groups", 2.0, 2.0, 1, 1.0),
            Synthesis("native", 3.0, 3.0, 1, 1.5),
            Synthesis("groups", 6.0, 6.0, 1, 3.0),
            Synthesis("tree", 2.1, 2.1, 1, 1.05),
        ],
        weight=weight(),
        cold_start=ColdStart(1.0, 1.1),
        memory=[Memory(50, 0, 1)],
        agents=[AgentsMoved(2_000, 150, 2, 0.15, 997.5, 1030.0, 2_000, 2_009, 0, 0)],
        command_line=CommandLine(
            [Help("connect-hierarchy", 0.1), Help("tree", 0.3)], [Large("export", 1.0, 1, 54, 53)]
        ),
    )
    met = {goal.what: goal.met for goal in goals(results)}
    assert met["synth of the tree, of the app without groups"]
    assert not met["synth of the HierarchyGroups, of as many native L1s"]
    assert met["create, HierarchyTree, 0 s latency: writes beyond the minimum"]
    assert not met["2,000 agents at 2 a second, 0.15 s latency: time, of the floor"]
    assert not met["seconds of the slowest --help, of tree"]
    assert not met["export of a large instance: seconds, MiB, calls"]
    text = as_markdown(results, "2026-01-01")
    assert (
        "| synth of the HierarchyGroups, of as many native L1s | ≤ 1.2 | 2.00 | **missed** |"
        in text
    )
    assert len(as_json(results, "2026-01-01")["work"]) == len(results.played)


def test_agents_are_moved_at_the_rate() -> None:
    """Each with one call, none refused, and not before the rate allows it."""
    moved = move(60, 7, Rate(2, 5), 0.15)
    assert (moved.moves, moved.refused, moved.elsewhere) == (60, 0, 0)
    assert moved.floor == 27.5 < moved.seconds < 30


def test_the_asset_is_weighed() -> None:
    """Packed it is lighter, and it has the handlers and crhelper in it."""
    found = weight()
    assert 20_000 < found.archive < found.files


def test_the_command_line_is_measured() -> None:
    """Commands with an instance take the calls that its pages need, and no other."""
    found = command_line(repetitions=1, teams=3, agents=600)
    assert [one.command for one in found.help[:2]] == ["connect-hierarchy", "tree"]
    assert {one.command: (one.calls, one.pages) for one in found.large} == {
        "tree": (8, 8),
        "tree --json": (8, 8),
        "tree --html": (8, 8),
        "export": (6, 6),
        "export --cdk": (6, 6),
    }
    assert all(one.peak_bytes > 10_000_000 for one in found.large)


def test_nothing_of_the_tests_is_imported() -> None:
    """The benchmark stands without them."""
    code = (
        "import benchmarks.__main__, sys; print([n for n in sys.modules if n.startswith('tests')])"
    )
    took = processes.run(["-c", code], environment=_environment())
    assert took.output == "[]\n"


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path), "AWS_DEFAULT_REGION": "eu-west-2"}
