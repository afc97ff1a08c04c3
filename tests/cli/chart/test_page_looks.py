"""The HTML page for every eye: themes, contrast, narrow windows, paper, and large instances."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from connect_hierarchy_cli.chart.html import render_html
from tests.support.browser import WatchedPages, accessibility_violations
from tests.support.hierarchy_page import row
from tests.support.sample_hierarchies import large, organisation, plan

NARROW = {"width": 390, "height": 844}


def background(page: Page) -> str:
    """The colour behind everything."""
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_the_theme_is_the_systems_unless_one_is_chosen(pages: WatchedPages) -> None:
    """A chosen theme overrides the system's until it is reset."""
    page = pages.open(render_html(organisation()), color_scheme="light")
    light = background(page)
    page.emulate_media(color_scheme="dark")
    dark = background(page)
    assert light != dark
    page.get_by_role("radio", name="Light").check()
    assert background(page) == light
    page.reload()
    assert background(page) == light
    expect(page.get_by_role("radio", name="Light")).to_be_checked()
    page.get_by_role("radio", name="Auto").check()
    assert background(page) == dark


def untouched(page: Page) -> None:
    """The page as it opens."""


def with_details(page: Page) -> None:
    """A group with many tags and agents is chosen."""
    row(page, "Night desk").click()


def with_a_search(page: Page) -> None:
    """Found letters are marked, and agents named."""
    page.get_by_role("searchbox").fill("ada")
    expect(page.get_by_role("status")).to_contain_text("found")


def with_nothing_found(page: Page) -> None:
    """There is no row."""
    page.get_by_role("searchbox").fill("qqq")
    expect(page.get_by_role("status")).to_contain_text("Nothing")


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("act", [untouched, with_details, with_a_search, with_nothing_found])
def test_axe_finds_nothing(
    pages: WatchedPages, act: Callable[[Page], None], scheme: str, viewport: dict[str, int]
) -> None:
    """Roles, names and contrast are right in both themes, wide and narrow."""
    # the policy of the page would refuse axe itself, which is not a finding
    page = pages.open(render_html(plan()), color_scheme=scheme, viewport=viewport, bypass_csp=True)
    act(page)
    assert accessibility_violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 720, 1000, 1100, 1340, 1440, 1920])
def test_nothing_is_wider_than_the_window(pages: WatchedPages, width: int) -> None:
    """No window scrolls sideways, and no column lies on another."""
    page = pages.open(render_html(plan()), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cells = row(page, "Night desk").locator("> span").all()
    boxes = sorted(
        (box for cell in cells if (box := cell.bounding_box())), key=lambda box: box["x"]
    )
    assert len(boxes) >= 2
    for left, right in pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"] + 1


def test_a_narrow_window_has_a_sheet_for_details(pages: WatchedPages) -> None:
    """The details open on request, keep the row in sight, and close."""
    page = pages.open(render_html(organisation()), viewport=NARROW)
    details = page.get_by_role("complementary")
    expect(details).to_be_hidden()
    night_desk = row(page, "Night desk")
    night_desk.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(details).to_be_hidden()
    page.keyboard.press("Enter")
    expect(details).to_be_visible()
    sheet, line = details.bounding_box(), night_desk.bounding_box()
    assert sheet
    assert line
    assert line["y"] >= 0
    assert line["y"] + line["height"] <= sheet["y"]
    page.get_by_role("button", name="Close the details").click()
    expect(details).to_be_hidden()
    expect(night_desk).to_be_focused()


def test_paper_shows_everything_unfolded(pages: WatchedPages) -> None:
    """All groups, tags, owners and agents, no control; the screen comes back unchanged."""
    page = pages.open(render_html(organisation()), color_scheme="dark")
    page.get_by_role("button", name="Unfold to Division").click()
    folded = page.get_by_role("tree").inner_text()
    page.evaluate(
        """addEventListener('beforeprint', () => {
            window.printed = document.getElementById('tree').innerText;
        })"""
    )
    assert page.pdf().startswith(b"%PDF")
    printed = page.evaluate("printed")
    for group in organisation().groups:
        assert group.name in printed
        assert all(agent in printed for agent in group.agents)
        assert all(value in printed for value in group.tags.values())
    assert page.get_by_role("tree").inner_text() == folded
    expect(page.get_by_role("treeitem").first).to_be_visible()

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_role("treeitem")).to_have_count(39)
    on_paper = row(page, "Night desk")
    shown = " ".join(on_paper.inner_text().split())
    assert shown.startswith(
        "Night desk 13 agents Team cost-center 4200 on-call yes region emea shift night "
        "contact-centre-support / Organisation "
    )
    for control in ("searchbox", "radio", "button", "complementary"):
        assert not [one for one in page.get_by_role(control).all() if one.is_visible()]
    assert background(page) == "rgb(255, 255, 255)"


def test_paper_says_what_was_searched_for(pages: WatchedPages) -> None:
    """A print of search results leaves hidden groups out, and says so."""
    page = pages.open(render_html(organisation()))
    page.get_by_role("searchbox").fill("customer")
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_text("Search: customer")).to_be_visible()
    expect(page.get_by_role("treeitem")).to_have_count(1)


def seconds(page: Page, script: str, until: str = "true") -> float:
    """The time until the browser has painted after a script and a condition holds.

    The page checks the condition, since Playwright's own checks of thousands of rows take longer
    than what is measured here.
    """
    milliseconds: float = page.evaluate(
        f"""() => new Promise(done => {{
            const began = performance.now();
            {script};
            const look = () => requestAnimationFrame(() => setTimeout(
                () => {until} ? done(performance.now() - began) : look()));
            look();
        }})"""
    )
    return milliseconds / 1000


def test_five_thousand_groups_stay_fast(pages: WatchedPages) -> None:
    """Opening, searching and unfolding are quick with twenty thousand agents.

    The limits are much longer than needed, since other tests run at the same time.
    """
    html = render_html(large(5_000, 20_000))
    assert len(html.encode()) < 2_000_000
    began = time.perf_counter()
    page = pages.open(html)
    expect(page.get_by_role("treeitem")).to_have_count(12)
    assert time.perf_counter() - began < 5

    search = (
        "const box = document.getElementById('query'); box.value = '{}'; "
        "box.dispatchEvent(new KeyboardEvent('keydown', {{key: 'Enter'}}))"
    )
    assert seconds(page, search.format("tanaka")) < 2
    assert "agents by name" in page.locator("#status").inner_text()
    assert seconds(page, search.format("cost-center")) < 5
    assert page.locator("#status").inner_text() == "5,000 groups found"
    assert seconds(page, search.format("")) < 2
    unfold = "document.querySelector('#depths button:last-of-type').click()"
    # visible rows appear at once, the others follow
    assert seconds(page, unfold) < 2
    placed = "document.getElementById('tree').getAttribute('aria-busy') === 'false'"
    assert seconds(page, unfold, placed) < 10
    assert page.locator("#tree > li").count() == 5_000
    page.locator("#row-0").focus()
    page.keyboard.press("End")
    last: list[bool] = page.evaluate(
        """() => {
            const last = document.getElementById('tree').lastElementChild;
            const { top, bottom } = last.getBoundingClientRect();
            return [last === document.activeElement, top >= 0 && bottom <= innerHeight];
        }"""
    )
    assert last == [True, True]
