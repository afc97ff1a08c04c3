"""`HierarchyTree`: what it puts into the template, and that this deploys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import (
    App,
    CfnOutput,
    CfnParameter,
    RemovalPolicy,
    Stack,
    Tags,
)
from aws_cdk.assertions import Template

from connect_hierarchy import AgentsOnDelete, HierarchyGroup, HierarchyStructure, HierarchyTree
from connect_hierarchy_lambda.model.properties import REFERENCES_AN_ANSWER
from connect_hierarchy_lambda.model.tree import key_mark
from tests.support.constructs_fixtures import (
    GROUP_ARN,
    INSTANCE_ARN,
    STRUCTURE,
    find,
    logical_id,
    new_app,
    new_stack,
    properties_of,
    resource_of,
)
from tests.support.stacks import Site

TREE = "Custom::ConnectHierarchyTree"
REFERENCES = "Custom::ConnectHierarchyTreeReferences"

GROUPS: list[Any] = [
    {
        "name": "Support",
        "tags": {"cost-center": "42"},
        "children": ["EMEA", {"name": "APAC", "key": "asia", "agents_on_delete": "UNASSIGN"}],
    },
    "Sales",
]


def new_structure(stack: Stack, *levels: str, **options: Any) -> HierarchyStructure:
    """A structure of three levels, or of these."""
    return HierarchyStructure(
        stack,
        "Structure",
        instance_arn=INSTANCE_ARN,
        levels=levels or ("Division", "Region", "Team"),
        **options,
    )


def new_tree(stack: Stack, groups: list[Any] | None = None, **options: Any) -> HierarchyTree:
    """A tree at level one."""
    if not {"structure", "parent"} & options.keys():
        options["structure"] = new_structure(stack)
    return HierarchyTree(stack, "Tree", groups=GROUPS if groups is None else groups, **options)


def refused(*parts: str) -> Any:
    """Expect a ValueError that has all parts in this order."""
    return pytest.raises(ValueError, match=".*".join(re.escape(part) for part in parts))


# the template -----------------------------------------------------------------------------------


def test_a_tree_is_one_resource() -> None:
    """It has the groups as a property, with nothing that follows from the rest."""
    stack = new_stack()
    tree = new_tree(stack, tags={"team": "x"}, agents_on_delete=AgentsOnDelete.UNASSIGN)
    properties = properties_of(tree)
    assert properties["Groups"] == [
        {
            "Name": "Support",
            "Tags": {"cost-center": "42"},
            "Children": [
                {"Name": "EMEA"},
                {"Name": "APAC", "Key": "asia", "AgentsOnDelete": "UNASSIGN"},
            ],
        },
        {"Name": "Sales"},
    ]
    assert properties["Tags"] == {"team": "x"}
    assert properties["AgentsOnDelete"] == "UNASSIGN"
    assert properties["AdoptExisting"] is False
    assert properties["References"] == []
    assert "ParentGroupArn" not in properties
    assert find(stack, REFERENCES) == {}


def test_a_tree_waits_for_its_structure_and_its_policy() -> None:
    """It refers to the structure and depends on the policy."""
    stack = new_stack()
    tree = new_tree(stack)
    (structure,) = find(stack, STRUCTURE)
    assert properties_of(tree)["InstanceArn"] == {"Fn::GetAtt": [structure, "InstanceArn"]}
    depends_on = resource_of(tree)["DependsOn"]
    assert any(name.startswith("ConnectHierarchyPolicy") for name in depends_on)


def test_a_tree_hangs_on_a_group() -> None:
    """Its parent's ARN is a property, and its groups know their names and levels."""
    stack = new_stack()
    support = new_structure(stack).add_group("Support", name="Support")
    tree = new_tree(stack, ["EMEA"], parent=support)
    assert properties_of(tree)["ParentGroupArn"] == {"Ref": logical_id(support)}
    emea = tree.group("EMEA")
    assert (emea.path, emea.level, emea.level_id) == ("Support / EMEA", 2, "2")
    assert emea.parent is support


