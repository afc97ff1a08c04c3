"""What a plan says of changes by hand, and that the deployment then does so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from connect_hierarchy_cli.drifting import seen_by
from connect_hierarchy_cli.plan import wording
from connect_hierarchy_cli.plan.by_hand import subject
from connect_hierarchy_cli.plan.result import ByHand, Fate, Plan
from connect_hierarchy_lambda.core.drift import Difference
from connect_hierarchy_lambda.model.ownership import (
    owner_tags,
    stack_name_and_uuid,
)
from connect_hierarchy_lambda.ports.connect import Connect
from local_aws.cloudformation.stacks import Stack
from local_aws.connect import ConnectSettings
from local_aws.connect.rows import LEVEL_KEYS
from tests.plan.test_planning import tree
from tests.support.deployments import LEVELS
from tests.support.planning import planned
from tests.support.scenarios import Resources
from tests.support.stacks import Site, node

BEFORE = (
    node("Support", node("EMEA", Key="emea"), Key="support"),
    node("Sales", node("North", Key="north", Tags={"site": "no"}), Key="sales"),
)
PLACES = ("Support", "Support/EMEA", "Sales", "Sales/North")


class Hands:
    """A person who changes groups of a stack in the console."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.stack = site.up(tree(site, *BEFORE))
        site.clock.sleep(1000)
        self._client = site.client("connect")
        self._ids = {path: site.ids[path] for path in PLACES}

    def rename(self, path: str, name: str) -> None:
        """Give a group another name."""
        self._client.update_user_hierarchy_group_name(
            InstanceId=self.site.instance_id, HierarchyGroupId=self._ids[path], Name=name
        )

    def tag(self, path: str, **tags: str) -> None:
        """Set tags."""
        self._client.tag_resource(resourceArn=self._arn(path), tags=tags)

    def delete(self, path: str) -> None:
        """Delete a group."""
        self._client.delete_user_hierarchy_group(
            InstanceId=self.site.instance_id, HierarchyGroupId=self._ids[path]
        )

    def hire(self, name: str, path: str) -> None:
        """An agent joins a group."""
        backend = self.site.connect.backend
        backend.create_user(self.site.instance_id, name, hierarchy_group_id=self._ids[path])

    def move(self, path: str, above: str, name: str) -> None:
        """A group with the same tags elsewhere, the agents there, the old one deleted."""
        backend = self.site.connect.backend
        hierarchy = backend.hierarchy(self.site.instance_id)
        tags = hierarchy.groups[self._ids[path]].group.tags
        made = backend.create_user_hierarchy_group(
            self.site.instance_id, name, self._ids[above], dict(tags)
        )
        for user in hierarchy.agents.get(self._ids[path], ()):
            backend.update_user_hierarchy(self.site.instance_id, user.id, made.group.id)
        self.delete(path)

    def name_levels(self, *names: str) -> None:
        """Name the levels."""
        levels = {key: {"Name": name} for key, name in zip(LEVEL_KEYS, names, strict=False)}
        self.site.connect.backend.update_user_hierarchy_structure(self.site.instance_id, levels)

    def _arn(self, path: str) -> str:
        return f"{self.site.instance_arn}/agent-group/{self._ids[path]}"


@pytest.fixture
def hands() -> Iterator[Hands]:
    """Two divisions with a region each, which a stack has made."""
    site = Site(connect_settings=ConnectSettings(default_rate=None))
    yield Hands(site)
    site.clock.close()


def deployed(hands: Hands, resources: Resources) -> tuple[Plan, dict[tuple[str, str], ByHand]]:
    """The plan of a deployment that is then made, with what it said of each difference.

    What it said to stay is what differs afterwards, of what differed before.
    """
    plan = planned(hands.site, resources, hands.stack)
    assert plan.refusal == ""
    stack = hands.site.up(resources)
    assert stack.status == "UPDATE_COMPLETE"
    after = {subject(one) for one in drift(hands.site, stack)}
    told = {subject(one.difference): one for one in plan.by_hand}
    stays = {what for what, one in told.items() if one.fate is Fate.STAYS}
    assert stays == told.keys() & after
    return plan, {(one.difference.kind, one.difference.path): one for one in plan.by_hand}


def drift(site: Site, stack: Stack) -> Sequence[Difference]:
    """What `drift` shows."""
    assert stack.template is not None
    ledger = site.ledger_of(stack.stack_id)
    declared = stack.template.document["Resources"]
    owner = stack_name_and_uuid(stack.stack_id)
    return seen_by(ledger, owner, declared, Connect(site.client("connect"))).differences


def test_nothing_by_hand_is_nothing_to_say(hands: Hands) -> None:
    """What the deployment itself changes is no change by hand."""
    renamed = node("Service", node("EMEA", Key="emea"), Key="support")
    plan, told = deployed(hands, tree(hands.site, renamed))
    assert told == {}
    assert wording.by_hand(plan) == []


def test_what_a_deployment_had_to_leave_was_done_by_nobody(hands: Hands) -> None:
    """`drift` shows it as well, and no plan calls it a change by hand."""
    site = hands.site
    groups = tree(site, *BEFORE)
    site.up({**groups, "Desk": site.group("Desk")})
    site.hire("ada", "Desk")
    stack = site.up(groups)
    assert [one.kind for one in drift(site, stack)] == ["LEFT"]
    assert planned(site, groups, stack).by_hand == ()


