"""Arguments of a wrong type: an error that names construct path, argument, value and remedy."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import pytest
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2

import connect_hierarchy
from connect_hierarchy import (
    HierarchyGroup,
    HierarchyGroupOptions,
    HierarchyProvider,
    HierarchyStructure,
    HierarchyTree,
)
from tests.support.constructs_fixtures import GROUP_ARN, INSTANCE_ARN, new_instance, new_stack

UNSET = "context value \\(-c\\) or an environment variable that is not set"


@pytest.fixture(scope="module")
def stack() -> Stack:
    """A refused argument creates nothing, so one stack is enough for all tests."""
    return new_stack()


@pytest.fixture(scope="module")
def structure(stack: Stack) -> HierarchyStructure:
    """The stack's structure."""
    return HierarchyStructure(stack, "Structure", instance_arn=INSTANCE_ARN, levels=["A", "B"])


@pytest.fixture(scope="module")
def tree(stack: Stack, structure: HierarchyStructure) -> HierarchyTree:
    """A tree of the stack."""
    return HierarchyTree(stack, "Tree", structure=structure, groups=["Sales"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instance_arn": None}, rf"instance_arn is None, a text is needed: .*{UNSET}"),
        ({"instance_arn": 123}, "instance_arn is 123, a text is needed: put it into quotes"),
        ({"levels": "Division"}, r"levels is 'Division', a list is needed: write \['Division'\]"),
        ({"levels": None}, "levels is None, a list is needed"),
        ({"levels": {"A"}}, r"levels is the set {'A'}, a list is needed"),
        ({"levels": ["A", 2]}, r"levels\[1\] is 2, a text is needed: put it into quotes"),
        ({"adopt_existing": "false"}, "adopt_existing is 'false', True or False is needed: write"),
        ({"adopt_existing": None}, "adopt_existing is None, True or False is needed"),
        (
            {"group_quota": "500"},
            "group_quota is '500', a whole number is needed: write it without",
        ),
        ({"group_quota": True}, "group_quota is True, a whole number is needed"),
        ({"group_quota": 5.5}, "group_quota is 5.5, a whole number is needed"),
        ({"removal_policy": "RETAIN"}, "removal_policy is 'RETAIN', one of DESTROY, RETAIN, "),
        ({"provider": "p"}, "provider is 'p', a HierarchyProvider is needed"),
    ],
)
def test_of_a_structure(stack: Stack, options: dict[str, Any], message: str) -> None:
    """Each argument of a structure."""
    given: dict[str, Any] = {"instance_arn": INSTANCE_ARN, "levels": ["A"], **options}
    with pytest.raises(ValueError, match=rf"\AStack/Other: {message}"):
        HierarchyStructure(stack, "Other", **given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": 123}, "name is 123, a text is needed: put it into quotes"),
        ({"name": None}, "name is None, a text is needed"),
        ({"tags": {"k": 42}}, r"tags\['k'\] is 42, a text is needed: put it into quotes"),
        ({"tags": {4: "v"}}, "a key of tags is 4, a text is needed"),
        (
            {"tags": ["a"]},
            r"tags is the list \['a'\], a mapping is needed: write them as {'key': 'value'}",
        ),
        ({"adopt_existing": "false"}, "adopt_existing is 'false', True or False is needed"),
        ({"adopt_from_stack": 1}, "adopt_from_stack is 1, a text is needed"),
        ({"agents_on_delete": None}, "agents_on_delete is None, one of FAIL, MOVE_TO_PARENT, UNA"),
        ({"removal_policy": 1}, "removal_policy is 1, one of DESTROY, RETAIN, "),
        ({"parent": GROUP_ARN}, ".*HierarchyGroup.from_hierarchy_group_arn"),
        ({"structure": INSTANCE_ARN}, ".*HierarchyStructure.from_instance_arn"),
        ({"nmae": "x"}, "there is no argument 'nmae': did you mean name?"),
        ({"zzz": "x"}, "there is no argument 'zzz': leave it out"),
    ],
)
def test_of_a_group(stack: Stack, options: dict[str, Any], message: str) -> None:
    """Each argument of a group."""
    with pytest.raises(ValueError, match=rf"\AStack/Group: {message}"):
        HierarchyGroup(stack, "Group", **{"name": "Group", **options})


def test_of_a_group_without_a_name(structure: HierarchyStructure) -> None:
    """The one option that is needed, on every way to make a group."""
    add_group: Callable[..., Any] = structure.add_group
    with pytest.raises(ValueError, match="Stack/Structure/Group: name is not given, it is needed"):
        add_group("Group")


