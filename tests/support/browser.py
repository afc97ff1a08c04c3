"""A real headless browser with pages, which are watched for requests and errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

REPOSITORY = Path(__file__).parents[2]
_UNPACKED = REPOSITORY / "build" / "chromium"
_AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium as `make test` unpacks it, or the one that the variable CHROMIUM names."""
    path = Path(os.environ.get("CHROMIUM") or _UNPACKED / "chromium")
    environment = {
        **os.environ,
        "FONTCONFIG_FILE": str(Path(__file__).with_name("fonts.conf")),
        "LD_LIBRARY_PATH": str(path.parent / "al2023" / "lib"),
    }
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, env={**environment})
        except PlaywrightError as error:
            raise RuntimeError(
                f"the browser {path} does not start: run `make test`, which unpacks one for Linux "
                "on x86-64, or name one of yours with CHROMIUM=…"
            ) from error
        with browser:
            yield browser


@dataclass
class WatchedPages:
    """Opens pages from files, and records their requests and console errors."""

    browser: Browser
    folder: Path
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, text: str, name: str = "page.html", address: str = "", **options: Any) -> Page:
        """A page of its own in a window of its own.

        Args:
            text: What the file has.
            name: The name of the file, whose ending says what it is.
            address: What follows the name in the address, such as `#anchor`.
            options: What `Browser.new_context` takes.
        """
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        context = self.browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{file.as_uri()}{address}")
        return page

    def close(self) -> None:
        """Close all windows."""
        for context in self._contexts:
            context.close()


def accessibility_violations(page: Page) -> list[str]:
    """What axe finds wrong, contrast included, with the place of each."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
