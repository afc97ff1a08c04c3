"""The directive `tree-file-fields`: a table of the fields of a tree file, from the JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from connect_hierarchy import HierarchyTree


class TreeFileFields(Directive):
    """The fields of a group, each with its type, its limits and its description."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        path = HierarchyTree.schema_path()
        self.state.document.settings.record_dependencies.add(str(path))
        schema = json.loads(path.read_text(encoding="utf-8"))
        lines = StringList(list(_table(schema)), source=path.name)
        container = nodes.container()
        self.state.nested_parse(lines, self.content_offset, container)
        return list(container.children)


def _table(schema: Mapping[str, Any]) -> Iterator[str]:
    definitions = schema["$defs"]
    group = definitions["group"]
    yield "| field | value | meaning |"
    yield "|---|---|---|"
    for name, field in group["properties"].items():
        described = definitions[field["$ref"].rsplit("/", 1)[-1]] if "$ref" in field else field
        required = ", required" if name in group["required"] else ""
        meaning = described.get("description", "")
        yield f"| `{name}` | {_value(described)}{required} | {meaning} |"


def _value(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field["enum"])
    if field["type"] == "string":
        return f"text of {field['minLength']} to {field['maxLength']} characters"
    if field["type"] == "array":
        return "list of groups or names"
    of = field["additionalProperties"]
    return f"up to {field['maxProperties']} tags with values of up to {of['maxLength']} characters"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("tree-file-fields", TreeFileFields)
    return {"parallel_read_safe": True}
