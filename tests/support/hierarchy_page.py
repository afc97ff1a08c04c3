"""Finds its way about in the HTML page of a hierarchy."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page


def row(page: Page, name: str) -> Locator:
    """The row of the group with exactly this name."""
    exactly = re.compile(f"^{re.escape(name)}$")
    return page.get_by_role("treeitem").filter(has=page.locator(".name", has_text=exactly))


def names(page: Page) -> list[str]:
    """The names in the tree, from the top down."""
    return page.get_by_role("tree").locator(".name").all_inner_texts()
