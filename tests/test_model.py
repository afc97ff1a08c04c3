"""The model: what a hierarchy can be, and what its errors say."""

from __future__ import annotations

import pytest

from connect_hierarchy_lambda.model.arns import GroupArn, check_instance_arn, check_reachable
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import check_group_name, check_level_names, quoted
from connect_hierarchy_lambda.model.tags import MAX_USER_TAGS, check_user_tags

INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/5b1c8e0a-1111-2222-3333-444455556666"
)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([], "has no levels, 1 to 5 are needed"),
        (list("abcdef"), "has 6 levels, at most 5 are allowed"),
        (["Division", ""], "name of level 2 is empty, 1 to 50 characters are needed"),
        (["Division", " \t"], "name of level 2 is blank"),
        (
            ["L" * 51],
            "name of level 1 has 51 characters, at most 50 are allowed, shorten it: 'LLLL",
        ),
        (["Team", "Region", "Team"], "levels 1 and 3 have the same name"),
    ],
)
def test_levels_that_cannot_be(levels: list[str], message: str) -> None:
    """Each kind of impossible structure is refused with the value and the limit."""
    with pytest.raises(InvalidHierarchyError, match=message):
        check_level_names(levels)


def test_levels_at_the_limits_pass() -> None:
    """Five levels of fifty characters are allowed."""
    check_level_names([letter * 50 for letter in "abcde"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "hierarchy group name is empty"),
        (" ", "hierarchy group name is blank"),
        ("n" * 101, "has 101 characters, at most 100 are allowed"),
    ],
)
def test_group_names_that_cannot_be(name: str, message: str) -> None:
    """A name is refused before Connect would misunderstand or refuse it."""
    with pytest.raises(InvalidHierarchyError, match=message):
        check_group_name(name)


@pytest.mark.parametrize("name", ["n" * 100, "日本 🎧", "a/b", "__proto__"])
def test_unusual_group_names_pass(name: str) -> None:
    """The service has no pattern for names, so neither have we."""
    check_group_name(name)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({f"key{n}": "v" for n in range(MAX_USER_TAGS + 1)}, "has 41 tags, at most 40 are allowed"),
        ({"aws:x": "v"}, "begins with 'aws:', which is reserved for AWS"),
        ({"AWS:x": "v"}, "reserved for AWS"),
        ({"connect-hierarchy:stack": "v"}, "reserved for this library"),
        ({"": "v"}, "tag key is empty"),
        ({"k" * 129: "v"}, "tag key has 129 characters, at most 128"),
        ({"k": "v" * 257}, "value of tag 'k' has 257 characters, at most 256"),
    ],
)
def test_tags_that_cannot_be(tags: dict[str, str], message: str) -> None:
    """Tags are refused with the key and the limit."""
    with pytest.raises(InvalidHierarchyError, match=message):
        check_user_tags(tags)


def test_tags_at_the_limits_pass() -> None:
    """Forty-two tags, the longest key and value allowed."""
    check_user_tags({f"key{n}": "v" for n in range(MAX_USER_TAGS - 1)} | {"k" * 128: "v" * 256})


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_group_arn_round_trip(partition: str) -> None:
    """An ARN taken apart and put together is the same, in every partition."""
    arn = INSTANCE_ARN.replace("arn:aws:", f"arn:{partition}:") + "/agent-group/1234-abcd"
    parsed = GroupArn.parse(arn)
    assert str(parsed) == arn
    assert parsed.group_id == "1234-abcd"
    check_instance_arn(parsed.instance_arn)


FUNCTION_ARN = "arn:aws:lambda:eu-west-2:123456789012:function:handlers"


@pytest.mark.parametrize(
    ("function_arn", "why"),
    [
        (FUNCTION_ARN.replace("eu-west-2", "us-east-1"), "Region eu-west-2, the function in us-"),
        (FUNCTION_ARN.replace("123", "321"), "account 123456789012, the function in 321456789012"),
    ],
)
def test_an_instance_elsewhere(function_arn: str, why: str) -> None:
    """The error has both homes, the remedy and the ARN."""
    with pytest.raises(InvalidHierarchyError, match=rf"is in {why}.*deploy to .*{INSTANCE_ARN}"):
        check_reachable(INSTANCE_ARN, function_arn)


@pytest.mark.parametrize(
    ("instance_arn", "function_arn"),
    [
        (INSTANCE_ARN, FUNCTION_ARN),
        (INSTANCE_ARN, f"{FUNCTION_ARN}:alias"),
        (INSTANCE_ARN, "handlers"),
        ("arn:aws:connect:us-east-1", FUNCTION_ARN),
        (["no", "text"], FUNCTION_ARN),
        (None, FUNCTION_ARN),
    ],
)
def test_an_instance_at_home(instance_arn: object, function_arn: str) -> None:
    """What is at home passes, and so does what says nothing about where it is."""
    check_reachable(instance_arn, function_arn)


@pytest.mark.parametrize(
    "arn", ["", "arn:aws:connect", INSTANCE_ARN, INSTANCE_ARN + "/agent-group/", "x" * 300]
)
def test_malformed_group_arn(arn: str) -> None:
    """What is no group's ARN is named, shortened, with the form that was expected."""
    with pytest.raises(InvalidHierarchyError, match="not the ARN of a hierarchy group") as error:
        GroupArn.parse(arn)
    assert len(str(error.value)) < 240


def test_quoted_is_one_short_line() -> None:
    """Names in messages cannot break a log line or fill the answer."""
    assert quoted("a\nb") == r"'a\nb'"
    assert len(quoted("x" * 1000)) <= 42
