"""The commands as people type them: examples, and the shared options in one place."""

from __future__ import annotations

import re

import click
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_OPTION = re.compile(r"\.\. option:: (--[\w-]+)")


def _options(_app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Leave out what the whole program has: a command repeats it only to read it there, too."""
    if context.parent is None:
        return
    shared = {name for param in context.parent.command.params for name in param.opts}
    kept: list[str] = []
    is_kept = True
    for line in lines:
        option = _OPTION.match(line)
        if option:
            is_kept = option[1] not in shared
        if is_kept:
            kept.append(line)
    lines[:] = kept


def _epilog(_app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Add the examples of a command."""
    examples = getattr(context.command, "examples", ())
    if examples:
        lines += ["", ".. rubric:: Examples", "", ".. code-block:: shell", ""]
        lines += [f"    {example}" for example in examples]
        lines.append("")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to sphinx-click."""
    app.connect("sphinx-click-process-options", _options)
    app.connect("sphinx-click-process-epilog", _epilog)
    return {"parallel_read_safe": True}