def test_what_is_referred_to_is_answered() -> None:
    """The keys are a property, ids are attributes, ARNs are put together in the template."""
    stack = new_stack()
    tree = new_tree(stack)
    apac = tree.group("Support/APAC")
    output = CfnOutput(stack, "Apac", value=apac.hierarchy_group_arn)
    CfnOutput(stack, "Id", value=tree.group(["Support", "APAC"]).hierarchy_group_id)
    assert properties_of(tree)["References"] == [[key_mark("asia")]]
    value = stack.resolve(output.value)
    attribute = {"Fn::GetAtt": [logical_id(tree), f"Id{key_mark('asia')}"]}
    assert value["Fn::Join"][1][1:] == ["/agent-group/", attribute]
    assert (apac.path, apac.level_id) == ("Support / APAC", "2")
    assert apac.parent is tree.group("Support")
    assert apac.structure is tree.structure
    assert tree.paths == ("Support", "Support/EMEA", "Support/APAC", "Sales")


def test_a_single_group_hangs_on_a_group_of_a_tree() -> None:
    """Its place in the code has no name in it, so that a renamed parent does not replace it."""
    stack = new_stack()
    tree = new_tree(stack)
    desk = tree.group("Support/EMEA").add_group("Desk", name="Desk")
    assert desk.path == "Support / EMEA / Desk"
    parent = properties_of(desk)["ParentGroupArn"]["Fn::Join"][1]
    assert parent[-1] == {"Fn::GetAtt": [logical_id(tree), f"Id{key_mark('Support/EMEA')}"]}
    assert "EMEA" not in desk.node.path


def test_tags_of_reach_every_group() -> None:
    """Those of the stack, of the tree and of aspects go with the tree, a node's with the node."""
    stack = Stack(new_app(), "Stack", tags={"stack": "yes", "owner": "stack"})
    tree = new_tree(stack, tags={"owner": "tree"})
    Tags.of(tree).add("aspect", "yes")
    assert properties_of(tree)["Tags"] == {"stack": "yes", "owner": "tree", "aspect": "yes"}


def test_tags_of_a_node_are_written_once() -> None:
    """What is below gets them in the function: the template has them where they are given."""
    tree = new_tree(new_stack(), [{"name": "A", "tags": {"k": "v"}, "children": ["B"]}])
    assert properties_of(tree)["Groups"] == [
        {"Name": "A", "Tags": {"k": "v"}, "Children": [{"Name": "B"}]}
    ]


def test_tag_keys_of_nodes_are_literals() -> None:
    """A token as a key is refused."""
    stack = new_stack()
    key = CfnParameter(stack, "Key").value_as_string
    with refused("Stack/Tree: in 'A'", "a tag key is a token"):
        new_tree(stack, [{"name": "A", "tags": {key: "v"}}])


def test_values_of_tags_can_be_tokens() -> None:
    """CloudFormation resolves them, so they are no part of a text."""
    stack = new_stack()
    value = CfnParameter(stack, "Value").value_as_string
    tree = new_tree(stack, [{"name": "A", "tags": {"k": value}}])
    assert properties_of(tree)["Groups"] == [{"Name": "A", "Tags": {"k": {"Ref": "Value"}}}]


def test_removal_policy() -> None:
    """It decides about the whole tree; what an update removes goes in any case."""
    stack = new_stack()
    tree = new_tree(stack, removal_policy=RemovalPolicy.RETAIN)
    assert resource_of(tree)["DeletionPolicy"] == "Retain"
    assert resource_of(tree)["UpdateReplacePolicy"] == "Delete"
    tree = new_tree(new_stack())
    assert resource_of(tree)["DeletionPolicy"] == "Delete"
    tree = new_tree(new_stack())
    tree.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    assert resource_of(tree)["DeletionPolicy"] == "RetainExceptOnCreate"
    with refused("Stack/Tree", "SNAPSHOT"):
        tree.apply_removal_policy(RemovalPolicy.SNAPSHOT)


def test_the_arn_of_a_group_can_be_exported() -> None:
    """As any attribute, without a name for the export."""
    stack = new_stack()
    tree = new_tree(stack, ["A", "B"])
    imports = [stack.export_value(tree.group(name).hierarchy_group_arn) for name in ("A", "B", "A")]
    outputs = Template.from_stack(stack).to_json()["Outputs"]
    exported = {output["Export"]["Name"]: output["Value"] for output in outputs.values()}
    assert len(exported) == 2
    assert stack.resolve(imports[0]) == stack.resolve(imports[2])
    value = exported[stack.resolve(imports[0])["Fn::ImportValue"]]
    assert value == stack.resolve(tree.group("A").hierarchy_group_arn)
    instance_arn, separator, group_id = value["Fn::Join"][1]
    assert separator == "/agent-group/"
    assert instance_arn["Fn::GetAtt"][1] == "InstanceArn"
    assert group_id["Fn::GetAtt"][0] == logical_id(tree)


