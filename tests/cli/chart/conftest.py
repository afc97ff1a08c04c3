"""The browser for all tests of the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import WatchedPages, chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all of them."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def pages(browser: Browser, tmp_path: Path) -> Iterator[WatchedPages]:
    """Pages that load nothing but themselves, and write no error to the console."""
    pages = WatchedPages(browser, tmp_path)
    yield pages
    pages.close()
    assert [url for url in pages.requests if not url.startswith(("file:", "data:"))] == []
    assert pages.complaints == []
