"""The present state of an instance, also if searches show a former one."""

from __future__ import annotations

from connect_hierarchy_cli.pacing import PacedCalls
from connect_hierarchy_cli.placement.present import (
    SEARCH_LAG_SECONDS,
    AgentSurvey,
    present_groups,
)
from connect_hierarchy_lambda.model.groups import Agent
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes
from connect_hierarchy_lambda.ports.pace import Rate
from tests.support.stacks import Site

_LAG = 200


class Office:
    """An instance with two groups and two agents, whose searches lag."""

    def __init__(self) -> None:
        self.site = Site(seed=1)
        self.site.connect.settings.default_rate = None
        self.site.write_levels("Team", "Desk")
        self.backend, self.instance = self.site.connect.backend, self.site.instance_id
        self.old = self.backend.create_user_hierarchy_group(self.instance, "Old").id
        self.desk = self.backend.create_user_hierarchy_group(self.instance, "Desk", self.old).id
        self.site.hire("ada", "Old")
        self.site.hire("bob")
        self.site.clock.sleep(1000)
        self.site.connect.settings.search_lag = _LAG
        self.connect = Connect(
            self.site.client("connect"), PacedCalls(self.site.function_clock, Rate(100, 100))
        )

    def id_of(self, username: str) -> str:
        """Id of an agent."""
        users = self.backend.list_users(self.instance)
        return next(user.id for user in users if user.username == username)

    def agents(self, *only: str) -> dict[str, Agent]:
        """The agents as a command reads them."""
        survey = AgentSurvey.of(self.connect, self.site.instance_arn)
        doubtful = survey.doubtful(self.site.clock.now(), only or None)
        lanes = Lanes(self.site.function_clock, Rate())
        self.progress: list[tuple[int, int]] = []
        return survey.settled(
            self.connect, doubtful, lanes, lambda *step: self.progress.append(step)
        )


def test_groups_that_no_search_shows_yet() -> None:
    """A new group is there, a deleted one is not, and a renamed one has its new name."""
    office = Office()
    backend, instance = office.backend, office.instance
    backend.update_user_hierarchy_group_name(instance, office.old, "New")
    backend.delete_user_hierarchy_group(instance, office.desk)
    made = backend.create_user_hierarchy_group(instance, "Made", office.old).id
    groups = {group.id: group for group in present_groups(office.connect, office.site.instance_arn)}
    assert {group.id: group.path_of_names for group in groups.values()} == {
        office.old: "New",
        made: "New / Made",
    }
    assert groups[office.old].name == "New"


def test_agents_that_changed_lately_are_read() -> None:
    """Agents that were just moved, created or deleted are read again; others are not."""
    office = Office()
    backend, instance = office.backend, office.instance
    assert office.agents() == {
        "ada": Agent(office.id_of("ada"), "ada", office.old),
        "bob": Agent(office.id_of("bob"), "bob"),
    }
    assert office.progress == []
    backend.update_user_hierarchy(instance, office.id_of("ada"), office.desk)
    backend.create_user(instance, "cyd", hierarchy_group_id=office.old)
    backend.delete_user(instance, office.id_of("bob"))
    assert office.agents() == {
        "ada": Agent(office.id_of("ada"), "ada", office.desk),
        "cyd": Agent(office.id_of("cyd"), "cyd", office.old),
    }
    assert office.progress == [(1, 2), (2, 2)]
    office.site.clock.sleep(SEARCH_LAG_SECONDS + 1)
    assert office.agents()["ada"].group_id == office.desk
    assert office.progress == []


def test_only_the_agents_that_matter_are_read() -> None:
    """Agents that a file does not name are not read, however lately they changed."""
    office = Office()
    for username in ("ada", "bob"):
        office.backend.update_user_hierarchy(office.instance, office.id_of(username), office.desk)
    assert office.agents("bob")["bob"].group_id == office.desk
    assert len(office.progress) == 1


def test_twenty_thousand_agents_take_the_calls_of_their_pages() -> None:
    """Agents are searched 500 and listed 1,000 a page, and none is read by itself."""
    office = Office()
    office.site.connect.settings.search_lag = 0
    for number in range(4_000):
        office.backend.create_user(office.instance, f"agent-{number}")
    office.site.clock.sleep(1000)
    office.site.connect.calls.clear()
    assert len(office.agents()) == 4_002
    assert office.site.calls() == ["SearchUsers"] * 9 + ["ListUsers"] * 5