def test_a_group_of_a_tree_in_another_stack() -> None:
    """It is imported there by its id."""
    app = new_app()
    home, other = Stack(app, "Home"), Stack(app, "Other")
    tree = new_tree(home)
    CfnOutput(other, "Arn", value=tree.group("Sales").hierarchy_group_arn)
    text = json.dumps(Template.from_stack(other).to_json())
    assert f"Id{key_mark('Sales')}" in text
    assert "Fn::ImportValue" in text


# errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "parts"),
    [
        ("Support", ["groups are text, a list of groups is needed"]),
        ([5], ["group is a number, its name or a mapping"]),
        ([{"key": "x"}], ["has no name"]),
        ([{"name": "A", "childen": []}], ["no field 'childen'", "did you mean 'children'?"]),
        ([{"name": 7}], ["name is a number, a text is needed"]),
        ([{"name": ""}], ["hierarchy group name is empty"]),
        ([{"name": "A", "children": [{"name": "n" * 101}]}], ["in 'A'", "has 101 characters"]),
        (["A", {"name": "A"}], ["in 'A'", "two groups with one parent have this name"]),
        ([{"name": "A", "key": "B"}, "B"], ["in 'B'", "key 'B' is also that of 'A'"]),
        ([{"name": "A", "tags": {"k": 1}}], ["in 'A'", "tag 'k' has a number"]),
        ([{"name": "A", "tags": {"aws:k": "1"}}], ["in 'A'", "reserved for AWS"]),
        ([{"name": "A", "agents_on_delete": "KEEP"}], ["'KEEP'", "one of FAIL"]),
        ([{"name": "A", "agents_on_delete": "MOVE_TO_PARENT"}], ["in 'A'", "no parent"]),
        (
            [
                {
                    "name": "A",
                    "children": [{"name": "B", "children": [{"name": "C", "children": ["D"]}]}],
                }
            ],
            ["in 'A/B/C/D'", "at level 4, the structure has 3"],
        ),
    ],
)
def test_what_no_tree_can_be(groups: Any, parts: list[str]) -> None:
    """The error has the construct's path, the group's path and the remedy."""
    with refused("Stack/Tree: ", *parts):
        new_tree(new_stack(), groups)


def test_names_are_literals() -> None:
    """A token as a name is refused."""
    stack = new_stack()
    with refused("Stack/Tree", "name is a token"):
        new_tree(stack, [CfnParameter(stack, "Name").value_as_string])


def test_a_group_is_found_by_its_key_wherever_it_stands() -> None:
    """A key that is given, and one that is not; an unknown one names the nearest."""
    groups = [{"name": "Sales", "children": [{"name": "Chat", "key": "Support/Chat"}, "Inbound"]}]
    tree = new_tree(new_stack(), groups)
    assert tree.group_with_key("Support/Chat") is tree.group("Sales/Chat")
    assert tree.group_with_key("Sales/Inbound") is tree.group("Sales/Inbound")
    with refused("Stack/Tree", "no hierarchy group with key 'Support/Cat'", "'Support/Chat'"):
        tree.group_with_key("Support/Cat")


def test_an_unknown_path_names_the_nearest() -> None:
    """So that a typing error is found at once."""
    tree = new_tree(new_stack())
    with refused("Stack/Tree", "no hierarchy group 'Suport/EMEA'", "nearest are", "'Support/EMEA'"):
        tree.group("Suport/EMEA")


def test_a_path_that_fits_twice() -> None:
    """Names with slashes are told apart by giving them one by one."""
    tree = new_tree(new_stack(), [{"name": "A/B", "key": "ab"}, {"name": "A", "children": ["B"]}])
    with refused("Stack/Tree", "fits 2 hierarchy groups", "as a list"):
        tree.group("A/B")
    assert tree.group(["A/B"]).level == 1
    assert tree.group(["A", "B"]).level == 2


def test_a_group_is_found_by_what_its_construct_has_as_path() -> None:
    """For a tree at level one, below a single group and below a group of another tree."""
    stack = new_stack()
    upper = new_tree(stack, [{"name": "A/B", "children": ["C"]}])
    group = upper.group(["A/B", "C"])
    assert upper.group(group.path) is group
    lower = HierarchyTree(stack, "Lower", groups=["D"], parent=group)
    assert lower.group("D").path == "A/B / C / D"
    assert lower.group(lower.group("D").path) is lower.group("D")
    single = upper.structure.add_group("Single", name="S")
    below = HierarchyTree(stack, "Below", groups=[{"name": "S", "children": ["S"]}], parent=single)
    assert [below.group(below.group(path).path) for path in below.paths] == [
        below.group(path) for path in below.paths
    ]
    assert below.group("S / S") is below.group("S")


