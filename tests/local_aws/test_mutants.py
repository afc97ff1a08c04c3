"""The lists of facts and of mutants are whole, and can still be applied."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.local_aws.facts import CLOUDFORMATION, CONNECT, DYNAMODB, Fact
from tests.local_aws.mutants import MUTANTS, SOURCES, TESTS, Workplace
from tests.local_aws.mutation import Mutant

FACTS = (*CLOUDFORMATION, *CONNECT, *DYNAMODB)
POINTS = {*range(1, 14), 15, 20}
"""The numbered points about custom resources that the local CloudFormation plays."""


@cache
def _tests_of(module: str) -> frozenset[str]:
    tree = ast.parse((TESTS / module).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def _name(value: Fact | Mutant) -> str:
    return value.name if isinstance(value, Fact) else f"{value.fact}: {value.behaviour}"


def test_every_numbered_point_has_facts() -> None:
    """None of them is left out, and no two facts have one name."""
    numbers = {int(fact.name.split()[0]) for fact in CLOUDFORMATION}
    assert numbers == POINTS
    assert max(Counter(fact.name for fact in FACTS).values()) == 1


@pytest.mark.parametrize("fact", FACTS, ids=_name)
def test_every_fact_has_a_mutant(fact: Fact) -> None:
    """Of what is not documented there is one for each position that a switch can be stuck in."""
    mutants = [mutant for mutant in MUTANTS if mutant.fact == fact.name]
    assert mutants
    assert {mutant.stuck for mutant in mutants if mutant.stuck} == set(fact.positions)


@pytest.mark.parametrize("mutant", MUTANTS, ids=_name)
def test_every_mutant_can_be_made(mutant: Mutant) -> None:
    """What it changes stands there once, the change is valid Python, and the named test exists."""
    source = (SOURCES / mutant.file).read_text()
    assert source.count(mutant.old) == 1
    assert mutant.new != mutant.old
    ast.parse(source.replace(mutant.old, mutant.new))
    module, _, test = mutant.test.partition("::")
    assert test in _tests_of(module)
    assert mutant.fact in {"", *(fact.name for fact in FACTS)}


def test_no_mutant_is_there_twice() -> None:
    """Each is another change."""
    changes = Counter((mutant.file, mutant.old, mutant.new, mutant.test) for mutant in MUTANTS)
    assert max(changes.values()) == 1


def test_the_runner_tells_what_is_killed_from_what_is_not(tmp_path: Path) -> None:
    """A test that fails kills; one that goes on, or that was never begun, tells nothing."""
    place = Workplace(tmp_path)
    killed = next(mutant for mutant in MUTANTS if mutant.fact == "10 limit")
    assert place.try_mutant(killed) == ""
    harmless = replace(killed, new=f"{killed.old}  # harmless")
    assert place.try_mutant(harmless).startswith("survived test_template.py::")
    broken = replace(killed, new="MAX_RESOURCES = (")
    assert place.try_mutant(broken).startswith("tells nothing: pytest ended with")
    gone = replace(killed, old="MAX_RESOURCES = 700")
    assert place.try_mutant(gone).startswith("stands 0 times")
    # and each left the copy as it was
    assert place.failed_tests([killed.test])[0] == []
