"""The state machine: any history of a stack, with faults drawn at every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from local_aws.cloudformation.custom_resources import ReversedUpdateId
from local_aws.cloudformation.engine import EngineSettings
from local_aws.connect import DuplicateScope, FaultKind
from local_aws.connect.exceptions import ConnectError
from local_aws.connect.rows import LEVEL_KEYS
from tests.lifecycle.drawing import NAMES
from tests.lifecycle.edits import Edits
from tests.lifecycle.faults import Faults, PlannedFault
from tests.lifecycle.snapshots import Seen
from tests.lifecycle.world import ROLLBACK_DELAY, Tally, World

AGENTS = [f"agent-{number}" for number in range(6)]
APIS = [
    "*",
    "*",
    "CreateUserHierarchyGroup",
    "UpdateUserHierarchyGroupName",
    "DeleteUserHierarchyGroup",
    "UpdateUserHierarchy",
    "UpdateUserHierarchyStructure",
    "TagResource",
    "UntagResource",
    "DescribeUserHierarchyGroup",
    "SearchUserHierarchyGroups",
    "SearchUsers",
    "ListUserHierarchyGroups",
]
PEOPLE_ARE_SLOW = 200.0
"""Seconds between what people do and a deployment, longer than any lag that is drawn."""

KINDS = [kind for kind in FaultKind if kind is not FaultKind.ACCESS_DENIED]

planned_faults = st.builds(
    PlannedFault,
    api=st.sampled_from(APIS),
    nth=st.integers(1, 25),
    kind=st.sampled_from(KINDS),
    times=st.sampled_from([1, 1, 1, 2, 4]),
)
nothing_wrong = st.just(Faults())
mild_faults = st.builds(
    Faults,
    planned=st.lists(planned_faults, max_size=2).map(tuple),
    kills=st.dictionaries(st.integers(1, 40), st.booleans(), max_size=2),
    copies=st.dictionaries(st.integers(1, 8), st.sampled_from([0.0, 1.0, 30.0]), max_size=2),
    search_lag=st.sampled_from([0.0, 0.0, 3.0, 30.0, 100.0]),
    read_lag=st.sampled_from([0.0, 0.0, 1.0, 5.0]),
    timeout=st.sampled_from([900.0, 900.0, 120.0]),
    denied_for=st.sampled_from([0.0, 0.0, 0.0, 20.0]),
    fails=st.sampled_from(["", "", "after", "during"]),
    fails_after=st.sampled_from([0.0, 0.5, 3.0, 20.0]),
)
heavy_faults = st.builds(
    Faults,
    planned=st.lists(
        st.builds(
            PlannedFault,
            api=st.sampled_from(APIS),
            nth=st.integers(1, 25),
            kind=st.sampled_from(KINDS),
            times=st.sampled_from([1, 5, 40, 400]),
        ),
        max_size=3,
    ).map(tuple),
    kills=st.dictionaries(st.integers(1, 40), st.booleans(), max_size=8),
    copies=st.dictionaries(st.integers(1, 8), st.sampled_from([0.0, 5.0, 90.0, 600.0]), max_size=2),
    search_lag=st.sampled_from([0.0, 30.0, 150.0]),
    read_lag=st.sampled_from([0.0, 2.0, 20.0]),
    timeout=st.sampled_from([900.0, 120.0, 60.0]),
    denied_for=st.sampled_from([0.0, 30.0, 400.0]),
    quota_left=st.sampled_from([None, None, 0, 1]),
    fails=st.sampled_from(["", "", "after", "during"]),
    fails_after=st.sampled_from([0.0, 0.5, 3.0, 20.0]),
)
engines = st.builds(
    EngineSettings,
    reversed_update_id=st.sampled_from(ReversedUpdateId),
    rollback_delay=st.just(ROLLBACK_DELAY),
    response_url_has_date=st.booleans(),
    replaced_get_reversed_update=st.booleans(),
    rollback_sets_updated_time=st.booleans(),
    records_show_progress=st.booleans(),
    records_show_what_is_cleaned_up=st.booleans(),
)
"""The switches for undocumented behaviour of CloudFormation, in both positions."""

rests = st.sampled_from([0.0, 30.0, 4000.0])
any_faults = st.one_of(nothing_wrong, mild_faults, mild_faults, heavy_faults)


def machine(  # noqa: C901 - a class in it
    tally: Tally, *, has_trees: bool
) -> type[RuleBasedStateMachine]:
    """A state machine that counts what it does; with `has_trees` its stacks may have trees too."""

    class Histories(RuleBasedStateMachine):
        """One stack, the author of its app, the operators of two instances, and faults."""

        world: World
        people_wrote = False

        @initialize(
            data=st.data(),
            scope=st.sampled_from(DuplicateScope),
            engine=engines,
            seed=st.integers(0, 2**16),
            stands=st.booleans(),
            has_raised_quota=st.booleans(),
        )
        def begin(
            self,
            data: st.DataObject,
            scope: DuplicateScope,
            engine: EngineSettings,
            seed: int,
            *,
            stands: bool,
            has_raised_quota: bool,
        ) -> None:
            """Two instances without a hierarchy, or with a deployed one."""
            self.world = World(scope, engine, seed, tally, has_raised_quota=has_raised_quota)
            if stands:
                self.world.deploy(self._edits(data).first(), Faults())

        def teardown(self) -> None:
            """Nothing is running any more."""
            if hasattr(self, "world"):
                self.world.site.clock.close()

        # the author of the app

        @precondition(lambda self: not self.world.is_stuck)
        @rule(data=st.data(), faults=any_faults, rests=rests)
        def deploy(self, data: st.DataObject, faults: Faults, rests: float) -> None:
            """Change the app and deploy it."""
            world, edits = self.world, self._edits(data)
            self._let_reads_catch_up()
            plan = edits.first() if world.plan is None else edits.some(world.plan)
            if world.stack is None or plan != world.plan:
                joins = self._joins(data)
                world.deploy(plan, faults, joins)
            world.site.clock.sleep(rests)

        @precondition(lambda self: not self.world.is_stuck and self.world.plan is not None)
        @rule(data=st.data(), faults=any_faults, rests=rests)
        def deploy_again(self, data: st.DataObject, faults: Faults, rests: float) -> None:
            """Change and deploy as well, since updates are the most important part."""
            self.deploy(data, faults, rests)

        @precondition(lambda self: self.world.stack is not None)
        @rule(faults=any_faults)
        def destroy(self, faults: Faults) -> None:
            """Delete the stack."""
            self._let_reads_catch_up()
            self.world.destroy(replace(faults, fails="", quota_left=None))

        # operators

        @rule(data=st.data(), agent=st.sampled_from(AGENTS))
        def place_agent(self, data: st.DataObject, agent: str) -> None:
            """Put an agent into a group of the first instance, or into none."""
            backend, instance_id = self._backend()
            here = [g.id for g in self._groups() if g.instance_arn == self.world.instance_arns[0]]
            group_id = data.draw(st.sampled_from([None, *here]))
            for user in backend.list_users(instance_id):
                if user.name == agent:
                    backend.update_user_hierarchy(instance_id, user.id, group_id)
                    return
            backend.create_user(instance_id, agent, hierarchy_group_id=group_id)

        @rule(data=st.data(), name=st.sampled_from(NAMES), instance=st.sampled_from([0, 0, 0, 1]))
        def make_group(self, data: st.DataObject, name: str, instance: int) -> None:
            """Make a group by hand."""
            instance_arn = self.world.instance_arns[instance]
            here = [g.id for g in self._groups() if g.instance_arn == instance_arn]
            parent_id = data.draw(st.sampled_from([None, *here]))
            self._by_hand("create_user_hierarchy_group", instance_arn, name, parent_id)

        @precondition(lambda self: self._groups())
        @rule(data=st.data())
        def delete_group(self, data: st.DataObject) -> None:
            """Delete any group by hand that is empty."""
            group, known = data.draw(st.sampled_from(self._groups())), self.world.record
            if self._by_hand("delete_user_hierarchy_group", group.instance_arn, group.id):
                self._drift(group, known)

        @precondition(lambda self: self._groups())
        @rule(data=st.data(), name=st.sampled_from([*NAMES, "by hand"]))
        def rename_group(self, data: st.DataObject, name: str) -> None:
            """Rename any group by hand."""
            group, known = data.draw(st.sampled_from(self._groups())), self.world.record
            api = "update_user_hierarchy_group_name"
            if self._by_hand(api, group.instance_arn, group.id, name):
                self._drift(group, known)

        @precondition(lambda self: self._groups())
        @rule(data=st.data(), tags=st.sampled_from([{"k": "9"}, {"hand": "made"}]))
        def tag_group(self, data: st.DataObject, tags: dict[str, str]) -> None:
            """Tag any group by hand."""
            group, known = data.draw(st.sampled_from(self._groups())), self.world.record
            arn = f"{group.instance_arn}/agent-group/{group.id}"
            self._backend()[0].tag_resource(arn, tags)
            self._drift(group, known)

        @precondition(lambda self: self._groups())
        @rule(data=st.data())
        def free_group(self, data: st.DataObject) -> None:
            """Remove the owner tags from any group by hand."""
            group, known = data.draw(st.sampled_from(self._groups())), self.world.record
            arn = f"{group.instance_arn}/agent-group/{group.id}"
            ours = [key for key in group.tags if key.startswith(RESERVED_PREFIX)]
            self._backend()[0].untag_resource(arn, ours)
            self._drift(group, known)

        @rule(
            instance=st.sampled_from([0, 0, 0, 1]),
            kind=st.sampled_from(["add", "rename", "clear"]),
        )
        def change_levels(self, instance: int, kind: str) -> None:
            """Write levels by hand."""
            world, instance_arn = self.world, self.world.instance_arns[instance]
            levels = world.look().levels[instance_arn]
            wanted = {
                "add": (*levels, f"hand {len(levels)}")[:5],
                "rename": (*levels[:-1], "renamed") if levels else levels,
                "clear": (),
            }[kind]
            structure = {key: {"Name": n} for key, n in zip(LEVEL_KEYS, wanted, strict=False)}
            if self._by_hand("update_user_hierarchy_structure", instance_arn, structure):
                world.levels_drifted |= (
                    world.plan is not None and world.plan.instance_arn == instance_arn
                )

        # parts

        def _edits(self, data: st.DataObject) -> Edits:
            return Edits(
                lambda choices: data.draw(st.sampled_from(choices)),
                self.world.instance_arns,
                one_name_an_instance=self.world.scope is DuplicateScope.INSTANCE,
                with_trees=has_trees,
            )

        def _let_reads_catch_up(self) -> None:
            """Exclude writes of people while a deployment reads: nothing is promised then."""
            if self.people_wrote:
                self.world.site.clock.sleep(PEOPLE_ARE_SLOW)
            self.people_wrote = False

        def _backend(self) -> tuple[Any, str]:
            self.people_wrote = True
            return self.world.site.connect.backend, self.world.site.instance_id

        def _groups(self) -> list[Seen]:
            return sorted(self.world.look().groups.values(), key=lambda group: group.id)

        def _by_hand(self, method: str, instance_arn: str, *arguments: Any) -> bool:
            backend, _ = self._backend()
            try:
                getattr(backend, method)(instance_arn.rsplit("/", 1)[-1], *arguments)
            except ConnectError:
                return False
            return True

        def _drift(self, group: Seen, known: Mapping[str, str]) -> None:
            changed = {name: i for name, i in known.items() if i == group.id}
            self.world.drifted = {**self.world.drifted, **changed}
            if group.ownership is not None and group.ownership.is_left:
                self.world.left_and_changed |= {group.id}

        def _joins(self, data: st.DataObject) -> list[tuple[float, str, str]]:
            here = self.world.instance_arns[0]
            ids = [group.id for group in self._groups() if group.instance_arn == here]
            if not ids or data.draw(st.integers(0, 4)):
                return []
            seconds = data.draw(st.sampled_from([0.0, 0.5, 2.0, 10.0]))
            return [(seconds, f"joiner-{tally.deployments}", data.draw(st.sampled_from(ids)))]

    return Histories