def test_a_path_that_is_known_at_deployment_only() -> None:
    """Below a group whose name is a token: the error says how to name the group instead."""
    stack = new_stack()
    name = CfnParameter(stack, "Name").value_as_string
    parent = new_structure(stack).add_group("Parent", name=name)
    tree = HierarchyTree(stack, "Tree", groups=["A"], parent=parent)
    group = tree.group("A")
    assert tree.group(["A"]) is group
    with refused("Stack/Tree: path is a token", "as a list"):
        tree.group(f"{parent.path} / A")


def test_the_quota_counts_every_group() -> None:
    """Those of trees and single ones together."""
    stack = new_stack()
    structure = new_structure(stack, group_quota=3)
    structure.add_group("One", name="One")
    with refused("Stack/Tree", "in 'Support/APAC'", "the app has 4", "at most 3"):
        new_tree(stack, structure=structure)


def test_siblings_of_single_groups() -> None:
    """A name is taken once below a parent, whatever made the groups there."""
    stack = new_stack()
    structure = new_structure(stack)
    structure.add_group("One", name="Sales")
    with refused("Stack/Tree", "in 'Sales'", "hierarchy group 'Stack/Structure/One'", "'Sales'"):
        new_tree(stack, structure=structure)
    stack = new_stack()
    support = new_tree(stack).group("Support")
    with refused("hierarchy group 'Stack/Tree: Support/EMEA'", "'EMEA'"):
        support.add_group("Emea", name="EMEA")
    support.add_group("Africa", name="Africa")


def test_siblings_that_look_the_same() -> None:
    """Accents that are composed in one name and decomposed in another make no two names."""
    stack = new_stack()
    structure = new_structure(stack)
    structure.add_group("Cafe", name="Caf\u00e9")
    with refused("hierarchy group 'Stack/Structure/Cafe' has the same name", r"'Cafe\u0301'"):
        structure.add_group("Twin", name="Cafe\u0301")
    with refused("Stack/Tree", r"in 'Cafe\u0301'", "hierarchy group 'Stack/Structure/Cafe'"):
        new_tree(stack, ["Cafe\u0301"], structure=structure)


def test_both_or_neither_of_structure_and_parent() -> None:
    """One is needed."""
    stack = new_stack()
    with refused("Stack/Tree", "neither structure nor parent"):
        HierarchyTree(stack, "Tree", groups=[])


def test_too_many_tags_together() -> None:
    """Those of the tree and of a node count together."""
    stack = new_stack()
    tags = {f"k{number}": "v" for number in range(30)}
    own = {f"n{number}": "v" for number in range(18)}
    new_tree(stack, [{"name": "A", "tags": own, "children": ["B"]}], tags=tags)
    with pytest.raises(RuntimeError, match=r"in 'A': hierarchy group has 48 tags"):
        Template.from_stack(stack)


def test_too_many_tags_with_those_from_above() -> None:
    """The error names the group that has too many, not the one above it."""
    stack = new_stack()
    tags = {f"k{number}": "v" for number in range(30)}
    above = {f"n{number}": "v" for number in range(17)}
    groups = [{"name": "A", "tags": above, "children": [{"name": "B", "tags": {"own": "v"}}]}]
    new_tree(stack, groups, tags=tags)
    with pytest.raises(RuntimeError, match=r"in 'A/B': hierarchy group has 48 tags"):
        Template.from_stack(stack)


def test_a_tree_that_is_too_large_for_an_event() -> None:
    """The error says how to split it."""
    stack = new_stack()
    groups = [{"name": f"Team {n}", "tags": {"k": "v" * 250}} for n in range(450)]
    new_tree(stack, groups)
    with pytest.raises(RuntimeError, match=r"450 groups makes an event of .* KB .* split it"):
        Template.from_stack(stack)


def test_five_hundred_groups_fit_with_room() -> None:
    """With long names, a tag each, and all of them referred to."""
    stack = new_stack()
    groups = [
        {"name": f"Division {n} of the contact centre", "tags": {"cost-center": f"{n:05}"}}
        for n in range(500)
    ]
    tree = new_tree(stack, groups)
    for path in tree.paths:
        assert tree.group(path).hierarchy_group_id
    size = len(json.dumps(properties_of(tree)).encode())
    assert 2 * size < 150 * 1024


