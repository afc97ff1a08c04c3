"""The hierarchy as one HTML file that needs nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from connect_hierarchy_cli.chart.hierarchy import Group, Hierarchy
from connect_hierarchy_cli.chart.text import counted, shown

_SCRIPTS = ("groups.js", "search.js", "rows.js", "details.js", "tree.js", "page.js")


def render_html(hierarchy: Hierarchy) -> str:
    """The page in one file: styles, script and data are inside, and nothing is loaded.

    Write it as UTF-8.

    Args:
        hierarchy: The hierarchy. If groups have marks, it is the picture of a plan.
    """
    style, script = _file("page.css"), _script()
    return (
        _environment()
        .from_string(_file("page.html.jinja"))
        .render(
            hierarchy=hierarchy,
            data=_data(hierarchy),
            # The project's own files, not users' texts.
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"script-src {_csp_hash(script)}",
                    f"style-src {_csp_hash(style)}",
                    "img-src data:",
                    "base-uri 'none'",
                    "form-action 'none'",
                    "require-trusted-types-for 'script'",
                    "trusted-types 'none'",
                )
            ),
        )
    )


@cache
def _file(name: str) -> str:
    folder = resources.files("connect_hierarchy_cli.chart") / "page"
    return (folder / name).read_text(encoding="utf-8")


def _script() -> str:
    """All scripts in one scope of their own."""
    parts = "\n".join(map(_file, _SCRIPTS))
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _csp_hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"shown": shown, "counted": counted}
    return environment


def _data(hierarchy: Hierarchy) -> dict[str, Any]:
    """The data for the script; each group comes after the one above it."""
    ordered = list(hierarchy.in_order())
    index = {group.id: number for number, group in enumerate(ordered)}
    return {
        "arn": hierarchy.instance_arn,
        "levels": hierarchy.level_names,
        "groups": [_group(group, index) for group in ordered],
        "withoutGroup": sorted(hierarchy.agents_without_group, key=str.casefold),
    }


def _group(group: Group, index: dict[str, int]) -> list[Any]:
    """The fields of a group in the order in which `groups.js` reads them."""
    return [
        group.id,
        group.name,
        -1 if group.parent_id is None else index.get(group.parent_id, -1),
        group.level,
        dict(sorted(group.tags.items())),
        [group.owner.stack, group.owner.resource] if group.owner else None,
        sorted(group.agents, key=str.casefold),
        [[mark.change, mark.text] for mark in group.marks],
    ]
