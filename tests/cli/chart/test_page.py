"""The HTML page in a real browser: what it shows, and how it is used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from connect_hierarchy_cli.chart.hierarchy import Change, Group, Hierarchy, Mark, Owner
from connect_hierarchy_cli.chart.html import render_html
from tests.support.browser import WatchedPages
from tests.support.hierarchy_page import names, row
from tests.support.sample_hierarchies import INSTANCE_ARN, organisation, plan

SMALL = Hierarchy(
    instance_arn=INSTANCE_ARN,
    instance_alias="acme",
    levels=("Division", "Region"),
    groups=(
        Group(id="g-1", name="Support", level=1, tags={"cost-center": "42"}, agents=("ada",)),
        Group(
            id="g-2",
            name="Zürich",
            level=2,
            parent_id="g-1",
            owner=Owner("centre", "Tree"),
            agents=("bob.lovelace", "cyd"),
        ),
        Group(id="g-3", name="Sales", level=1),
    ),
    agents_without_group=("dee",),
)


@pytest.fixture
def small(pages: WatchedPages) -> Page:
    """A page with three groups on two levels."""
    return pages.open(render_html(SMALL))


def test_a_screen_reader_meets_a_tree(small: Page) -> None:
    """Names with their agents, levels, what is unfolded, and how many siblings there are."""
    expect(small.get_by_role("tree", name="Groups")).to_match_aria_snapshot(
        """
        - tree "Groups":
          - treeitem "Sales 0 agents" [level=1]
          - treeitem "Support 1 agent 3 in all cost-center 42" [expanded] [level=1]
          - treeitem "Zürich 2 agents centre" [level=2]
          - treeitem "In no group 1 agent" [level=1]
        """
    )
    support = row(small, "Support")
    assert support.get_attribute("aria-posinset") == "2"
    assert support.get_attribute("aria-setsize") == "3"
    expect(small.get_by_role("status")).to_be_attached()
    expect(small.get_by_role("heading", level=1)).to_have_text("acme")


def test_figures_levels_and_owners_stand_above_and_beside(small: Page) -> None:
    """The page has counts of everything, without a click."""
    figures = small.get_by_role("list", name="In figures").get_by_role("listitem")
    assert figures.all_inner_texts() == ["3 groups", "2 levels", "4 agents"]
    levels, owners = (table.inner_text() for table in small.get_by_role("table").all())
    assert " ".join(levels.split()) == "Level Groups Agents Division 2 1 Region 1 2"
    assert " ".join(owners.split()) == (
        "Stack Groups Agents centre 1 2 no stack of this library 2 1"
    )


def test_rows_have_tags_and_owners(pages: WatchedPages) -> None:
    """As far as there is room; what does not fit is counted."""
    page = pages.open(render_html(organisation()))
    night_desk = row(page, "Night desk")
    assert night_desk.locator(".tags").inner_text().split() == [
        "cost-center",
        "4200",
        "on-call",
        "yes",
        "+2",
    ]
    assert night_desk.locator(".owner").inner_text() == "contact-centre-support"


@pytest.mark.parametrize(
    ("query", "found", "status"),
    [
        ("sal", ["Sales"], "1 group found"),
        ("zurich", ["Support", "Zürich"], "1 group found"),
        ("lovelace", ["Support", "Zürich"], "1 group found, 1 agent by name"),
        ("zür cyd", ["Support", "Zürich"], "1 group found, 1 agent by name"),
        ("COST-CENTER 42", ["Support"], "1 group found"),
        ("tree", ["Support", "Zürich"], "1 group found"),
        ("g-3", ["Sales"], "1 group found"),
        ("dee", ["In no group"], "0 groups found, 1 agent by name"),
    ],
)
def test_a_search_finds(small: Page, query: str, found: list[str], status: str) -> None:
    """By name, agent, tag, owner and id, without case and accents; all words have to be there."""
    small.get_by_role("searchbox").fill(query)
    expect(small.get_by_role("status")).to_have_text(status)
    assert names(small) == found


def test_a_search_for_an_agent_takes_no_two_for_one(small: Page) -> None:
    """A search for words that occur in different agents of a group finds none of these agents."""
    small.get_by_role("searchbox").fill("bob cyd")
    expect(small.get_by_role("status")).to_have_text("Nothing found")


def test_found_letters_are_marked_and_the_way_to_them_is_faint(small: Page) -> None:
    """Found text is marked, in names and among agents."""
    small.get_by_role("searchbox").fill("Love")
    expect(small.locator("mark")).to_have_text(["love"])
    support, zurich = small.get_by_role("treeitem").all()
    assert "context" in (support.get_attribute("class") or "")
    assert "context" not in (zurich.get_attribute("class") or "")
    small.get_by_role("searchbox").fill("zuri")
    expect(small.locator("mark")).to_have_text(["Züri"])


def test_a_search_without_a_result_says_so_and_leads_back(small: Page) -> None:
    """The words are repeated, and one button shows everything again."""
    small.get_by_role("searchbox").fill("<i>nobody")
    expect(small.get_by_text("No group and no agent matches “<i>nobody”.")).to_be_visible()
    expect(small.get_by_role("status")).to_have_text("Nothing found")
    small.get_by_role("button", name="Show all groups").click()
    assert names(small) == ["Sales", "Support", "Zürich", "In no group"]
    expect(small.get_by_role("searchbox")).to_be_focused()


def test_escape_clears_a_search(small: Page) -> None:
    """Ending the search restores how the tree was folded."""
    row(small, "Support").locator(".twisty").click()
    small.get_by_role("searchbox").fill("zurich")
    expect(small.get_by_role("treeitem")).to_have_count(2)
    small.get_by_role("searchbox").press("Escape")
    assert names(small) == ["Sales", "Support", "In no group"]
    expect(small.get_by_role("searchbox")).to_have_value("")


def test_what_a_search_hides_below_a_found_group_can_be_unfolded(small: Page) -> None:
    """From a found group, all groups below it can be shown."""
    small.get_by_role("searchbox").fill("support")
    expect(small.get_by_role("treeitem")).to_have_count(1)
    row(small, "Support").locator(".twisty").click()
    assert names(small) == ["Support", "Zürich"]


def test_an_owner_can_be_chosen(pages: WatchedPages) -> None:
    """One stack, or none."""
    page = pages.open(render_html(organisation()))
    page.get_by_role("combobox", name="Owner").select_option("contact-centre-sales")
    expect(page.get_by_role("status")).to_have_text("8 groups found")
    assert names(page)[0] == "Sales"
    page.get_by_role("combobox", name="Owner").select_option("no stack")
    assert names(page)[0] == "Field Service"
    page.get_by_role("combobox", name="Owner").select_option("All")
    expect(page.get_by_role("status")).to_be_empty()


def test_folding_and_unfolding(pages: WatchedPages) -> None:
    """One group by its arrow, all of them to a level by its button."""
    page = pages.open(render_html(organisation()))
    everything = names(page)
    support = row(page, "Customer Support")
    support.locator(".twisty").click()
    expect(support).to_have_attribute("aria-expanded", "false")
    assert "EMEA" not in names(page)
    to_division = page.get_by_role("button", name="Unfold to Division, 5 groups")
    to_division.click()
    expect(to_division).to_have_attribute("aria-pressed", "true")
    divisions = ["Back Office", "Customer Support", "Field Service", "Sales", "Training"]
    assert names(page) == [*divisions, "In no group"]
    to_team = page.get_by_role("button", name="Unfold to Team, 21 groups")
    to_team.click()
    expect(to_division).to_have_attribute("aria-pressed", "false")
    assert names(page) == everything


def test_agents_can_be_named_in_the_tree(small: Page) -> None:
    """All of them, below their groups."""
    assert "bob.lovelace" not in small.get_by_role("tree").inner_text()
    small.get_by_role("checkbox", name="Agents").check()
    lines = small.get_by_role("tree").locator(".people").all_inner_texts()
    assert lines == ["ada", "bob.lovelace, cyd", "dee"]


def test_details_of_a_group(small: Page) -> None:
    """Path, level, owner, agents, id and ARN; closing them leads back to the row."""
    row(small, "Zürich").click()
    details = small.get_by_role("complementary", name="Details")
    expect(details.get_by_role("heading", name="Zürich")).to_be_visible()
    text = " ".join(details.inner_text().split())
    assert text.startswith("Support")
    assert "Zürich Level Region · 2 of 2 Owner centre / Tree Agents 2 agents Id g-2" in text
    assert f"{INSTANCE_ARN}/agent-group/g-2" in text
    assert text.endswith("Agents (2) bob.lovelace cyd")
    expect(small.get_by_role("treeitem", selected=True)).to_have_count(1)
    details.get_by_role("button", name="Close the details").click()
    expect(details.get_by_role("heading", name="Overview")).to_be_visible()
    expect(row(small, "Zürich")).to_be_focused()
    row(small, "Support").click()
    assert "cost-center 42" in " ".join(details.inner_text().split())


def test_an_id_can_be_copied(pages: WatchedPages) -> None:
    """The ARN lands in the clipboard, and the page says so."""
    page = pages.open(render_html(SMALL), permissions=["clipboard-read", "clipboard-write"])
    row(page, "Sales").click()
    page.get_by_role("button", name="Copy ARN").click()
    expect(page.get_by_role("status")).to_have_text("ARN copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{INSTANCE_ARN}/agent-group/g-3"


def test_the_address_names_the_chosen_group(pages: WatchedPages) -> None:
    """The address with a group opens that group, however deep it is."""
    by_name = {group.name: group for group in organisation().groups}
    night_desk = by_name["Night desk"].id
    page = pages.open(render_html(organisation()), address=f"#{night_desk}")
    expect(page.get_by_role("heading", name="Night desk")).to_be_visible()
    expect(row(page, "Night desk")).to_be_in_viewport()
    row(page, "Sales").click()
    assert page.url.endswith(f"#{by_name['Sales'].id}")
    other = pages.open(render_html(organisation()), address="#nothing%E0%A4")
    expect(other.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_plan_is_in_words(pages: WatchedPages) -> None:
    """Each change stands at its group, all are counted above, and nothing else can be shown."""
    page = pages.open(render_html(plan()))
    changes = page.get_by_role("list", name="Planned changes").get_by_role("listitem")
    assert changes.all_inner_texts() == [
        "2 added",
        "1 renamed",
        "1 moved",
        "1 removed",
        "1 replaced",
        "1 adopted",
    ]
    page.get_by_role("checkbox", name="Changes only").check()
    expect(page.get_by_role("status")).to_have_text("7 groups found")
    marks = page.get_by_role("tree").locator(".mark").all_inner_texts()
    assert sorted(marks) == [
        "added",
        "added",
        "adopted",
        "moved from Back Office / Knowledge base, 13 agents",
        "removed, 9 agents move to Sales",
        "renamed from APAC",
        "replaced, it has no key, its history ends",
    ]
    row(page, "Nairobi").click()
    expect(page.get_by_role("button", name="Copy id")).to_have_count(0)


def test_without_a_script_there_is_the_plain_list(pages: WatchedPages) -> None:
    """Without scripts, as in many viewers of attachments, the page has a plain list."""
    marked = replace(SMALL.groups[2], marks=(Mark(Change.RENAMED, before="Selling"),))
    hierarchy = replace(SMALL, groups=(*SMALL.groups[:2], marked))
    page = pages.open(render_html(hierarchy), java_script_enabled=False)
    items = page.locator("noscript li")
    assert " ".join(items.nth(0).inner_text().split()) == "Sales (renamed from Selling)"
    assert " ".join(items.nth(2).inner_text().split()) == "Zürich, 2 agents"
    expect(page.get_by_role("tree")).to_be_hidden()


def test_an_instance_without_groups(pages: WatchedPages) -> None:
    """An instance without groups has a page that says so, without useless controls."""
    page = pages.open(render_html(Hierarchy(instance_arn=INSTANCE_ARN)))
    expect(page.get_by_text("This instance has no groups yet.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(INSTANCE_ARN[-36:])
    expect(page.get_by_role("button", name="Unfold")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Owner")).to_be_hidden()


def test_long_lists_of_agents_are_shown_in_parts(pages: WatchedPages) -> None:
    """The first two hundred at once, all of them on demand."""
    agents = tuple(f"agent-{number:04}" for number in range(1234))
    group = Group(id="g", name="Everybody", level=1, agents=agents)
    page = pages.open(render_html(replace(SMALL, groups=(group,))))
    row(page, "Everybody").click()
    listed = page.get_by_role("complementary").get_by_role("listitem")
    expect(listed).to_have_count(200)
    page.get_by_role("button", name="Show all 1,234 agents").click()
    expect(listed).to_have_count(1234)
    page.get_by_role("checkbox", name="Agents").check()
    assert page.locator(".people").first.inner_text().endswith("agent-0059 and 1,174 more")
