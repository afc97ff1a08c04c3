"""Tags of groups: where they come from, which wins, and what is refused at synth."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aws_cdk import App, CfnParameter, NestedStack, Stack, Tags

from connect_hierarchy import HierarchyGroup, HierarchyStructure
from tests.support.constructs_fixtures import INSTANCE_ARN, new_app, new_stack, properties_of


@dataclass
class Stage:
    """Groups with tags from everywhere."""

    tagged: HierarchyGroup
    child: HierarchyGroup
    removed: HierarchyGroup
    excluded: HierarchyGroup
    nested: HierarchyGroup


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Synthesised once for the module."""
    app = new_app()
    stack = Stack(app, "Stack", tags={"stack": "yes", "owner": "stack", "team": "stack"})
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division", "Region"]
    )
    tagged = structure.add_group("Tagged", name="Tagged", tags={"owner": "group", "team": "group"})
    child = tagged.add_group(
        "Child",
        name="Child",
        tags={"token": CfnParameter(stack, "Value").value_as_string},
    )
    removed = structure.add_group("Removed", name="Removed")
    excluded = structure.add_group("Excluded", name="Excluded")
    nested = HierarchyGroup(
        NestedStack(stack, "Nested"), "Group", name="Nested", structure=structure
    )
    Tags.of(tagged).add("team", "aspect")
    Tags.of(tagged).add("owner", "weak aspect", priority=10)
    for key in ("stack", "owner", "team"):
        Tags.of(removed).remove(key)
    Tags.of(excluded).add(
        "elsewhere", "only", exclude_resource_types=["Custom::ConnectHierarchyGroup"]
    )
    return Stage(tagged, child, removed, excluded, nested)


def test_priorities(stage: Stage) -> None:
    """`Tags.of` wins over `tags` unless it is weaker, and that over `Stack(tags=…)`."""
    assert properties_of(stage.tagged)["Tags"] == {
        "stack": "yes",
        "owner": "group",
        "team": "aspect",
    }


def test_scope_and_tokens(stage: Stage) -> None:
    """`Tags.of` reaches what stands below, and a value can come at deployment."""
    assert properties_of(stage.child)["Tags"] == {
        "stack": "yes",
        "owner": "stack",
        "team": "aspect",
        "token": {"Ref": "Value"},
    }


def test_removed_and_excluded(stage: Stage) -> None:
    """Tags of the stack can be removed from one group; no tags are no property."""
    assert "Tags" not in properties_of(stage.removed)
    assert "elsewhere" not in properties_of(stage.excluded)["Tags"]


def test_nested_stack(stage: Stage) -> None:
    """The tags of the outer stack reach groups in a nested one, as they do native resources."""
    assert properties_of(stage.nested)["Tags"]["stack"] == "yes"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("connect-hierarchy:stack", "v", "begins with 'connect-hierarchy:', which is reserved"),
        ("R&D", "v", "tag key 'R&D' has '&', which Amazon Connect refuses: use letters"),
        ("k" * 129, "v", "tag key has 129 characters, at most 128 are allowed"),
        ("k", "v" * 257, "value of tag 'k' has 257 characters, at most 256 are allowed"),
    ],
)
def test_what_tags_of_adds_is_checked_at_synth(key: str, value: str, message: str) -> None:
    """An aspect's tag is only known then; the error names the group."""
    stack = new_stack()
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    structure.add_group("Group", name="Group")
    Tags.of(structure).add(key, value)
    app = stack.node.root
    assert isinstance(app, App)
    with pytest.raises(RuntimeError, match=rf"\[Stack\] Stack/Structure/Group: .*{message}"):
        app.synth()


def test_keys_that_connect_refuses() -> None:
    """A key in `tags` is refused where it is given, with the construct's path."""
    structure = HierarchyStructure(
        new_stack(), "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    with pytest.raises(
        ValueError, match=r"Stack/Structure/Group: tag key 'Cost center \(EUR\)' has '\(' '\)'"
    ):
        structure.add_group("Group", name="Group", tags={"Cost center (EUR)": "v"})


def test_too_many_tags_in_all() -> None:
    """Tags of the stack count, too."""
    app = new_app()
    stack = Stack(app, "Stack", tags={f"s{n}": "v" for n in range(22)})
    structure = HierarchyStructure(
        stack, "Structure", instance_arn=INSTANCE_ARN, levels=["Division"]
    )
    structure.add_group("Group", name="Group", tags={f"g{n}": "v" for n in range(26)})
    with pytest.raises(
        RuntimeError, match=r"\[Stack\] Stack/Structure/Group: .*48 tags, at most 47"
    ):
        app.synth()
