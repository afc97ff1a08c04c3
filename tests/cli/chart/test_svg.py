"""The SVG: a file on its own, readable on light and dark pages, in words as well as in colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import expect

from connect_hierarchy_cli.chart.hierarchy import Change, Group, Hierarchy, Mark
from connect_hierarchy_cli.chart.svg import render_svg
from tests.support.browser import WatchedPages
from tests.support.sample_hierarchies import INSTANCE_ARN, large, organisation, plan

SVG = "{http://www.w3.org/2000/svg}"

CONTRASTS = """() => {
    const light = ([r, g, b]) => {
        const [lr, lg, lb] = [r, g, b].map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * lr + 0.7152 * lg + 0.0722 * lb;
    };
    const colour = (element) => getComputedStyle(element).fill.match(/[\\d.]+/g).map(Number);
    return [...document.querySelectorAll('text')].map(text => {
        const box = text.parentElement.querySelector(':scope > .box, :scope > .chip')
            ?? document.querySelector('.paper');
        const [one, other] = [light(colour(text)), light(colour(box))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        return [text.textContent, ratio];
    });
}"""

OVERFLOWS = """() => [...document.querySelectorAll('g > text')].filter(text => {
    const box = text.parentElement.querySelector(':scope > rect');
    if (!box) return false;
    const [inner, outer] = [text.getBBox(), box.getBBox()];
    return inner.x < outer.x || inner.x + inner.width > outer.x + outer.width
        || inner.y < outer.y || inner.y + inner.height > outer.y + outer.height;
}).map(text => text.textContent)"""


def parsed(svg: str) -> ET.Element:
    """The file as XML."""
    return ET.fromstring(svg)  # noqa: S314 - what this test has just rendered


def texts(svg: str) -> list[str]:
    """All lines of text, from the top down as they are drawn."""
    return [one.text or "" for one in parsed(svg).iter(f"{SVG}text")]


def size(svg: str) -> tuple[float, float]:
    """Width and height."""
    root = parsed(svg)
    return float(root.attrib["width"]), float(root.attrib["height"])


def thirteen() -> Hierarchy:
    """A small organisation."""
    full = organisation()
    return replace(full, groups=tuple(full.in_order())[:13])


def folded() -> Hierarchy:
    """Twelve hundred groups, most of them not shown."""
    return large(1200, 300_000)


def test_thirteen_groups_fit_into_a_readme() -> None:
    """All of them are there with their agents, below the names of the levels."""
    svg = render_svg(thirteen())
    lines = texts(svg)
    assert {group.name for group in thirteen().groups} <= set(lines)
    assert [line for line in lines if line in {"Division", "Region", "Team"}] == [
        "Division",
        "Region",
        "Team",
    ]
    wide, high = size(svg)
    assert wide <= 1000
    assert high <= 600


def test_a_screen_reader_hears_what_it_shows() -> None:
    """A title and a description, by which the picture is named."""
    root = parsed(render_svg(thirteen()))
    assert root.attrib["role"] == "img"
    title, description = root.findall(f"{SVG}title") + root.findall(f"{SVG}desc")
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {description.attrib['id']}"
    assert title.text == "The agent hierarchy of northwind-contact-centre"
    assert description.text == (
        "13 groups, 125 agents. Levels: Division, Region, Team. "
        "At the top: Back Office (71 agents), Customer Support (47 agents). 7 agents in no group."
    )


def test_a_plan_is_in_words() -> None:
    """At its groups, counted above, and in the description."""
    svg = render_svg(plan())
    lines = texts(svg)
    for words in (
        "added",
        "renamed from APAC",
        "adopted",
        "removed, 9 agents move to Sales",
        "2 added",
        "1 replaced",
    ):
        assert words in lines
    assert "moved from Back Office / Knowledge base, 13 agents" in " ".join(lines)
    description = parsed(svg).find(f"{SVG}desc")
    assert description is not None
    assert "Asia Pacific: renamed from APAC." in (description.text or "")


def test_long_names_are_cut_and_told_on_demand() -> None:
    """With an ellipsis, and the whole name as a title."""
    name = "Small and medium businesses in German-speaking countries"
    root = parsed(render_svg(organisation()))
    (place,) = (
        text for text in root.iter(f"{SVG}text") if (text.text or "").startswith("Small and")
    )
    assert (place.text or "").endswith("…")
    assert place.findtext(f"{SVG}title") == name


def test_long_level_names_are_cut_and_told_on_demand() -> None:
    """Like those of groups."""
    name = "Division, department or any other unit of the uppermost level"[:50]
    hierarchy = replace(organisation(), levels=(name, "Region", "Team"))
    titles = [title.text for title in parsed(render_svg(hierarchy)).iter(f"{SVG}title")]
    assert name in titles


def test_four_hundred_groups_are_folded_and_it_says_so() -> None:
    """A picture of many groups keeps a readable size, and counts hidden groups."""
    svg = render_svg(large(400, 300))
    wide, high = size(svg)
    assert wide <= 1000
    assert high < 1600
    lines = texts(svg)
    assert "Shown are 72 of 400 groups; the others are only counted." in " ".join(lines)
    assert lines.count("+ 5 groups") > 40


def test_a_wide_level_is_cut() -> None:
    """The groups of a level that do not fit are counted in one box at its end."""
    lines = texts(render_svg(large(400, 800, levels=1), most_rows=10))
    assert "Division 9" in lines
    assert "Division 10" not in lines
    assert "+ 391 groups, 782 agents" in lines


def test_hidden_changes_are_counted() -> None:
    """A plan with more changes than rows counts the hidden changes."""
    full = large(40, 0, levels=1)
    groups = tuple(replace(group, marks=(Mark(Change.ADOPTED),)) for group in full.groups)
    lines = texts(render_svg(replace(full, groups=groups), most_rows=4))
    assert "40 adopted" in lines
    assert "+ 37 groups, 37 changes, 0 agents" in lines


def test_an_instance_without_groups() -> None:
    """Says so."""
    svg = render_svg(Hierarchy(instance_arn=INSTANCE_ARN, levels=("Division",)))
    assert "This instance has no groups yet." in texts(svg)
    assert "No groups yet at: Division." in texts(svg)


def test_hostile_names_are_texts() -> None:
    """Markup, control characters and half surrogate pairs: the file stays well-formed."""
    name = "</text><script>alert(1)</script>&\x00\ud83d\u202e]]>"
    group = Group(id="g", name=name, level=1, marks=(Mark(Change.RENAMED, before=name),))
    svg = render_svg(
        Hierarchy(instance_arn=INSTANCE_ARN, instance_alias=name, levels=(name,), groups=(group,))
    )
    svg.encode()
    root = parsed(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert name.replace("\x00", "\ufffd").replace("\ud83d", "\ufffd") in texts(svg)


def test_too_few_rows_are_refused() -> None:
    """A picture needs two rows at least, since one row cannot count what it hides."""
    with pytest.raises(ValueError, match="most_rows is 1, at least 2 are needed"):
        render_svg(organisation(), most_rows=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("make", [organisation, plan, folded])
def test_every_text_has_contrast_and_room(
    pages: WatchedPages, make: Callable[[], Hierarchy], scheme: str
) -> None:
    """Each text has enough contrast on the picture's own background, and fits into its box."""
    page = pages.open(render_svg(make()), name="picture.svg", color_scheme=scheme)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 80
    assert [one for one in contrasts if one[1] < 4.5] == []
    assert page.evaluate(OVERFLOWS) == []


def test_it_needs_nothing_else(pages: WatchedPages) -> None:
    """As an image in a page, as on GitHub, the picture has its size and loads nothing."""
    (pages.folder / "picture.svg").write_text(render_svg(plan()), encoding="utf-8")
    page = pages.open('<img src="picture.svg" alt="the hierarchy">')
    expect(page.get_by_role("img")).to_be_visible()
    box = page.get_by_role("img").bounding_box()
    assert box
    assert (box["width"], box["height"]) == size(render_svg(plan()))
