"""Finds every text that the code can fail with, by reading the code.

A text is a template: a `HOLE` stands for each value that the code puts into it. Code that passes
the text of another error on, and adds nothing to it, has no text of its own.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import ModuleType

HOLE = "…"

_DOING_WHY_REMEDY = {"HierarchyError", "OutOfTimeError", "NoLongerWantedError"}
_TEXT_FIRST = {
    "InvalidHierarchyError",
    "RuntimeError",
    "ValueError",
    "CommandError",
    "Explanation",
    "ClickException",
    "UsageError",
    "BadParameter",
}
_TEXT_LAST = {"error", "located_error", "_located", "note", "end", "Problem"}
_OTHERS = {"logger", "parser"}
"""Objects whose method `error` is not about users' errors."""

_FINDINGS = {"str | None", "list[str]"}
"""The return type of a function that finds problems."""

_YIELDS = {"Iterator[str]", "Iterator[Problem]"}
"""The return type of a generator of problems; in a pair, the line comes first."""

_MOST_WAYS = 64
_DEEPEST = 12
_HAS_WORDS = re.compile(r"[a-z]{2,}\W+[a-z]{2,}", re.IGNORECASE)


@dataclass(frozen=True)
class ErrorText:
    """A text, and where in the code it stands."""

    text: str
    place: str


def error_texts(package: ModuleType) -> Iterator[ErrorText]:
    """The texts of all modules of a package, each once."""
    assert package.__file__ is not None
    root = Path(package.__file__).parent
    seen: set[str] = set()
    for path in sorted(root.rglob("*.py")):
        if path.name == "__main__.py":
            continue
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join((package.__name__, *(part for part in parts if part != "__init__")))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = f"{package.__name__}/{path.relative_to(root)}"
        for error in _Module(importlib.import_module(name), place, tree).texts():
            if error.text not in seen:
                seen.add(error.text)
                yield error


def normalised(text: str) -> str:
    """The text for comparison: quotes around a hole, and holes side by side, make no difference."""
    text = re.sub(r"'?…'?", HOLE, " ".join(text.split()))
    return re.sub(r"…([ ]?…)+", HOLE, text).strip()


