"""Shows constructs as they are written: their own signatures, and Markdown in docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_type_hints

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature
from sphinx.util.typing import ExtensionMetadata, stringify_annotation

import connect_hierarchy

_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_PUBLIC = set(connect_hierarchy.__all__)


def _signature(
    app: Sphinx, what: str, name: str, described: Any, _options: Any, _given: Any, _returns: Any
) -> tuple[str, str | None] | None:
    """The signature of `__init__`; autodoc alone sees that of jsii's metaclass."""
    if what != "class" or type(described).__module__.partition(".")[0] != "jsii":
        return None
    constructor = described.__init__
    signature = inspect.signature(constructor)
    parameters = [p for own, p in signature.parameters.items() if own != "self"]
    hints = get_type_hints(constructor)
    app.env.current_document.autodoc_annotations[name] = {
        parameter.name: stringify_annotation(hints[parameter.name], "smart")
        for parameter in parameters
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return stringify_signature(inspect.Signature(bare), show_annotation=False), None


def _docstring(
    _app: Sphinx, _what: str, _name: str, _described: Any, _options: Any, lines: list[str]
) -> None:
    """Markdown's code in a docstring, which reStructuredText writes otherwise."""
    lines[:] = _CODE.sub(_code, "\n".join(lines)).split("\n")


def _code(found: re.Match[str]) -> str:
    text = found[1]
    return f":py:class:`~connect_hierarchy.{text}`" if text in _PUBLIC else f"``{text}``"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to autodoc; before napoleon, which makes reStructuredText of the docstrings."""
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _docstring, priority=400)
    return {"parallel_read_safe": True}
