"""The function's code: the handlers and crhelper, from their installed packages.

The asset has the handlers without docstrings, comments and types of functions, each statement in
its line of the source. So it is small, a traceback fits the source, and a release that changes only
explanations does not deploy the function again.
"""

from __future__ import annotations

import ast
import io
import shutil
import tokenize
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, ILocalBundling
from aws_cdk import aws_lambda as lambda_

HANDLER_PACKAGE = "connect_hierarchy_lambda"
CRHELPER = "crhelper"

NOT_BUNDLED = (
    "model/actions.py",
    "model/declaring.py",
    "model/placement.py",
    "ports/memory_ledger.py",
)
"""Modules of the handlers' package that only constructs, command line and tests use."""

_LICENCE_FILES = ("LICENSE", "NOTICE")


def handler_code(runtime: lambda_.Runtime) -> lambda_.Code:
    """The asset of the function, put together at synth without Docker, pip or a network.

    Raises:
        RuntimeError: If a package that belongs into it is not installed as plain files.
    """
    bundling = HandlerBundling()
    return lambda_.Code.from_asset(
        # only looked at where bundling is skipped: what is deployed is what the bundling put out
        str(bundling.handlers),
        asset_hash_type=AssetHashType.OUTPUT,
        # the image is required, and never pulled since the local bundling does not give up
        bundling=BundlingOptions(image=runtime.bundling_image, local=bundling),
    )


@jsii.implements(ILocalBundling)
class HandlerBundling:
    """Copies the handlers and crhelper, which are pure Python; the runtime brings boto3."""

    def __init__(self) -> None:
        # looked up here and not while bundling, so that the error is a plain one of Python's
        self.handlers = _installed(HANDLER_PACKAGE, "cdk-connect-hierarchy")
        self._crhelper = _installed(CRHELPER, CRHELPER)

    # jsii hands the options over as one object, where the interface has them as keywords
    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Put the code into `output_dir`; never False, which would mean to try Docker."""
        target = Path(output_dir)
        for module in _modules(self.handlers):
            if module.as_posix() in NOT_BUNDLED:
                continue
            placed = _place(target / HANDLER_PACKAGE / module)
            placed.write_bytes(_code_alone((self.handlers / module).read_bytes()))
        for module in _modules(self._crhelper):
            shutil.copyfile(self._crhelper / module, _place(target / CRHELPER / module))
        _copy_licences(CRHELPER, target / CRHELPER)
        return True


def _installed(package: str, requirement: str) -> Path:
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(places[0]) if places else None
    if folder is None or not (folder / "__init__.py").is_file():
        msg = (
            f"the Python package '{package}' belongs into the function and is not installed as "
            f"files: run 'pip install {requirement}' in the environment that synthesises"
        )
        raise RuntimeError(msg)
    return folder


def _modules(package: Path) -> list[Path]:
    """The modules of a package, and no other files."""
    return [module.relative_to(package) for module in sorted(package.rglob("*.py"))]


def _code_alone(source: bytes) -> bytes:
    """Python code with its lines, without comments, texts that are statements and types.

    The types are those of parameters and of what functions return.
    """
    lines = source.splitlines(keepends=True)
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            lines[line - 1] = token.line[:column].rstrip().encode() + b"\n"
    types: list[tuple[int, int, ast.expr]] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.arg(annotation=ast.expr() as written):
                types.append((node.lineno, node.col_offset + len(node.arg.encode()), written))
            case ast.FunctionDef(returns=ast.expr() as written):
                arrow = lines[written.lineno - 1].rfind(b" ->", 0, written.col_offset)
                types.append((written.lineno, arrow, written))
        body = getattr(node, "body", ())
        texts = [one for one in body if _is_text(one)] if isinstance(body, list) else []
        for text in texts:
            first, last = text.lineno, text.end_lineno or text.lineno
            indent = lines[first - 1][: text.col_offset]
            # what consists of nothing else still needs a statement
            rest = indent + b'""' if len(texts) == len(body) else indent.rstrip()
            lines[first - 1 : last] = [rest + b"\n", *[b"\n"] * (last - first)]
    # the last one first: what stands before a type keeps its place
    for line, start, written in sorted(types, key=lambda one: one[:2], reverse=True):
        last, end = written.end_lineno or line, written.end_col_offset or start
        rest = lines[last - 1][end:]
        lines[line - 1] = lines[line - 1][:start] + (rest if last == line else b"\n")
        if last > line:
            lines[line:last] = [*[b"\n"] * (last - line - 1), rest]
    return b"".join(lines)


def _is_text(statement: ast.stmt) -> bool:
    """Whether it is a docstring, or another text that nobody uses."""
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def _copy_licences(package: str, target: Path) -> None:
    """Copy what a package's licence wants to travel with its code."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return
    for file in files:
        if file.name.startswith(_LICENCE_FILES):
            shutil.copyfile(str(file.locate()), _place(target / file.name))


def _place(target: Path) -> Path:
    """Make an empty file with its folders, which Lambda reads as another user."""
    for folder in reversed(target.relative_to(target.anchor).parents):
        if not (path := target.anchor / folder).exists():
            path.mkdir()
            path.chmod(0o755)
    target.touch()
    target.chmod(0o644)
    return target
