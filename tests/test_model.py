"""The model: what a hierarchy can be, and what its errors say."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connect_hierarchy_lambda.model.arns import GroupArn, check_instance_arn, check_reachable
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import (
    check_group_name,
    check_level_names,
    check_outer_blanks,
    quoted,
    without_outer_blanks,
)
from connect_hierarchy_lambda.model.tags import MAX_USER_TAGS, check_tag_key, check_user_tags
from local_aws.connect.checks import check_tags
from local_aws.connect.exceptions import InvalidParameterException

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
        (["Caf\u00e9", "Cafe\u0301"], r"levels 1 and 2 have the same name.*'Cafe\\u0301'"),
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
    """A name that Connect would misunderstand or refuse is refused earlier."""
    with pytest.raises(InvalidHierarchyError, match=message):
        check_group_name(name)


@pytest.mark.parametrize("name", ["n" * 100, "日本 🎧", "a/b", "__proto__"])
def test_unusual_group_names_pass(name: str) -> None:
    """Names can have any characters, since the service has no pattern."""
    check_group_name(name)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({f"key{n}": "v" for n in range(MAX_USER_TAGS + 1)}, "has 48 tags, at most 47 are allowed"),
        ({"aws:x": "v"}, "begins with 'aws:', which is reserved for AWS"),
        ({"AWS:x": "v"}, "reserved for AWS"),
        ({"connect-hierarchy:stack": "v"}, "reserved for this library"),
        ({"": "v"}, "tag key is empty"),
        ({"k" * 129: "v"}, "tag key has 129 characters, at most 128"),
        ({"k": "v" * 257}, "value of tag 'k' has 257 characters, at most 256"),
        (
            {"Cost center (EUR)": "v"},
            r"'Cost center \(EUR\)' has '\(' '\)', .*: use letters, digits, spaces and _ \. : /",
        ),
        ({"R&D": "v"}, "tag key 'R&D' has '&', which"),
        ({"\N{HEADPHONE}": "v"}, "has '\N{HEADPHONE}', which"),
        ({"a\nb": "v"}, r"tag key 'a\\nb' has '\\n', which"),
        ({"a#b%c*d!e?": "v"}, r"has '#' '%' '\*' '!', which"),
        ({"u\u0308": "v"}, r"tag key 'u\\u0308' has .*: write its letters composed \(NFC\)"),
    ],
)
def test_tags_that_cannot_be(tags: dict[str, str], message: str) -> None:
    """Tags are refused with the key and the limit."""
    with pytest.raises(InvalidHierarchyError, match=message):
        check_user_tags(tags)


@given(st.text(min_size=1, max_size=6))
@example("Größe 2: a_b.c/d=e+f-g@h")
@example("\u3042\u00a0\u0663")
def test_the_service_decides_about_tag_keys(key: str) -> None:
    """A key is refused at synth if, and only if, Connect would refuse it."""
    try:
        check_tags({key: "v"}, None)
    except InvalidParameterException:
        with pytest.raises(InvalidHierarchyError):
            check_tag_key(key)
    else:
        if not key.startswith("aws:"):
            check_tag_key(key)


@pytest.mark.parametrize("value", ["R&D", "(EUR)", "\N{HEADPHONE}", "a\nb", ""])
def test_values_of_tags_have_no_pattern(value: str) -> None:
    """Values of tags can have any characters, since the service model has no pattern."""
    check_user_tags({"k": value})


def test_tags_at_the_limits_pass() -> None:
    """As many tags as there may be, with the longest key and value allowed."""
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
    """An instance in the same Region and account passes, and so does one of unknown home."""
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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Sales\u00a0", r"'Sales\xa0'"),
        ("Sales\u200b", r"'Sales\u200b'"),
        ("\u2028", r"'\u2028'"),
        ("\u3164", r"'\u3164'"),
        ("x\ufe0f", r"'x\ufe0f'"),
        ("\U000e0101", r"'\U000e0101'"),
        ("Cafe\u0301", r"'Cafe\u0301'"),
        ("Caf\u00e9", "'Caf\u00e9'"),
        # vowel signs of Hindi, which have no composed form
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "'\u0939\u093f\u0928\u094d\u0926\u0940'"),
    ],
)
def test_what_cannot_be_seen_is_quoted_as_an_escape(text: str, shown: str) -> None:
    """Two texts that differ look different in a message."""
    assert quoted(text) == shown


@pytest.mark.parametrize(
    "blank", [" ", "\t", "\n", "\r", "\u00a0", "\x85", "\u2028", "\u200b", "\ufeff"]
)
def test_outer_blanks(blank: str) -> None:
    """Each kind is found on either side, and none within."""
    check_outer_blanks("name", f"A{blank}B")
    for text in (f"{blank}A", f"A{blank}"):
        with pytest.raises(InvalidHierarchyError, match=r"^name begins or ends with a blank, rem"):
            check_outer_blanks("name", text)
    assert without_outer_blanks(f"{blank} A{blank}B {blank}") == f"A{blank}B"
