"""The contract of every ledger, for the one in memory and the one on DynamoDB alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connect_hierarchy_lambda.model.ledger import (
    Begun,
    Displaced,
    Entry,
    Forward,
    IdChange,
    Image,
    Intention,
    LastWish,
    Origin,
    Phase,
    Record,
    RequestType,
)
from connect_hierarchy_lambda.ports.calls import PassingError
from connect_hierarchy_lambda.ports.ledger import LEASE_SECONDS, Ledger, Turn, TurnLostError
from connect_hierarchy_lambda.ports.memory_ledger import MemoryLedger
from local_aws.connect import ConnectSettings, FaultKind
from tests.support.stacks import Site

INSTANCE_ARN = "arn:aws:connect:eu-west-2:123456789012:instance/1"
NOW = 1_800_000_000.0


@pytest.fixture
def site() -> Site:
    """A site with a table."""
    return Site(ledger_in_table=True)


@pytest.fixture(params=["memory", "DynamoDB"])
def ledger(request: pytest.FixtureRequest, site: Site) -> Ledger:
    """An empty ledger."""
    return MemoryLedger() if request.param == "memory" else site.ledger_of("stack")


def record(group_id: str, **fields: object) -> Record:
    """A record with something in every field."""
    values: dict[str, object] = {
        "phase": Phase.RETIRED,
        "origin": Origin.ADOPTED,
        "tags": {"k": "ä"},
        "agents_on_delete": "UNASSIGN",
        "intention": Intention.RENAME,
        "open_tags": ("k", "x"),
        "image": Image("r0", "Other", "k", "Old", Phase.LEFT, Origin.MADE, {"a": "b"}),
        "displaced": Displaced("Name", "Taker"),
        "as_found": {"x": None, "y": "z"},
        "came_by": "r1",
        "changed_by": "r2",
        "left_for": "id",
        "why": "agents",
        "made_at": NOW,
        **fields,
    }
    made = Record(INSTANCE_ARN, "parent", "Näme", "Group", "key", group_id)
    return replace(made, **values)  # type: ignore[arg-type] # of all types


def taken(ledger: Ledger, run: str = "one", now: float = NOW) -> Turn:
    """The turn, which has to be free."""
    turn = ledger.take_turn(run, now)
    assert turn is not None
    return turn


def test_an_empty_ledger_knows_nothing(ledger: Ledger) -> None:
    """Neither resources nor groups."""
    assert ledger.entry("Group") is None
    assert ledger.records() == {}
    assert ledger.id_changes() == []
    assert ledger.entries() == {}
    assert ledger.last_wishes() == {}


def test_what_is_written_is_read(ledger: Ledger) -> None:
    """Every field of records, entries and changes of ids comes back."""
    begun = Begun(
        "r1",
        RequestType.UPDATE,
        NOW,
        direction="BACK",
        goal="BEFORE",
        undone="r0",
        is_last=True,
        stack_goes=True,
        undoes="d",
        answer={"a": 1},
    )
    forward = Forward("r0", "d", is_create=False, properties_before={"p": ["q"]})
    entry = Entry(
        "Group",
        (begun,),
        physical_id="id",
        established=True,
        forward=forward,
        since={"w": 1.5},
        levels={INSTANCE_ARN: {"before": 1}},
    )
    change = IdChange(NOW, "Group", "key", "A / B", "old", "new")
    pending = replace(record(""), intention=Intention.CREATE)
    turn = taken(ledger)
    ledger.write(turn, entry=entry, records=[record("1"), pending], changes=[change])
    assert ledger.entry("Group") == entry
    assert ledger.entries() == {"Group": entry}
    assert ledger.records() == {"1": record("1"), pending.slot: pending}
    assert ledger.id_changes() == [change]
    ledger.write(turn, records=[record("2")], forgotten=[pending])
    assert ledger.records().keys() == {"1", "2"}


def test_changes_of_ids_are_read_in_the_order_of_their_times(ledger: Ledger) -> None:
    """Whatever the ids are called, and also where two changed in one moment."""
    changes = [
        IdChange(NOW + second, "Group", "", "A", f"old {new}", new)
        for second, new in ((0, "z"), (0, "zz"), (1, "b"), (9, "c"), (10, "a"))
    ]
    turn = taken(ledger)
    ledger.write(turn, changes=changes[:3])
    ledger.write(turn, changes=changes[3:])
    assert ledger.id_changes() == changes


def test_the_last_wish_of_a_resource_takes_the_place_of_the_one_before(ledger: Ledger) -> None:
    """Properties come back as CloudFormation sent them."""
    turn = taken(ledger)
    other = LastWish("Other", "type", {"Name": "Ö"})
    ledger.write(turn, wish=LastWish("Group", "type", {"Name": "old"}))
    ledger.write(turn, wish=other)
    wish = LastWish("Group", "type", {"Name": "new", "Groups": [{"Name": "x"}]})
    ledger.write(turn, wish=wish)
    assert ledger.last_wishes() == {"Group": wish, "Other": other}


def test_more_than_a_transaction_takes_is_written(ledger: Ledger) -> None:
    """Five hundred groups retire in one step."""
    records = [record(str(number)) for number in range(500)]
    ledger.write(taken(ledger), records=records)
    assert ledger.records() == {one.slot: one for one in records}


def test_one_run_has_the_turn(ledger: Ledger) -> None:
    """Another one gets it when it was given back."""
    turn = taken(ledger)
    assert ledger.take_turn("two", NOW + 1) is None
    ledger.give_turn(turn, {})
    assert taken(ledger, "two", NOW + 2).serial == turn.serial + 1


def test_the_turn_of_a_dead_run_ends_with_its_lease(ledger: Ledger) -> None:
    """What the dead run would still write is refused, and its pace is unknown."""
    dead = taken(ledger)
    assert ledger.take_turn("two", NOW + LEASE_SECONDS - 1) is None
    turn = taken(ledger, "two", NOW + LEASE_SECONDS + 1)
    assert turn.pace is None
    with pytest.raises(TurnLostError):
        ledger.write(dead, records=[record("1")])
    assert ledger.records() == {}
    ledger.give_turn(dead, {"api": (1.0, 1.0, 1.0)})
    assert ledger.take_turn("three", NOW + LEASE_SECONDS + 2) is None


def test_a_turn_that_was_given_back_writes_nothing(ledger: Ledger) -> None:
    """Also where nobody else has it."""
    turn = taken(ledger)
    ledger.give_turn(turn, {})
    with pytest.raises(TurnLostError):
        ledger.write(turn, records=[record("1")])


def test_the_pace_passes_from_turn_to_turn(ledger: Ledger) -> None:
    """For each API its rate, its tokens and when they were counted."""
    assert taken(ledger).pace == {}
    turn = taken(ledger)
    ledger.give_turn(turn, {"CreateUserHierarchyGroup": (2.0, 3.5, NOW)})
    pace = taken(ledger, "two", NOW + 1).pace
    assert pace is not None
    assert {api: tuple(bucket) for api, bucket in pace.items()} == {
        "CreateUserHierarchyGroup": (2.0, 3.5, NOW)
    }


def test_stacks_do_not_see_each_other(site: Site) -> None:
    """One table serves them all."""
    one, other = site.ledger_of("one"), site.ledger_of("other")
    one.write(taken(one), records=[record("1")])
    assert other.records() == {}
    assert taken(other).serial == 1


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.ERROR_AFTER])
def test_a_lost_answer_of_a_write_is_no_lost_write(site: Site, kind: FaultKind) -> None:
    """The same transaction is sent again, and counts once."""
    ledger = site.ledger_of("stack")
    turn = taken(ledger)
    site.dynamodb.plan_fault("TransactWriteItems", kind=kind)
    ledger.write(turn, records=[record("1")])
    assert ledger.records().keys() == {"1"}


def test_a_throttled_table_is_a_passing_trouble(site: Site) -> None:
    """The engine tries again in a later turn."""
    ledger = site.ledger_of("stack")
    site.dynamodb.plan_fault("*", kind=FaultKind.THROTTLE)
    with pytest.raises(PassingError):
        ledger.take_turn("one", NOW)


# a table that the role may not use --------------------------------------------------------------


def denied(seconds: float) -> tuple[Site, str, list[str]]:
    """Create a group while the ledger denies everything for a time: site, status, reasons."""
    site = Site(ledger_in_table=True, connect_settings=ConnectSettings(default_rate=None))
    site.write_levels("Division")
    until = site.clock.now() + seconds
    site.dynamodb.settings.authorize = lambda *_: site.clock.now() >= until
    stack = site.up({"Group": site.group("Sales", InstanceArn=site.instance_arn)})
    return site, stack.status, site.reasons(stack)


def test_permissions_of_the_ledger_may_come_late() -> None:
    """IAM's changes take a while to be everywhere, so a denial is doubted for two minutes."""
    site, status, reasons = denied(60)
    assert (status, reasons) == ("CREATE_COMPLETE", [])
    assert set(site.ids) == {"Sales"}


def test_a_ledger_that_stays_denied_fails_the_deployment_and_touches_nothing() -> None:
    """The error says what is denied and what to check, and no call was made without a ledger."""
    site, status, reasons = denied(3600)
    assert status == "ROLLBACK_FAILED"
    assert "using the ledger" in reasons[0]
    assert "dynamodb:UpdateItem is denied" in reasons[0]
    assert "check the function's role and the table" in reasons[0]
    assert len(reasons[0]) < 300
    assert site.calls() == []