# files ------------------------------------------------------------------------------------------

YAML = """\
# yaml-language-server: $schema=hierarchy-tree.schema.json
groups:
  - name: Support
    tags: {cost-center: "42"}
    children:
      - EMEA
      - name: APAC
        key: asia
        agents_on_delete: UNASSIGN
  - Sales
"""

CSV = "path,cost-center\nSupport/EMEA,\nSupport,42\nSales,\n"


def write(folder: Path, name: str, text: str) -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def from_file(path: Path) -> HierarchyTree:
    """A tree of this file."""
    stack = new_stack()
    return HierarchyTree.from_file(stack, "Tree", path, structure=new_structure(stack))


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    """As nested Python does."""
    of_yaml = from_file(write(tmp_path, "org.yaml", YAML))
    of_json = from_file(write(tmp_path, "org.json", json.dumps({"groups": GROUPS}, indent="\t")))
    bare = from_file(write(tmp_path, "bare.json", json.dumps(GROUPS)))
    expected = properties_of(new_tree(new_stack()))["Groups"]
    assert properties_of(of_yaml)["Groups"] == expected
    assert properties_of(of_json)["Groups"] == expected
    assert properties_of(bare)["Groups"] == expected


def test_csv(tmp_path: Path) -> None:
    """Paths in any order, further columns are tags, empty cells are none."""
    expected = [
        {"Name": "Support", "Tags": {"cost-center": "42"}, "Children": [{"Name": "EMEA"}]},
        {"Name": "Sales"},
    ]
    of_commas = from_file(write(tmp_path, "org.csv", CSV))
    semicolons = write(tmp_path, "excel.csv", "\ufeff" + CSV.replace(",", ";"))
    assert properties_of(of_commas)["Groups"] == expected
    assert properties_of(from_file(semicolons))["Groups"] == expected


DEEP = """\
groups:
  - name: A
    children:
      - name: B
        children:
          - name: C
            children:
              - D
"""


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("org.yaml", "groups:\n  - name: A\n    childen: []\n", ["org.yaml:3", "'childen'"]),
        ("org.yaml", "groups:\n  - name: A\n  - name: A\n", ["org.yaml:3: in 'A'", "org.yaml:2"]),
        ("org.yaml", "groups:\n  - name: A\n    children:\n      - 7\n", ["org.yaml:4: in 'A'"]),
        ("org.yaml", "groups:\n  - yes\n", ["org.yaml:2", "group is true or false"]),
        (
            "org.yaml",
            "groups:\n  - name: A\n    name: B\n",
            ["org.yaml:3", "'name' is given twice"],
        ),
        ("org.yaml", "groups: [\n", ["org.yaml:2", "is not YAML"]),
        ("org.yaml", "group: []\n", ["org.yaml:1", "field 'group'", "'groups'"]),
        (
            "org.yaml",
            "groups: &a\n  - name: A\n    children: *a\n",
            ["org.yaml", "refers to itself"],
        ),
        ("org.yaml", "", ["org.yaml", "groups are empty"]),
        ("org.yaml", "groups:\n - A:\n", ["org.yaml:2", "no field 'A'"]),
        ("org.json", '{"groups": [\n {"name": 5}]}', ["org.json:2", "name is a number"]),
        ("org.json", '{"groups": [\n }', ["org.json:2", "is not JSON"]),
        ("org.json", '[{"name": "A", "name": "B"}]', ["org.json", "'name' is given twice"]),
        ("org.csv", "name\nA\n", ["org.csv:1", "one 'path' is needed"]),
        ("org.csv", "path\nA\nA\n", ["org.csv:3", "'A' occurs twice"]),
        ("org.csv", "path\nA/B\n", ["org.csv:2", "no row has the parent's path 'A'"]),
        ("org.csv", "path\nA\nA//B\n", ["org.csv:3", "empty name"]),
        ("org.csv", "path\nA,B\n", ["org.csv:2", "2 cells"]),
        ("org.csv", f"path\nA\nA/{'n' * 101}\n", ["org.csv:3: in 'A'", "101 characters"]),
        ("org.txt", "", ["org.txt", ".yaml, .yml, .json, .csv"]),
        (
            "org.yaml",
            DEEP,
            ["org.yaml:8: in 'A/B/C/D'", "at level 4"],
        ),
    ],
)
def test_errors_of_files(tmp_path: Path, name: str, text: str, parts: list[str]) -> None:
    """They give file, line and path."""
    with refused("Stack/Tree: ", *parts):
        from_file(write(tmp_path, name, text))


