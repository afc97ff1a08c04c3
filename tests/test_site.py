"""The documentation site: it builds without a warning, and works in a folder without a network."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tests.support.readme_picture import PICTURE, picture

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    builder = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    built = subprocess.run(
        [*builder, "-d", str(folder / "doctrees"), "docs", str(folder / "html")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return folder / "html"


class Links(HTMLParser):
    """The addresses that a page has, by the tag that has them."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses of a tag."""
        for name, value in attrs:
            if name in {"src", "href"} and value:
                self.found.append((tag, value))
            if name == "id" and value:
                self.anchors.add(value)


def pages(site: Path) -> Iterator[tuple[Path, Links]]:
    """Each page with its links."""
    for page in sorted(site.rglob("*.html")):
        yield page, Links(page)


def test_nothing_comes_from_a_network(site: Path) -> None:
    """Scripts, styles and pictures are in the folder."""
    loaded = [
        (page.name, address)
        for page, links in pages(site)
        for tag, address in links.found
        if tag != "a" and urlsplit(address).scheme not in {"", "data"}
    ]
    assert loaded == []


def test_links_lead_somewhere(site: Path) -> None:
    """Each link within the site has its page and its anchor."""
    known = dict(pages(site))
    broken = []
    for page, links in known.items():
        for _, address in links.found:
            parts = urlsplit(address)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchors = known[target].anchors if target in known else set()
            has_anchor = (
                not parts.fragment
                or target.suffix != ".html"
                or (unquote(parts.fragment) in anchors)
            )
            if not target.exists() or not has_anchor:
                broken.append(f"{page.relative_to(site)}: {address}")
    assert sorted(set(broken)) == []


def test_search_needs_no_server(site: Path) -> None:
    """The index is a script, which browsers load from a folder, and has words of errors."""
    search = Links(site / "search.html")
    assert ("script", "searchindex.js") in search.found
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert '"stranger"' in index
    assert re.search(r'"agents_on_\w+"', index)


def test_every_export_is_described(site: Path) -> None:
    """The reference has each name that the package exports, with its members."""
    exports = __import__("connect_hierarchy").__all__
    described = Links(site / "reference" / "constructs.html").anchors
    assert [name for name in exports if f"connect_hierarchy.{name}" not in described] == []
    assert "connect_hierarchy.HierarchyGroup.hierarchy_group_id" in described
    assert "connect_hierarchy.AgentsOnDelete.UNASSIGN" in described


def test_every_field_is_described(site: Path) -> None:
    """The table of a tree file has each field of the schema."""
    text = (site / "reference" / "tree-files.html").read_text(encoding="utf-8")
    for name in ("name", "key", "tags", "agents_on_delete", "children"):
        assert f'<span class="pre">{name}</span>' in text
    assert "text of 1 to 512 characters" in text


def test_the_picture_is_up_to_date() -> None:
    """The picture of the README is what the renderer makes of the sample organisation."""
    command = "python -m tests.support.readme_picture"
    assert PICTURE.read_text(encoding="utf-8") == picture(), f"write it anew: {command}"


def test_workflows_call_make() -> None:
    """Workflows run targets of the Makefile and nothing else, with a Python that is allowed."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))
    oldest = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    called = set()
    for path in sorted((REPOSITORY / ".github" / "workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                if "run" in step:
                    program, target = step["run"].split()
                    assert (program, target in targets) == ("make", True), step
                    called.add(target)
                version = step.get("with", {}).get("python-version")
                assert version is None or f">={version}" == oldest["requires-python"]
    assert {"check", "test", "docs"} <= called


def test_commits_are_checked_with_the_same_tools() -> None:
    """The hooks of pre-commit start programs of the virtual environment that make sets up."""
    text = (REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    pinned = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(text)["repos"]
    for hook in repository["hooks"]:
        program = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert program == "python" or re.search(rf"^{program}==", pinned, re.MULTILINE), hook["id"]
