"""Shows how a file was edited."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from demo.console import Console, Style

_STYLES: Mapping[str, Style] = {"+": Style.GOOD, "-": Style.BAD}


def draw_edit(console: Console, before: Path, after: Path) -> None:
    """Show the lines in which a YAML file differs from another, and the lines around them."""
    console.line()
    console.line(f"{after.parent.name}/{after.name} beside {before.name}:")
    difference = difflib.unified_diff(_content(before), _content(after), lineterm="")
    # the first three lines say which files and which lines of them
    for line in list(difference)[3:]:
        shown = "…" if line.startswith("@@") else line
        console.line(console.styled(shown, _STYLES.get(line[0], Style.FAINT)), 2)


def _content(file: Path) -> list[str]:
    """The lines of a YAML file but for those that are only a comment."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]
