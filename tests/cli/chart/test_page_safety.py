"""The HTML page with hostile names: no name of a group has any effect."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Error, expect

from connect_hierarchy_cli.chart.hierarchy import Change, Group, Hierarchy, Mark, Owner
from connect_hierarchy_cli.chart.html import render_html
from tests.support.browser import WatchedPages
from tests.support.sample_hierarchies import INSTANCE_ARN, organisation

HOSTILE = (
    "</script><script>hacked = 1</script>",
    "<img src=http://127.0.0.1:9/x onerror='hacked = 1'>",
    "\"'><svg onload=hacked=1>",
    "</style></title></noscript><script>hacked = 1</script>",
    "{{ 7 * 7 }} {% raw %} ${hacked = 1}",
    "<!--",
    "]]>&lt;&amp;",
    "a\u2028b\u2029c",
    "👩‍👩‍👧 🇪🇪 é",
    "\u202eright to left\u202c \u0627\u0644\u062f\u0639\u0645",
    "tab\tnewline\nend",
    "\\u003c \\",
)


def hostile(name: str) -> Hierarchy:
    """A hierarchy that says this wherever it can."""
    group = Group(
        id=name,
        name=name,
        level=1,
        tags={name: name},
        owner=Owner(name, name),
        agents=(name,),
        marks=(Mark(Change.MOVED, before=name, note=name),),
    )
    below = replace(group, id="below", level=2, parent_id=name)
    return Hierarchy(
        instance_arn=INSTANCE_ARN,
        instance_alias=name,
        levels=(name, name),
        groups=(group, below),
        agents_without_group=(name,),
        read_at=name,
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text(pages: WatchedPages, name: str) -> None:
    """A hostile name is shown unchanged in the row, in the details and above, and never runs."""
    page = pages.open(render_html(hostile(name)))
    first = page.get_by_role("treeitem").first
    assert first.locator(".name").text_content() == name
    first.click()
    assert page.get_by_role("complementary").get_by_role("heading", level=2).text_content() == name
    page.get_by_role("checkbox", name="Agents").check()
    page.get_by_role("searchbox").fill(name.split(maxsplit=1)[0])
    expect(page.get_by_role("status")).to_contain_text("found")
    assert page.get_by_role("heading", level=1).text_content() == name
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("script").count() == 2
    assert page.locator("img, svg, iframe, object").count() == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_without_scripts(pages: WatchedPages, name: str) -> None:
    """The plain list shows a hostile name unchanged, too."""
    page = pages.open(render_html(hostile(name)), java_script_enabled=False)
    assert page.locator("noscript li bdi").first.text_content() == name
    assert page.locator("img, svg, script:not(#data) + script + *").count() == 0


def test_half_of_a_surrogate_pair_can_be_written(pages: WatchedPages) -> None:
    """The file opens with half a surrogate pair, which JSON allows and UTF-8 does not."""
    page = pages.open(render_html(hostile("half \ud83d and \x00")))
    expect(page.get_by_role("heading", level=1)).to_have_text("half \ufffd and \ufffd")
    expect(page.get_by_role("treeitem")).to_have_count(3)


def test_a_right_to_left_name_turns_nothing_else_round(pages: WatchedPages) -> None:
    """A name that is written from right to left does not move the text after it."""
    group = Group(
        id="g",
        name="\u202e\u0627\u0644\u062f\u0639\u0645",
        level=1,
        agents=("\u202eabc", "\uff38yz"),
        marks=(Mark(Change.RENAMED, before="\u202eabc"),),
    )
    page = pages.open(render_html(Hierarchy(instance_arn=INSTANCE_ARN, groups=(group,))))
    row = page.get_by_role("treeitem")
    name, mark, count = (
        row.locator(part).bounding_box() for part in (".name", ".mark", ".agents b")
    )
    assert name
    assert mark
    assert count
    assert name["x"] < mark["x"] < count["x"]
    page.get_by_role("checkbox", name="Agents").check()
    turned, straight = (agent.bounding_box() for agent in page.locator(".people > *").all())
    assert turned
    assert straight
    assert turned["x"] < straight["x"]


def test_the_policy_allows_nothing_but_the_page_itself() -> None:
    """The policy allows script and style by their hashes only: no source, inline or evaluation."""
    html = render_html(organisation())
    match = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert match
    policy = match[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"\son\w+=|\sstyle=", html.partition('<script type="application/json"')[0])


def test_the_policy_holds_in_the_browser(pages: WatchedPages) -> None:
    """Injected code could neither run nor send anything."""
    page = pages.open(render_html(organisation()))
    refused = page.evaluate(
        """async () => {
            const tries = {
                fetch: () => fetch('http://127.0.0.1:9/'),
                markup: () => { document.body.innerHTML += '<b>x</b>'; },
                script: () => { document.createElement('script').text = 'hacked = 1'; },
            };
            const refused = [];
            for (const [name, attempt] of Object.entries(tries)) {
                try { await attempt(); } catch { refused.push(name); }
            }
            return refused;
        }"""
    )
    assert refused == ["fetch", "markup", "script"]
    with pytest.raises(Error, match="TrustedScript"):
        page.add_script_tag(content="hacked = 1")
    assert page.evaluate("typeof hacked") == "undefined"
    assert pages.complaints, "the browser says what it refuses"
    pages.complaints.clear()
