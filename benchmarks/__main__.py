"""`python -m benchmarks`: measures everything, and prints and writes the figures."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from benchmarks.agents import move_all
from benchmarks.command_line import command_line
from benchmarks.function import cold_start, memory, weight
from benchmarks.organisation import faster, largest, works
from benchmarks.peers import Script
from benchmarks.report import Results, as_json, as_markdown
from benchmarks.synthesis import synthesis
from benchmarks.ways import Trees
from benchmarks.work import LATENCIES, play_all

_ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Measure everything, in some minutes."""
    _say("synthesising in fresh processes …")
    synthesised = synthesis()
    _say("starting and running the function …")
    weighed, started, used = weight(), cold_start(), memory()
    _say("calling the command line …")
    commands = command_line()
    _say("playing the work …")
    played = []
    for one in chain(
        play_all(works()),
        play_all([largest()], ways=[Trees]),
        play_all([faster()], ways=[Trees, Script]),
    ):
        played.append(one)
        _say(f"  {one.work.name}, {one.way}, {one.latency:g} s: {one.figures.seconds:.1f} s")
    _say("moving agents …")
    moved = list(move_all())
    played.sort(key=lambda one: LATENCIES.index(one.latency))
    results = Results(played, synthesised, weighed, started, used, commands, moved)
    date = datetime.now(UTC).date().isoformat()
    (_ROOT / "build").mkdir(exist_ok=True)
    (_ROOT / "build" / "benchmark.json").write_text(
        json.dumps(as_json(results, date), indent=1) + "\n", encoding="utf-8"
    )
    text = as_markdown(results, date)
    (_ROOT / "BENCHMARKS.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