class _Module:
    def __init__(self, module: ModuleType, path: str, tree: ast.Module) -> None:
        self._names = vars(module)
        self._path = path
        self._tree = tree
        self._parents = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }
        self._functions = {
            node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)
        }

    def texts(self) -> Iterator[ErrorText]:
        for node in ast.walk(self._tree):
            for expression in self._told(node):
                for text in self._templates(expression):
                    if _HAS_WORDS.search(text):
                        place = f"{self._path}:{expression.lineno}"
                        yield ErrorText(normalised(text), place)

    def _told(self, node: ast.AST) -> Iterator[ast.expr]:
        """The expressions that a node tells somebody as what is wrong."""
        if isinstance(node, ast.Return) and node.value is not None:
            if self._tells_errors(node) and isinstance(node.value, ast.Tuple):
                yield node.value.elts[0]
            elif self._finds_errors(node):
                yield from node.value.elts if isinstance(node.value, ast.List) else [node.value]
            return
        if isinstance(node, ast.Yield) and node.value is not None and self._yields_texts(node):
            yield node.value.elts[-1] if isinstance(node.value, ast.Tuple) else node.value
        if not isinstance(node, ast.Call):
            return
        name, owner = _called(node)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if name in _DOING_WHY_REMEDY and len(given) > 1:
            yield self._why(given)
        elif name in _TEXT_FIRST and given:
            yield given[0]
        elif name in _TEXT_LAST and len(given) > 1 and owner not in _OTHERS:
            yield given[-1]

    def _why(self, given: list[ast.expr]) -> ast.expr:
        """The reason; the whole message if only the reason is another error's text."""
        if any(_HAS_WORDS.search(text) for text in self._templates(given[1])):
            return given[1]
        # a beginning with several alternatives adds nothing
        is_one = len(self._templates(given[0])) == 1
        message = given[0] if is_one else ast.Constant(HOLE)
        for separator, part in zip((": ", "; "), given[1:], strict=False):
            message = _added(_added(message, ast.Constant(separator)), part)
        return ast.copy_location(message, given[1])

    def _tells_errors(self, node: ast.AST) -> bool:
        """Whether a function gives what is told of an error, and the command to type next."""
        function = self._function_of(node)
        returns = function.returns if function is not None else None
        return returns is not None and ast.unparse(returns).split(" | ")[0] == "Told"

    def _yields_texts(self, node: ast.AST) -> bool:
        """Whether a function gives one text after the other of what is wrong."""
        function = self._function_of(node)
        returns = function.returns if function is not None else None
        return returns is not None and ast.unparse(returns) in _YIELDS

    def _finds_errors(self, node: ast.AST) -> bool:
        function = self._function_of(node)
        if function is None or function.returns is None:
            return False
        returns = ast.unparse(function.returns)
        checks = function.name == "check" or function.name.startswith(
            ("_check", "_too", "too_", "_unknown")
        )
        return returns in {*_FINDINGS, "str"} and (checks or function.name == "validate")

    def _templates(  # noqa: PLR0911 - a case for each way to write a text
        self, node: ast.expr, depth: int = 0
    ) -> list[str]:
        match node:
            case _ if depth > _DEEPEST:
                return [HOLE]
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=values):
                return _joined([self._templates(value, depth + 1) for value in values])
            case ast.FormattedValue(value=value):
                return self._templates(value, depth + 1)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self._templates(side, depth + 1) for side in (left, right)])
            case ast.BoolOp(op=ast.And(), values=values):
                return self._templates(values[-1], depth + 1)
            case ast.IfExp(body=body, orelse=other):
                both = [*self._templates(body, depth + 1), *self._templates(other, depth + 1)]
                return list(dict.fromkeys(both))
            case ast.Name(id=name):
                return self._of_name(node, name, depth)
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                return self._of_function(self._functions[name], depth)
            case _:
                return [HOLE]

    def _of_name(self, node: ast.AST, name: str, depth: int) -> list[str]:
        found = self._assigned(node, name)
        if found:
            texts = [text for value in found for text in self._templates(value, depth + 1)]
            return list(dict.fromkeys(texts))
        value = self._names.get(name)
        is_known = isinstance(value, (str, int)) and name not in self._arguments(node)
        return [str(value)] if is_known else [HOLE]

    def _of_function(self, function: ast.FunctionDef, depth: int) -> list[str]:
        """What a function of the module says, where it is a sentence."""
        returned = [
            text
            for node in ast.walk(function)
            if isinstance(node, ast.Return) and isinstance(node.value, (ast.JoinedStr, ast.Name))
            for text in self._templates(node.value, depth + 1)
        ]
        is_sentence = returned and all(_HAS_WORDS.search(text) for text in returned)
        return returned if is_sentence else [HOLE]

    def _arguments(self, node: ast.AST) -> set[str]:
        function = self._function_of(node) or ast.Pass()
        return {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}

    def _function_of(self, node: ast.AST) -> ast.FunctionDef | None:
        while node in self._parents:
            node = self._parents[node]
            if isinstance(node, ast.FunctionDef):
                return node
        return None

    def _assigned(self, node: ast.AST, name: str) -> list[ast.expr]:
        """What a name can stand for where it is used: the assignments that reach the node."""
        found: list[ast.expr] = []
        while node in self._parents and not isinstance(node, ast.FunctionDef):
            above = self._parents[node]
            for before in reversed(_before(above, node)):
                value = _direct(before, name)
                if isinstance(before, ast.AugAssign) and value is not None:
                    bases = self._assigned(before, name)
                    return [*found, *(_added(base, value) for base in bases)]
                if value is not None:
                    return [*found, value]
                found += [
                    value
                    for inner in ast.walk(before)
                    if isinstance(inner, ast.Assign | ast.AnnAssign)
                    and (value := _direct(inner, name)) is not None
                ]
            node = above
        return found


def _before(above: ast.AST, node: ast.AST) -> list[ast.stmt]:
    """The statements before a node in the block that it stands in."""
    for _, field in ast.iter_fields(above):
        if isinstance(field, list) and node in field:
            return [one for one in field[: field.index(node)] if isinstance(one, ast.stmt)]
    return []


def _direct(statement: ast.stmt, name: str) -> ast.expr | None:
    """What a statement assigns to a name, None where it is about something else."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            return value
        case ast.AugAssign(target=ast.Name(id=target), value=value) if target == name:
            return value
        case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
            return value if target == name else None
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            pairs = zip(targets, values, strict=False)
            of_name = [v for t, v in pairs if isinstance(t, ast.Name) and t.id == name]
            return of_name[0] if of_name else None
        case _:
            return None


def _added(left: ast.expr, right: ast.expr) -> ast.BinOp:
    return ast.copy_location(ast.BinOp(left, ast.Add(), right), left)


def _joined(parts: list[list[str]]) -> list[str]:
    ways = 1
    for part in parts:
        ways *= len(part)
    if ways > _MOST_WAYS:
        parts = [part if len(part) == 1 else [HOLE] for part in parts]
    return ["".join(way) for way in product(*parts)]


def _called(node: ast.Call) -> tuple[str, str]:
    """The name of what is called, and of what it belongs to."""
    match node.func:
        case ast.Name(id=name):
            return name, ""
        case ast.Attribute(attr=name, value=ast.Name(id=owner)):
            return name, owner
        case ast.Attribute(attr=name):
            return name, ""
        case _:
            return "", ""
