"""Lets links between files at the root of the repository lead to the pages that include them."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_PAGES = {
    "ARCHITECTURE.md": "how-it-works.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
}
_LINK = re.compile(r"\[([^\]]+)\]\(([\w./-]+)\)")


def _link(found: re.Match[str]) -> str:
    text, target = found.groups()
    if target.startswith("docs/"):
        return f"[{text}]({target.removeprefix('docs/')})"
    return f"[{text}]({_PAGES[target]})" if target in _PAGES else text


def _read(_app: Sphinx, _path: Path, _page: str, content: list[str]) -> None:
    content[0] = _LINK.sub(_link, content[0])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to what reads included files."""
    app.connect("include-read", _read)
    return {"parallel_read_safe": True}