def test_something_else_as_parent_or_structure(
    stack: Stack, structure: HierarchyStructure, tree: HierarchyTree
) -> None:
    """An error about a similar value says what to write instead."""
    group = tree.group("Sales")
    for options, message in (
        ({"parent": tree}, "parent is the HierarchyTree 'Stack/Tree', .* with group\\(path\\)"),
        ({"parent": structure}, "parent is the HierarchyStructure .*: pass it as structure"),
        ({"structure": group}, "structure is the TreeGroup .*: pass it as parent"),
        ({"structure": stack}, "structure is the Stack 'Stack', a HierarchyStructure is needed"),
    ):
        wrong: Any = options
        with pytest.raises(ValueError, match=rf"\AStack/Group: {message}"):
            HierarchyGroup(stack, "Group", name="Group", **wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 60}, r"timeout is 60, a Duration is needed: write it as Duration.seconds\("),
        ({"requests_per_second": "5"}, "requests_per_second is '5', a number is needed: write it"),
        ({"burst": [5]}, r"burst is the list \[5\], a number is needed"),
        ({"memory_size": "256"}, "memory_size is '256', a whole number is needed"),
        ({"runtime": "python3.13"}, "runtime is 'python3.13', a Runtime is needed: use one of"),
        ({"role": "arn"}, "role is 'arn', a Role is needed: import it with Role.from_role_arn"),
        ({"log_group": "logs"}, "log_group is 'logs', a LogGroup is needed"),
        ({"vpc": object()}, "vpc is a object, a Vpc is needed"),
        ({"security_groups": ["sg-1"]}, r"security_groups\[0\] is 'sg-1', a SecurityGroup is n"),
        ({"vpc_subnets": "PUBLIC"}, "vpc_subnets is 'PUBLIC', a SubnetSelection is needed"),
    ],
)
def test_of_a_provider(options: dict[str, Any], message: str) -> None:
    """Each argument of a provider, those that are constructs of the CDK included."""
    with pytest.raises(ValueError, match=rf"\AStack/Provider: {message}"):
        HierarchyProvider(new_stack(), "Provider", **options)


def test_of_a_tree(structure: HierarchyStructure, stack: Stack, tree: HierarchyTree) -> None:
    """What is around its groups; these have the errors of the model, with their paths."""
    new_tree: Any = HierarchyTree
    with pytest.raises(ValueError, match=r"\AStack/New: parent is 'arn', a HierarchyGroup is need"):
        new_tree(stack, "New", groups=[], parent="arn")
    with pytest.raises(ValueError, match=r"\AStack/New: in 'Sales': tag 'k' has a number"):
        new_tree(stack, "New", groups=[{"name": "Sales", "tags": {"k": 1}}], structure=structure)
    with pytest.raises(ValueError, match=r"\AStack/New: path is 7, a text is needed"):
        new_tree.from_file(stack, "New", 7, structure=structure)
    group: Any = tree.group
    with pytest.raises(ValueError, match=r"\AStack/Tree: path is 5, a text is needed"):
        group(5)
    with pytest.raises(ValueError, match=r"\AStack/Tree: path\[1\] is None, a text is needed"):
        group(["Sales", None])


def test_of_imports(stack: Stack) -> None:
    """An import is checked as what is made here."""
    group: Any = HierarchyGroup
    structure: Any = HierarchyStructure
    with pytest.raises(ValueError, match=r"\AStack/I: hierarchy_group_arn is None, a text is need"):
        group.from_hierarchy_group_arn(stack, "I", None)
    with pytest.raises(ValueError, match=r"\AStack/I: level is '2', a whole number is needed"):
        group.from_hierarchy_group_attributes(stack, "I", hierarchy_group_arn=GROUP_ARN, level="2")
    with pytest.raises(ValueError, match=r"\AStack/I: levels is 'A', a list is needed"):
        structure.from_instance_arn(stack, "I", INSTANCE_ARN, levels="A")


def test_where_no_construct_can_be_made() -> None:
    """Without a scope there is no path, and the error says what there is."""
    new_structure: Any = HierarchyStructure
    with pytest.raises(ValueError, match=r"\ALevels: scope is None, a Construct is needed"):
        new_structure(None, "Levels", instance_arn=INSTANCE_ARN, levels=["A"])
    with pytest.raises(ValueError, match=r"\AStack: id is 1, a text is needed"):
        new_structure(new_stack(), 1, instance_arn=INSTANCE_ARN, levels=["A"])


