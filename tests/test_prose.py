"""The wording of all texts: phrases that no native speaker writes, and words of history.

`typos` looks at single words, with the list in typos.toml; this looks at phrases. Text in code
marks of a Markdown page is not prose: it quotes what the program says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

READ = (
    *("README.md", "ARCHITECTURE.md", "BENCHMARKS.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("SECURITY.md", "Makefile", "app.py", "pyproject.toml", "requirements.txt", "typos.toml"),
    *("docs", "organisation", "examples", "demo", ".github"),
    *("constructs", "lambda_handlers", "tree_files", "cli"),
    *("local_aws", "real_check", "benchmarks", "release", "tests"),
)
"""Every room and file with texts."""

PHRASES = {
    r"in (its|their|his|her) turn": "leave it out",
    r"can not": "cannot",
    r"\btill\b": "until",
    r"(for|of|by) who\b": "for anybody who",
    r"\bSo (many|long|much)\b(?! (as|that)\b)": "how many, how long",
    r"wants? to (tune|have) it (makes|has)": "to tune it, create it",
    r"\b(hence|thus|thereby|therein|thereafter)\b": "so",
    r"of (its|their) own accord": "by itself",
    r"\bshall\b": "will, or must",
    r"\bgives? (a |the )?\w+ up\b": "stop waiting for it",
    r"\b(previously|formerly|in former times)\b": "say what it does now",
    r"\bused to (be|have|do|make)\b": "say what it does now",
    r"\b(was|were|has been) (once|rewritten|refactored)\b": "say what it does now",
    r"\b(simply|just) (call|use|run|write|add)\b": "leave out the adverb",
    r"\bplease note\b": "leave it out",
    r"\bin order to\b": "to",
    r"\bso many (seconds|requests|groups|times|attempts)\b": "this many",
    r"\b(that|which|ones) there (is|are) not\b": "that does not exist",
    r"\bhas to go well\b": "has to succeed",
    r"\b(takes?|notes?) down\b": "note",
    r"\bin the midst of\b": "during",
    r"\b(made|created) anew\b": "created again",
    r"\bmade up by\b|\bmakes up an?\b": "invents",
    r"\bmust not be \w+ by you\b": "you are not allowed to",
}
"""What nobody writes here, and what to write instead."""

EXAMPLES = (
    *("It is deleted in its turn.", "A stack can not\n    # do it.", "It waits till then."),
    *("A tool for who wants it.", "So many tags are ours.", "Who wants to tune it makes it first."),
    *("Hence it fails.", "It moves of its own accord.", "The group shall go.", "Give a group up."),
    *("Previously it failed.", "It used to be a list.", "It was once a tag."),
    *("Simply run it.", "Please note this.", "In order to move it, deploy."),
    *("It ends after so many seconds.", "Names that there are not fail.", "It has to go well."),
    *("It takes down a name.", "It ends in the midst of a call.", "It is created anew."),
    *("It makes up an id.", "It must not be read by you."),
)

OF_AWS = re.compile(
    r"can not be (updated|upd\b|rolled back|deleted|\{purpose\})|hence creating one", re.IGNORECASE
)
"""What CloudFormation itself says, which the local AWS repeats."""

_KINDS = {".md", ".py", ".yaml", ".yml", ".toml", ".json", ".csv", ".css", ".js", ".txt", ""}
_COMMENT = re.compile(r"\n[ \t]*(#:?|%|>|\*)?[ \t]*")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the rooms, with its path."""
    for room in READ:
        path = REPOSITORY / room
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            is_text = file.suffix in _KINDS and "cdk.out" not in file.parts
            if file.is_file() and is_text and file != Path(__file__):
                text = file.read_text(encoding="utf-8")
                yield file.relative_to(REPOSITORY).as_posix(), text


def found(text: str, *, is_page: bool) -> list[str]:
    """The phrases in a text, each with what to write instead."""
    prose = OF_AWS.sub("", _CODE.sub("", text) if is_page else text)
    line = _COMMENT.sub(" ", prose)
    return [
        f"{match[0]!r}: {remedy}"
        for phrase, remedy in PHRASES.items()
        for match in re.finditer(phrase, line, re.IGNORECASE if phrase.islower() else 0)
    ]


def test_wording() -> None:
    """No text has one of the phrases."""
    wrong = [
        f"{path}: {finding}"
        for path, text in texts()
        for finding in found(text, is_page=path.endswith(".md"))
    ]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_phrase_is_found(example: str) -> None:
    """Each phrase is found in a sentence that has it, also where a line ends within it."""
    assert found(example, is_page=False)


def test_every_phrase_has_an_example() -> None:
    """No phrase stands in the list that is never found."""
    together = "\n\n".join(EXAMPLES)
    assert len(found(together, is_page=False)) >= len(PHRASES)


def test_code_is_no_prose() -> None:
    """What a page quotes from the program is not its own wording."""
    assert not found("It says `can not be read`.\n```text\ncan not\n```\n", is_page=True)
    assert found("It says that it can not.", is_page=True)