def test_without_a_request_everything_stays(hands: Hands) -> None:
    """CloudFormation asks for nothing where the template is as it was."""
    hands.rename("Support", "Help")
    hands.delete("Sales/North")
    plan = planned(hands.site, tree(hands.site, *BEFORE), hands.stack)
    assert (plan.exit_code, plan.calls) == (0, ())
    assert wording.headline(plan) == "No changes. 2 changes by hand will stay."
    assert wording.by_hand(plan) == [
        "Sales/North is gone: stays",
        "Support is called 'Help': stays",
        (
            "to bring 2 of these back, type this before the deployment: connect-hierarchy drift "
            "--stack site --repair"
        ),
    ]


def test_a_name_is_undone_or_accepted(hands: Hands) -> None:
    """The app's name counts, be it the one from before or the one given by hand."""
    hands.rename("Support", "Help")
    hands.rename("Sales", "Revenue")
    _, told = deployed(
        hands,
        tree(
            hands.site,
            node("Support", node("EMEA", Key="emea"), Key="support"),
            node("Revenue", node("North", Key="north", Tags={"site": "no"}), Key="sales"),
        ),
    )
    fates = {path: one.fate for (_, path), one in told.items()}
    assert fates == {"Support": Fate.UNDONE, "Sales": Fate.ACCEPTED}


def test_tags_are_undone_where_the_app_changes_them(hands: Hands) -> None:
    """A tag that the app leaves as it was deployed stays as somebody set it."""
    hands.tag("Sales/North", site="yes")
    region = node("North", Key="north", Tags={"site": "no"})
    _, told = deployed(hands, tree(hands.site, BEFORE[0], node("Revenue", region, Key="sales")))
    assert [one.fate for one in told.values()] == [Fate.STAYS]
    region = node("North", Key="north", Tags={"site": "maybe"})
    _, told = deployed(hands, tree(hands.site, BEFORE[0], node("Revenue", region, Key="sales")))
    assert [one.fate for one in told.values()] == [Fate.UNDONE]


def test_a_deleted_group_is_made_anew_or_forgotten(hands: Hands) -> None:
    """It depends on whether the app still has it."""
    hands.delete("Support/EMEA")
    hands.delete("Sales/North")
    groups = (BEFORE[0], node("Sales", Key="sales"))
    plan, told = deployed(hands, tree(hands.site, *groups))
    fates = {path: one.fate for (_, path), one in told.items()}
    assert fates == {"Support/EMEA": Fate.MADE_ANEW, "Sales/North": Fate.ACCEPTED}
    assert wording.by_hand(plan)[-1] == "Support/EMEA is gone: is created again"


def test_a_moved_group_stays_elsewhere_with_its_agents(hands: Hands) -> None:
    """The deployment makes an empty one; a repair before it would bring the agents back."""
    hands.hire("ada", "Support/EMEA")
    hands.move("Support/EMEA", "Sales", "EMEA")
    plan, told = deployed(hands, tree(hands.site, *BEFORE, node("Partners")))
    (one,) = told.values()
    assert (one.fate, one.left_at, one.agents_left) == (Fate.MADE_ANEW, ("Sales", "EMEA"), 1)
    assert hands.site.agents == {"Sales/EMEA": ("ada",)}
    assert wording.by_hand(plan) == [
        (
            "Support/EMEA is gone, a group with its owner tags stood at 'Sales / EMEA': is "
            "created again, and Sales/EMEA stays with 1 agent"
        ),
        (
            "to bring 1 of these back, type this before the deployment: connect-hierarchy drift "
            "--stack site --repair"
        ),
    ]


def test_what_the_app_has_no_more_goes(hands: Hands) -> None:
    """A renamed group that leaves the app is deleted under whatever name."""
    hands.rename("Sales/North", "South")
    _, told = deployed(hands, tree(hands.site, BEFORE[0], node("Sales", Key="sales")))
    assert [one.fate for one in told.values()] == [Fate.GOES]


def test_another_stacks_group_stays_until_the_app_has_it_no_more(hands: Hands) -> None:
    """Nothing is done to it, and from then on it is no business of this stack."""
    hands.tag("Sales/North", **owner_tags("other/uuid", "Theirs"))
    _, told = deployed(hands, tree(hands.site, *BEFORE, "Partners"))
    assert [one.fate for one in told.values()] == [Fate.STAYS]
    _, told = deployed(hands, tree(hands.site, BEFORE[0], node("Sales", Key="sales"), "Partners"))
    assert [one.fate for one in told.values()] == [Fate.ACCEPTED]
    assert "Sales/North" in hands.site.ids


def test_levels_are_undone_where_the_app_writes_them(hands: Hands) -> None:
    """A structure that gets no request leaves them."""
    hands.name_levels("Division", "Land", "Team")
    _, told = deployed(hands, tree(hands.site, *BEFORE, "Partners"))
    assert {place: one.fate for place, one in told.items()} == {("LEVEL", "level 2"): Fate.STAYS}
    structure = {"Structure": hands.site.structure(*LEVELS, "Desk")}
    _, told = deployed(hands, {**tree(hands.site, *BEFORE, "Partners"), **structure})
    assert [one.fate for one in told.values()] == [Fate.UNDONE]


def test_a_level_that_the_app_has_by_now_is_accepted(hands: Hands) -> None:
    """Its name by hand and in the app is the same."""
    hands.name_levels("Division", "Land", "Team")
    structure = {"Structure": hands.site.structure("Division", "Land", "Team")}
    _, told = deployed(hands, {**tree(hands.site, *BEFORE), **structure})
    assert [one.fate for one in told.values()] == [Fate.ACCEPTED]


def test_a_refused_deployment_says_nothing_of_it(hands: Hands) -> None:
    """All that it would do is taken back."""
    hands.rename("Support", "Help")
    hands.hire("ada", "Sales/North")
    plan = planned(hands.site, tree(hands.site, BEFORE[0], node("Sales", Key="sales")), hands.stack)
    assert plan.refusal
    assert plan.by_hand == ()
