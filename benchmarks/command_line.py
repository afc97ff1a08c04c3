"""The cost of the command line: start-up, and work on a large instance."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.processes import Took, rounds, run
from connect_hierarchy_cli.application import COMMANDS
from connect_hierarchy_lambda.model.properties import PaceVariable
from local_aws import LocalAws

_MODULE = ("-m", "connect_hierarchy_cli")
_ALIAS = "large"
_GROUPS_A_PAGE = 100
_USERS_A_PAGE = 500
_OTHER_CALLS = 2
"""Finding the instance by its alias, and its levels."""

DIVISIONS, REGIONS, TEAMS = 10, 9, 54
"""Of an instance with 5,050 groups."""
AGENTS = 20_000


@dataclass(frozen=True)
class Help:
    """The time of a help text in a fresh process.

    Args:
        command: The command, `connect-hierarchy` alone for the whole.
        seconds: Real ones of the whole process, the least of all repetitions.
    """

    command: str
    seconds: float


@dataclass(frozen=True)
class Large:
    """The cost of a command with a large instance.

    Args:
        command: The command line.
        processor_seconds: Of its process, without the local AWS.
        peak_bytes: Of its process.
        calls: To Amazon Connect.
        pages: The calls that the pages of groups and agents require, and those before them.
    """

    command: str
    processor_seconds: float
    peak_bytes: int
    calls: int
    pages: int


@dataclass(frozen=True)
class CommandLine:
    """Both."""

    help: Sequence[Help]
    large: Sequence[Large]


def command_line(*, repetitions: int = 5, teams: int = TEAMS, agents: int = AGENTS) -> CommandLine:
    """Measure, with a local AWS that is started and ended."""
    commands = {"connect-hierarchy": [*_MODULE, "--help"]}
    commands |= {one.name: [*_MODULE, one.name, "--help"] for one in COMMANDS}
    took = rounds(commands, repetitions, environment())
    return CommandLine(
        help=[Help(name, min(one.seconds for one in runs)) for name, runs in took.items()],
        large=_large(teams, agents),
    )


def environment(aws: LocalAws | None = None) -> dict[str, str]:
    """The environment of a process of the command, for this AWS and without a pace."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    unpaced = dict.fromkeys((one.value for one in PaceVariable), "1000000")
    return {
        **kept,
        **unpaced,
        **({} if aws is None else aws.environment),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


def _large(teams: int, agents: int) -> list[Large]:
    with LocalAws() as aws, tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        groups = _fill(aws, teams, agents)
        pages = -(-(groups + 1) // _GROUPS_A_PAGE)  # with the hidden root
        commands: Mapping[str, Sequence[str]] = {
            "tree": ("tree", _ALIAS),
            "tree --json": ("tree", _ALIAS, "--json"),
            "tree --html": ("tree", _ALIAS, "--html", f"{folder}/tree.html"),
            "export": ("export", _ALIAS, "--output", f"{folder}/tree.yaml"),
            "export --cdk": ("export", _ALIAS, "--cdk", f"{folder}/app"),
        }
        found = []
        for name, arguments in commands.items():
            before = len(aws.connect.calls)
            took = _run(arguments, aws)
            of_agents = -(-agents // _USERS_A_PAGE) if name.startswith("tree") else 0
            found.append(
                Large(
                    command=name,
                    processor_seconds=took.processor_seconds,
                    peak_bytes=took.peak_bytes,
                    calls=len(aws.connect.calls) - before,
                    pages=pages + of_agents + _OTHER_CALLS,
                )
            )
        return found


def _run(arguments: Sequence[str], aws: LocalAws) -> Took:
    return run([*_MODULE, *arguments], environment(aws))


def _fill(aws: LocalAws, teams: int, agents: int) -> int:
    """Create the instance, and return the number of its groups."""
    settings, backend = aws.connect.settings, aws.connect.backend
    settings.default_rate = None
    settings.group_quota = DIVISIONS * (1 + REGIONS * (1 + teams))
    instance_id = backend.create_instance(
        "SAML", inbound_calls_enabled=True, outbound_calls_enabled=True, instance_alias=_ALIAS
    )["Id"]
    levels = {"LevelOne": "Division", "LevelTwo": "Region", "LevelThree": "Team"}
    backend.update_user_hierarchy_structure(
        instance_id, {level: {"Name": name} for level, name in levels.items()}
    )

    def add(name: str, above: str | None = None) -> str:
        group = backend.create_user_hierarchy_group(instance_id, name, above, {"cost": name})
        return group.group.id

    ids: list[str] = []
    for division in range(DIVISIONS):
        ids.append(one := add(f"Division {division}"))
        for region in range(REGIONS):
            ids.append(two := add(f"Region {region}", one))
            ids += [add(f"Team {team}", two) for team in range(teams)]
    for number in range(agents):
        group = ids[number % len(ids)]
        backend.create_user(instance_id, f"agent-{number:05}", hierarchy_group_id=group)
    return len(ids)
