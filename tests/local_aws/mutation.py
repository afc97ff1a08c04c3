"""One behaviour of the local AWS switched off, and the test that is to notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A change of one place in the local AWS.

    Args:
        fact: the name of the fact that is no longer so; empty for what is no fact, but promised.
        behaviour: what is switched off.
        file: where, below `local_aws`.
        old: what stands there, once.
        new: what it becomes.
        test: `test_module.py::test_name`, below `tests/local_aws`: it fails by the change.
        stuck: the position that a switch does not leave any more.
    """

    fact: str
    behaviour: str
    file: str
    old: str
    new: str
    test: str
    stuck: str = ""
