"""The pace of requests: a bucket for each API, slower where others use the account."""

from __future__ import annotations

import pytest

from connect_hierarchy_lambda.ports.pace import Pace, Rate


def times(pace: Pace, number: int, api: str = "create") -> list[float]:
    """When this many requests can be sent, each asked for after the one before was sent."""
    now = 0.0
    gone = []
    for _ in range(number):
        now += pace.take(api, now)
        gone.append(now)
    return gone


def test_a_burst_and_then_the_rate() -> None:
    """Half a token less than the service has, and then two a second."""
    assert times(Pace(Rate(2, 5)), 8) == pytest.approx([0, 0, 0, 0, 0.25, 0.75, 1.25, 1.75])


def test_each_api_has_a_bucket_of_its_own() -> None:
    """Each API has its own bucket."""
    pace = Pace(Rate(2, 2))
    assert times(pace, 2) == pytest.approx([0, 0.25])
    assert times(pace, 2, "delete") == pytest.approx([0, 0.25])


def test_what_was_just_used_up_is_not_there() -> None:
    """A run that follows another one begins with empty buckets."""
    assert times(Pace(Rate(2, 5), filled=False), 2) == pytest.approx([0.5, 1.0])


def test_tokens_come_back_up_to_the_burst() -> None:
    """However long nobody asked."""
    pace = Pace(Rate(2, 5))
    times(pace, 10)
    assert [pace.take("create", 1000.0) for _ in range(5)] == pytest.approx([0, 0, 0, 0, 0.25])


def test_a_refusal_slows_down_and_successes_speed_up() -> None:
    """Never below a quarter of the rate, never above it."""
    pace = Pace(Rate(2, 5))
    for _ in range(100):
        pace.refused("create", 0.0)
    assert pace.take("create", 0.0) == pytest.approx(2.0)
    for _ in range(100):
        pace.accepted("create", 0.0)
    assert pace.take("create", 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("environment", "rate"),
    [
        ({}, Rate(2, 5)),
        ({"CONNECT_REQUESTS_PER_SECOND": "10", "CONNECT_BURST": "25.5"}, Rate(10, 25.5)),
        ({"CONNECT_REQUESTS_PER_SECOND": "-1", "CONNECT_BURST": "many"}, Rate(2, 5)),
    ],
)
def test_the_environment_sets_the_rate(environment: dict[str, str], rate: Rate) -> None:
    """Invalid variables give the defaults."""
    assert Rate.of(environment) == rate