def test_a_missing_file(tmp_path: Path) -> None:
    """The error names it."""
    with refused("Stack/Tree: missing.yaml", "cannot be read"):
        from_file(tmp_path / "missing.yaml")


def test_the_schema_knows_every_field() -> None:
    """It is installed with the package and has the fields that are read, and no others."""
    schema = json.loads(HierarchyTree.schema_path().read_text(encoding="utf-8"))
    group = schema["$defs"]["group"]
    assert set(group["properties"]) == {"name", "key", "tags", "agents_on_delete", "children"}
    policies = group["properties"]["agents_on_delete"]["enum"]
    assert policies == [policy.value for policy in AgentsOnDelete]


# deployed ---------------------------------------------------------------------------------------


def deployable(stack: Stack, site: Site) -> Mapping[str, Any]:
    """The template of a stack with the site's function and instance instead of its own."""
    template = Template.from_stack(stack).to_json()
    text = json.dumps(template["Resources"]).replace(INSTANCE_ARN, site.instance_arn)
    resources: dict[str, Any] = json.loads(text)
    kept = {
        name: resource
        for name, resource in resources.items()
        if resource["Type"].startswith("Custom::ConnectHierarchy")
    }
    for resource in kept.values():
        resource["Properties"]["ServiceToken"] = site.function_arn
        resource.pop("DependsOn", None)
    return {"Resources": kept, "Outputs": template.get("Outputs", {})}


def with_references(count: int, *, prefix: str = "Team") -> Stack:
    """An app with 500 groups in a tree that refers to so many of them."""
    stack = Stack(App(context={"aws:cdk:bundling-stacks": []}), "Stack")
    groups = [
        {"name": f"{prefix} {d}", "key": f"d{d}", "children": [f"Desk {n}" for n in range(9)]}
        for d in range(50)
    ]
    tree = new_tree(stack, groups)
    for number, path in enumerate(tree.paths[:count]):
        group = tree.group(path)
        CfnOutput(stack, f"Arn{number}", value=f"{group.hierarchy_group_arn}|{path}")
    return stack


@pytest.mark.parametrize("count", [5, 80, 500])
def test_references_come_back(count: int) -> None:
    """However many there are: each ARN is that of its group, also after all have been renamed."""
    site = Site()
    site.connect.settings.default_rate = None
    for prefix in ("Team", "Squad"):
        template = deployable(with_references(count, prefix=prefix), site)
        carriers = [r for r in template["Resources"].values() if r["Type"] == REFERENCES]
        assert len(carriers) == max(0, -(-count // REFERENCES_AN_ANSWER) - 1)
        stack = site.cloudformation.deploy("site", template)
        assert stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, site.reasons(stack)
        ids = site.ids
        assert len(ids) == 500
        answered = dict(str(output.value).split("|")[::-1] for output in stack.outputs.values())
        assert len(answered) == count
        for path, arn in answered.items():
            assert arn == f"{site.instance_arn}/agent-group/{ids[path]}"


def test_a_new_reference_is_an_update() -> None:
    """What the app refers to later is answered by a later deployment, with nothing written."""
    site = Site()
    site.connect.settings.default_rate = None
    site.cloudformation.deploy("site", deployable(with_references(5), site))
    ids, writes = site.ids, len(site.calls("CreateUserHierarchyGroup", "TagResource"))
    stack = site.cloudformation.deploy("site", deployable(with_references(6), site))
    assert stack.status == "UPDATE_COMPLETE"
    assert len(stack.outputs) == 6
    assert site.ids == ids
    assert len(site.calls("CreateUserHierarchyGroup", "TagResource")) == writes


def test_an_imported_group_carries_a_tree() -> None:
    """Levels are then not known at synth, and asking for one says what to do."""
    stack = new_stack()
    parent = HierarchyGroup.from_hierarchy_group_arn(stack, "Parent", GROUP_ARN)
    tree = new_tree(stack, ["A"], parent=parent)
    assert properties_of(tree)["ParentGroupArn"] == GROUP_ARN
    with refused("below an imported one is not known", "from_hierarchy_group_attributes"):
        _ = tree.group("A").level_id
    with refused("below an imported one is not known"):
        _ = tree.group("A").path
