"""Switches off the behaviours of the local AWS one by one, and says which test fails.

Not a test by itself: `python -m tests.local_aws.mutants [WORD …]` from the root of the repository
tries the mutants in whose fact, behaviour or file one of the words is, or all. It works on copies,
takes some minutes for all, and ends with 1 where a mutant survives or can no longer be made.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.local_aws.mutants_of_cloudformation import MUTANTS as OF_CLOUDFORMATION
from tests.local_aws.mutants_of_connect import MUTANTS as OF_CONNECT
from tests.local_aws.mutants_of_dynamodb import MUTANTS as OF_DYNAMODB
from tests.local_aws.mutants_of_lambda import MUTANTS as OF_LAMBDA
from tests.local_aws.mutation import Mutant

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "local_aws"
TESTS = ROOT / "tests" / "local_aws"
MUTANTS: tuple[Mutant, ...] = (*OF_CLOUDFORMATION, *OF_CONNECT, *OF_DYNAMODB, *OF_LAMBDA)

_AT_ONCE = 2
_SECONDS, _SECONDS_OF_ALL = 120, 900
"""Seconds after which a test of a mutant is stopped without a result."""


class Workplace:
    """A copy of the local AWS and its tests, for one mutant at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for source in (SOURCES, TESTS):
            target = folder / source.relative_to(ROOT)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)

    def failed_tests(
        self, tests: Sequence[str], seconds: float = _SECONDS
    ) -> tuple[list[str], str]:
        """Run tests up to the first that fails; which failed, and the output's end.

        Raises:
            RuntimeError: if the tests did not run to an end, and so told nothing.
        """
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
            + [f"tests/local_aws/{test}" for test in tests],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env={**os.environ, "PYTHONPATH": str(self._folder)},
        )
        if done.returncode not in {0, 1}:
            raise RuntimeError(f"pytest ended with {done.returncode}\n{done.stdout[-1500:]}")
        return re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE), done.stdout[-1500:]

    def try_mutant(self, mutant: Mutant) -> str:
        """The problem of a mutant's test, or an empty string."""
        target = self._folder / "local_aws" / mutant.file
        source = target.read_text()
        if source.count(mutant.old) != 1:
            return f"stands {source.count(mutant.old)} times in {mutant.file}, not once"
        target.write_text(source.replace(mutant.old, mutant.new))
        try:
            failed, output = self.failed_tests([mutant.test])
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            return f"tells nothing: {error}"
        finally:
            target.write_text(source)
        return "" if failed else f"survived {mutant.test}\n{output}"


def try_all(chosen: Sequence[Mutant]) -> list[str]:
    """The problems of the mutants."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        free: queue.SimpleQueue[Workplace] = queue.SimpleQueue()
        for number in range(_AT_ONCE):
            free.put(Workplace(Path(folder) / str(number)))
        first = free.get()
        # a test that fails without the mutant proves nothing
        tests = sorted({mutant.test for mutant in chosen})
        failed, output = first.failed_tests(tests, _SECONDS_OF_ALL)
        if failed:
            return [f"fails without a mutant: {', '.join(failed)}\n{output}"]
        free.put(first)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            problems = list(pool.map(partial(_try_at_a_free_place, free), chosen))
    return [
        f"{mutant.fact or '-'}: {mutant.behaviour}: {problem}"
        for mutant, problem in zip(chosen, problems, strict=True)
        if problem
    ]


def _try_at_a_free_place(free: queue.SimpleQueue[Workplace], mutant: Mutant) -> str:
    place = free.get()
    try:
        problem = place.try_mutant(mutant)
    finally:
        free.put(place)
    verdict = "NOT KILLED" if problem else "killed"
    fact = mutant.fact or "-"
    print(f"{verdict}  {fact}: {mutant.behaviour}  by {mutant.test}", flush=True)  # noqa: T201 - its output
    return problem


def main(wanted: Iterable[str]) -> int:
    """Try the mutants that one of the words stands in, or all; 1 where one is not killed."""
    words = list(wanted) or [""]
    chosen = [
        mutant
        for mutant in MUTANTS
        if any(word in f"{mutant.fact} {mutant.behaviour} {mutant.file}" for word in words)
    ]
    if not chosen:
        print(f"no mutant has {' or '.join(words)} in it")  # noqa: T201 - its output
        return 1
    problems = try_all(chosen)
    print(*problems, f"{len(chosen)} mutants, {len(problems)} not killed", sep="\n")  # noqa: T201 - its output
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
