"""The HTML page by keyboard, as the tree pattern of ARIA says."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from connect_hierarchy_cli.chart.html import render_html
from tests.support.browser import WatchedPages
from tests.support.hierarchy_page import row
from tests.support.sample_hierarchies import organisation

FIRST, SECOND = "Back Office", "Billing"


@pytest.fixture
def page(pages: WatchedPages) -> Page:
    """The organisation, all unfolded, with the focus on the first group."""
    page = pages.open(render_html(organisation()))
    row(page, FIRST).focus()
    return page


def press(page: Page, *keys: str) -> str:
    """Press keys in order, and return the group that then has the focus."""
    for key in keys:
        page.keyboard.press(key)
    name: str = page.evaluate("document.activeElement.querySelector('.name').innerText")
    return name


def test_up_and_down(page: Page) -> None:
    """From row to row, and no further than the ends."""
    assert press(page, "ArrowDown") == SECOND
    assert press(page, "ArrowDown", "ArrowDown") == "Refunds"
    assert press(page, "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp") == FIRST


def test_home_and_end(page: Page) -> None:
    """The first and the last row that are there."""
    assert press(page, "End") == "In no group"
    assert press(page, "End", "ArrowDown") == "In no group"
    assert press(page, "Home") == FIRST


def test_right_unfolds_then_goes_in(page: Page) -> None:
    """On a group with nothing below it, it does nothing."""
    first = row(page, FIRST)
    assert press(page, "ArrowLeft") == FIRST
    expect(first).to_have_attribute("aria-expanded", "false")
    assert press(page, "ArrowRight") == FIRST
    expect(first).to_have_attribute("aria-expanded", "true")
    assert press(page, "ArrowRight", "ArrowRight", "ArrowRight") == "Disputes"


def test_left_goes_out_then_folds(page: Page) -> None:
    """From a team to its region, which then folds, and on to the division."""
    assert press(page, "ArrowDown", "ArrowDown") == "Disputes"
    assert press(page, "ArrowLeft") == SECOND
    assert press(page, "ArrowLeft") == SECOND
    expect(row(page, SECOND)).to_have_attribute("aria-expanded", "false")
    assert press(page, "ArrowLeft") == FIRST
    assert press(page, "ArrowLeft", "ArrowLeft") == FIRST


def test_space_folds_and_unfolds(page: Page) -> None:
    """A key of the tree does not scroll the page."""
    first = row(page, FIRST)
    press(page, " ")
    expect(first).to_have_attribute("aria-expanded", "false")
    press(page, " ")
    expect(first).to_have_attribute("aria-expanded", "true")
    assert page.evaluate("scrollY") == 0


def test_a_star_unfolds_all_siblings(page: Page) -> None:
    """All divisions at once, regions not."""
    page.get_by_role("button", name="Unfold to Division").click()
    row(page, FIRST).focus()
    assert press(page, "*") == FIRST
    expect(row(page, "Dispatch")).to_be_visible()
    expect(row(page, "Disputes")).to_have_count(0)


def test_letters_jump_to_names(page: Page) -> None:
    """One letter leads from name to name, several typed together to the one that begins so."""
    # time stands still until the test moves it on
    page.clock.install(time=0)
    page.clock.pause_at(10)
    assert press(page, "s") == "São Paulo"
    page.clock.run_for(1000)
    assert press(page, "s") == "Sydney"
    page.clock.run_for(1000)
    assert press(page, *"south") == "South"
    page.clock.run_for(1000)
    assert press(page, *"night desk") == "Night desk"
    page.clock.run_for(1000)
    assert press(page, *"qqq") == "Night desk"


def test_enter_shows_details_and_escape_leads_back(page: Page) -> None:
    """The focus goes into the details, and back to the row."""
    press(page, "ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=SECOND)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(row(page, SECOND)).to_be_focused()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_escape_leads_back_step_by_step(page: Page) -> None:
    """From the details of what was found to the row, then to all groups, with the focus there."""
    page.keyboard.press("/")
    page.keyboard.type("manila")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Manila")).to_be_focused()
    assert press(page, "Escape") == "Manila"
    expect(page.get_by_role("treeitem")).to_have_count(3)
    assert press(page, "Escape") == "Manila"
    expect(page.get_by_role("treeitem")).to_have_count(39)
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_details_follow_the_focus_where_there_is_room(page: Page) -> None:
    """Moving through the rows reads them one by one."""
    press(page, "ArrowDown")
    expect(page.get_by_role("heading", name=SECOND)).to_be_visible()


def test_the_tree_is_one_stop_of_the_tabulator(page: Page) -> None:
    """Tab leaves it, and comes back to the row that it left."""
    press(page, "ArrowDown", "ArrowDown")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Unfold to Team")).to_be_focused()
    page.keyboard.press("Tab")
    expect(row(page, "Disputes")).to_be_focused()
    expect(page.locator('[role="treeitem"][tabindex="0"]')).to_have_count(1)


def test_a_slash_leads_to_the_search_and_enter_back_to_the_first_found(page: Page) -> None:
    """From typing to the group without a mouse, also before the search has caught up."""
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("manil")
    page.keyboard.press("Enter")
    expect(row(page, "Manila")).to_be_focused()
    expect(page.get_by_role("treeitem")).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.get_by_role("treeitem")).to_have_count(39)


def test_the_first_tab_skips_to_the_groups(pages: WatchedPages) -> None:
    """A link skips the controls and leads to the tree."""
    page = pages.open(render_html(organisation()))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the groups")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, FIRST)).to_be_focused()


def test_folding_above_the_focus_keeps_it_in_the_tree(page: Page) -> None:
    """If the row with the focus is folded away, the folded row gets the focus."""
    press(page, "ArrowDown", "ArrowDown")
    row(page, FIRST).locator(".twisty").click()
    expect(row(page, FIRST)).to_be_focused()
    expect(page.locator('[role="treeitem"][tabindex="0"]')).to_have_count(1)