def test_what_is_near_to_an_arn(stack: Stack, structure: HierarchyStructure) -> None:
    """A construct instead of its ARN, or its id instead of its ARN, is told from it."""
    instance = new_instance(stack)
    wrong: Any = instance
    with pytest.raises(
        ValueError, match=r"\AStack/Near: instance_arn is the CfnInstance .*: use its attr_arn"
    ):
        HierarchyStructure.from_instance_arn(stack, "Near", wrong)
    with pytest.raises(
        ValueError,
        match=r"\AStack/NearId: instance_arn is Id of 'Stack/Instance', its Arn is needed: use its "
        "attr_arn",
    ):
        HierarchyStructure.from_instance_arn(stack, "NearId", instance.attr_id)
    made = HierarchyStructure.from_instance_arn(stack, "Right", instance.attr_arn)
    assert made.instance_arn == instance.attr_arn
    group = structure.add_group("Near", name="Near")
    with pytest.raises(
        ValueError,
        match=r"\AStack/Group: hierarchy_group_arn is HierarchyGroupId of 'Stack/Structure/Near/",
    ):
        HierarchyGroup.from_hierarchy_group_arn(stack, "Group", group.hierarchy_group_id)


def test_what_fits_passes(stack: Stack, structure: HierarchyStructure) -> None:
    """Tuples are lists, and what the CDK takes in the place of its own classes passes."""
    options: Any = {"agents_on_delete": "UNASSIGN", "tags": None, "key": None}
    group = structure.add_group("Fits", name="Fits", **options)
    assert group.level == 1
    other = HierarchyStructure.from_instance_arn(stack, "Tuple", INSTANCE_ARN, levels=("A",))
    assert other.levels == ("A",)
    provider: Any = HierarchyProvider
    other_stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        other_stack, "Vpc", vpc_id="v", availability_zones=["a"], private_subnet_ids=["s"]
    )
    made = provider(
        other_stack, "P", vpc=vpc, vpc_subnets={"one_per_az": True}, requests_per_second=5
    )
    assert made.function is not None


def public_callables() -> Iterator[tuple[type, str]]:
    """The constructors and methods of all that is exported."""
    for name in connect_hierarchy.__all__:
        exported = getattr(connect_hierarchy, name)
        if name.startswith("I") or not hasattr(exported, "__jsii_type__"):
            continue
        ours = [
            base for base in exported.__mro__ if base.__module__.startswith("connect_hierarchy")
        ]
        for method in sorted({method for base in ours for method in vars(base)}):
            member = inspect.getattr_static(exported, method)
            if isinstance(member, property) or not callable(getattr(exported, method)):
                continue
            # what metrics take is the CDK's to check
            if method == "__init__" or not method.startswith(("_", "metric_")):
                yield exported, method


# read by the model, which says where in the tree something is wrong
_READ_BY_THE_MODEL = {"groups"}


@pytest.mark.parametrize(("exported", "method"), sorted(public_callables(), key=str))
def test_every_public_argument_is_checked(
    exported: type, method: str, structure: HierarchyStructure, tree: HierarchyTree, stack: Stack
) -> None:
    """No argument of any constructor, method or import is left out, whatever is added to them."""
    instances: dict[type, Any] = {
        HierarchyStructure: structure,
        HierarchyGroup: structure.add_group(name := exported.__name__ + method, name=name),
        HierarchyTree: tree,
        HierarchyProvider: structure.provider,
    }
    member = inspect.getattr_static(exported, method)
    bound = isinstance(member, classmethod | staticmethod) or method == "__init__"
    call: Any = (
        exported
        if method == "__init__"
        else getattr(exported if bound else instances[exported], method)
    )
    hints = get_type_hints(getattr(exported, method))
    hints.pop("return", None)
    if hints.pop("options", None):
        hints.update(get_type_hints(HierarchyGroupOptions))
    valid = {
        "scope": stack,
        "id": f"Of{method}",
        "instance_arn": INSTANCE_ARN,
        "hierarchy_group_arn": GROUP_ARN,
        "levels": ["A"],
        "name": "Name",
        "groups": [],
        "path": "Sales",
        "key": "Sales",
        "policy": RemovalPolicy.DESTROY,
    }
    for argument in hints.keys() - _READ_BY_THE_MODEL:
        given = {name: value for name, value in valid.items() if name in hints}
        with pytest.raises(ValueError, match=rf"{re.escape(argument)} is a object, .* is needed"):
            call(**{**given, argument: object()})


def test_internals_are_not_offered() -> None:
    """Completion shows what users need: nothing of how the constructs know each other."""
    offered = {
        name
        for exported in connect_hierarchy.__all__
        for name in dir(getattr(connect_hierarchy, exported))
        if not name.startswith("_")
    }
    internal = {
        "id_of",
        "instance",
        "names",
        "owns_role",
        "place",
        "place_of",
        "policies_at_synth",
        "ready",
    }
    assert offered.isdisjoint(internal)


def test_members_of_enumerations_are_described() -> None:
    """Editors show what each does; a text below a member is what they read."""
    source = inspect.getsource(connect_hierarchy.AgentsOnDelete)
    for member in connect_hierarchy.AgentsOnDelete:
        assert re.search(rf'{member.name} = "{member.value}"\n +"""[A-Z]', source)
