"""Everyday deployments of a stack with trees."""

from __future__ import annotations

from typing import Any

from tests.support.deployments import LEVELS
from tests.support.scenarios import Resources, Scenario
from tests.support.stacks import Site, node


def _with(site: Site, *groups: Any, **others: Any) -> Resources:
    return {"Structure": site.structure(*LEVELS), "Tree": site.tree(*groups), **others}


A = node("A", node("T", "D", Tags={"k": "1"}), "U", Tags={"k": "1"})


def _start(site: Site) -> Resources:
    return _with(site, A, "B")


def _create(site: Site) -> Resources:
    return _with(site, A, node("B", node("New", "Newer")))


def _rename(site: Site) -> Resources:
    renamed = {**A, "Name": "Z", "Key": "A", "Tags": {"k": "2", "l": "3"}}
    return _with(site, renamed, "B")


def _swap(site: Site) -> Resources:
    swapped = {**A, "Name": "B", "Key": "A"}
    return _with(site, swapped, node("A", Key="B"))


def _take_name(site: Site) -> Resources:
    renamed = {**A, "Name": "B", "Key": "A"}
    return _with(site, renamed)


def _move(site: Site) -> Resources:
    moved = node("T", "D", Tags={"k": "1"}, Key="A/T")
    return _with(site, node("A", "U", Tags={"k": "1"}), node("B", moved))


def _remove(site: Site) -> Resources:
    return _with(site, A)


def _start_with_single(site: Site) -> Resources:
    return _with(site, node("A", "T"), "C", S=site.group("S"))


def _from_single(site: Site) -> Resources:
    return _with(site, node("A", "T"), "C", "S")


def _to_single(site: Site) -> Resources:
    return _with(site, node("A", "T"), S=site.group("S"), C=site.group("C"))


def _hire(site: Site) -> None:
    for number, path in enumerate([("A", "T"), ("A", "T", "D"), ("S",)]):
        if "/".join(path) in site.ids:
            site.hire(f"agent{number}", *path)


TREE_SCENARIOS: dict[str, Scenario] = {
    "create": Scenario(_start, _create, _hire),
    "rename": Scenario(_start, _rename, _hire),
    "swap": Scenario(_start, _swap, _hire),
    "take name": Scenario(_start, _take_name, _hire),
    "move": Scenario(_start, _move, _hire),
    "remove": Scenario(_start, _remove, _hire),
    "from single": Scenario(_start_with_single, _from_single, _hire),
    "to single": Scenario(_start_with_single, _to_single, _hire),
}
