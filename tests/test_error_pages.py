"""The pages about errors: they have every text that the code can fail with, and no other."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.error_texts import HOLE, ErrorText, error_texts, normalised

PAGES = Path(__file__).parents[1] / "docs" / "errors"
OVERVIEW = "index.md"
"""Its texts are those of CloudFormation and of the CDK."""

PACKAGES = [
    name
    for name in (
        "connect_hierarchy",
        "connect_hierarchy_lambda",
        "connect_hierarchy_tree_files",
        "connect_hierarchy_cli",
    )
    if importlib.util.find_spec(name)
]

CALLERS = ("connect_hierarchy_cli/chart/",)
"""Folders whose errors are about wrong code, which no user's input causes."""

_ENTRY = re.compile(r"^`([^`]+)`\n: \S", re.MULTILINE)
_VALUE = re.compile(r"<[^<>]+>")
_OWN_WORDS = 0.3
"""The share of a text that its entry must have, so that no entry matches everything."""


def entries() -> Iterator[tuple[str, str]]:
    """Each page with each text that it explains."""
    for page in sorted(PAGES.glob("*.md")):
        if page.name != OVERVIEW:
            for text in _ENTRY.findall(page.read_text(encoding="utf-8")):
                yield page.name, text


def bare(text: str) -> str:
    """A text without its beginning: a path, a line, or what was being done."""
    return re.sub(rf"^({HOLE}: ?)+", "", normalised(_VALUE.sub(HOLE, text)))


def letters(text: str) -> int:
    """How many letters and digits a text has."""
    return sum(map(str.isalnum, text))


def explains(entry: str, text: str) -> bool:
    """Whether an entry is about this text of the code: its values stand for anything."""
    entry, text = bare(entry), bare(text)
    pattern = re.escape(entry).replace(HOLE, ".*?")
    is_close = letters(entry) >= _OWN_WORDS * letters(text)
    return is_close and re.fullmatch(pattern, text) is not None


@pytest.fixture(scope="module")
def in_the_code() -> list[ErrorText]:
    """Every text that the code can fail with."""
    return [
        text
        for package in PACKAGES
        for text in error_texts(importlib.import_module(package))
        if not text.place.startswith(CALLERS)
    ]


def test_every_error_is_explained(in_the_code: list[ErrorText]) -> None:
    """A text of the code without an entry on the pages is named, with its place in the code."""
    explained = [entry for _, entry in entries()]
    missing = [
        f"{error.place}: {error.text}"
        for error in in_the_code
        if not any(explains(entry, error.text) for entry in explained)
    ]
    assert "\n".join(missing) == ""


def test_no_entry_is_out_of_date(in_the_code: list[ErrorText]) -> None:
    """An entry whose text the code does not have any more is named."""
    stale = [
        f"{page}: {entry}"
        for page, entry in entries()
        if not any(explains(entry, error.text) for error in in_the_code)
    ]
    assert "\n".join(stale) == ""


def test_each_text_is_explained_once() -> None:
    """No text has two entries, and the pages have as many as can be read on them."""
    texts = [entry for _, entry in entries()]
    assert sorted(set(texts)) == sorted(texts)
    definitions = sum(
        page.read_text(encoding="utf-8").count("\n: ")
        for page in PAGES.glob("*.md")
        if page.name != OVERVIEW
    )
    assert len(texts) == definitions


def test_the_texts_are_found(in_the_code: list[ErrorText]) -> None:
    """Texts in each of the forms that the code writes them in are found."""
    found = {error.text for error in in_the_code}
    assert "it has child groups: …" in found  # an argument
    assert "out of time, …" in found  # an argument with a value
    assert any(
        text.startswith("the role of the function has policies") for text in found
    )  # validate
    assert any(
        "and … above goes too and lets no agents go" in text for text in found
    )  # added later
    assert any(text.endswith("correct the template") for text in found)  # around another error's
