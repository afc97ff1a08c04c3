"""Checks the types of everything that an app passes: one place for all public arguments."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, StrEnum
from types import UnionType
from typing import (
    Any,
    Required,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Class = TypeVar("_Class", bound=type)

Check = Callable[[str, object], str | None]
"""Says what is wrong with the value of an argument, None where nothing is."""

_QUOTED_VALUE = 60
_PLAIN = (str, bytes, bool, int, float, list, tuple, dict, set, frozenset)

_implementations: dict[type, type] = {}


def implementation_of(interface: type) -> Callable[[_Class], _Class]:
    """Register that this class and its subclasses implement an interface of this library."""

    def take_down(implementation: _Class) -> _Class:
        _implementations[interface] = implementation
        return implementation

    return take_down


def check_arguments(function: _Function) -> _Function:
    """Check the arguments of a function or method against its annotations before it is called.

    What is wrong is an InvalidHierarchyError with the path of the construct, the argument, its
    value and what is needed. Arguments that Python itself refuses, such as one too many, are left
    to Python, but for those of `**options`.
    """
    signature = inspect.signature(function)
    positions = tuple(signature.parameters)
    options = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD), None)

    @functools.cache
    def checks() -> tuple[Mapping[str, Check], frozenset[str], frozenset[str]]:
        # at the first call, when all names in annotations are defined
        hints = get_type_hints(function)
        hints.pop("return", None)
        required = allowed = frozenset[str]()
        if options is not None:
            (described,) = get_args(hints.pop(options))
            # with annotations as strings, the class itself does not know which keys are required
            marked = get_type_hints(described, include_extras=True)
            allowed = frozenset(marked)
            required = frozenset(n for n, hint in marked.items() if get_origin(hint) is Required)
            hints.update(get_type_hints(described))
        return {name: _check_for(hint) for name, hint in hints.items()}, required, allowed

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        by_name, required, allowed = checks()
        given = {**dict(zip(positions, args, strict=False)), **kwargs}
        for name, value in given.items():
            check = by_name.get(name)
            wrong = None if check is None else check(name, value)
            if wrong is not None:
                raise _located(given, positions, wrong)
        if options is not None:
            for name in kwargs.keys() - by_name.keys():
                raise _located(given, positions, _unknown(name, [*positions, *allowed]))
            for name in required - kwargs.keys():
                raise _located(given, positions, f"{name} is not given, it is needed")
        return function(*args, **kwargs)

    return cast("_Function", checked)


def _located(
    given: Mapping[str, object], positions: Sequence[str], wrong: str
) -> InvalidHierarchyError:
    """The error, with the path of the construct that it is about in front."""
    construct = given.get("scope", given.get(positions[0]))
    node = getattr(construct, "node", None)
    parts = [getattr(node, "path", ""), given.get("id")]
    path = "/".join(part for part in parts if isinstance(part, str) and part)
    return InvalidHierarchyError(f"{path}: {wrong}" if path else wrong)


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "leave it out"
    return f"there is no argument {quoted(name)}: {hint}"


def _check_for(annotation: Any) -> Check:
    """The check for what is annotated so."""
    origin, of = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _check_for_any_of(of)
    if _has_typed_dict(annotation):
        # read by the model, whose errors have the path of the group in them
        return lambda _name, _value: None
    if origin is type(None) or annotation is type(None):
        return lambda name, value: None if value is None else f"{name} is not None"
    if origin is not None and issubclass(origin, Mapping):
        return _check_for_mapping(*map(_check_for, of))
    if origin is not None and issubclass(origin, Sequence):
        return _check_for_sequence(_check_for(of[0]))
    return functools.partial(_check_instance, annotation)


def _has_typed_dict(annotation: Any) -> bool:
    return is_typeddict(annotation) or any(map(_has_typed_dict, get_args(annotation)))


def _check_for_any_of(annotations: Sequence[Any]) -> Check:
    checks = [_check_for(one) for one in annotations if one is not type(None)]
    optional = type(None) in annotations

    def check(name: str, value: object) -> str | None:
        if optional and value is None:
            return None
        wrong = [one(name, value) for one in checks]
        if None in wrong:
            return None
        # what is wrong inside of it says more than that it is of another kind
        inside = (one for one in wrong if one is not None and not one.startswith(f"{name} is "))
        return next(inside, wrong[0])

    return check


def _check_for_sequence(element: Check) -> Check:
    def check(name: str, value: object) -> str | None:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            remedy = f": write [{value!r}]" if isinstance(value, str) else ""
            return f"{name} is {_shown(value)}, a list is needed{remedy}"
        for number, one in enumerate(value):
            wrong = element(f"{name}[{number}]", one)
            if wrong is not None:
                return wrong
        return None

    return check


def _check_for_mapping(of_key: Check, of_value: Check) -> Check:
    def check(name: str, value: object) -> str | None:
        if not isinstance(value, Mapping):
            return (
                f"{name} is {_shown(value)}, a mapping is needed: write them as {{'key': 'value'}}"
            )
        for key, one in value.items():
            wrong = of_key(f"a key of {name}", key) or of_value(f"{name}[{key!r}]", one)
            if wrong is not None:
                return wrong
        return None

    return check


def _check_instance(needed: Any, name: str, value: object) -> str | None:
    if _fits(needed, value):
        return None
    remedy = _remedy(needed, value)
    return f"{name} is {_shown(value)}, {_described(needed)} is needed{remedy and ': '}{remedy}"


def _fits(needed: Any, value: object) -> bool:
    if needed in {int, float}:
        kinds = (int, float) if needed is float else int
        return isinstance(value, kinds) and not isinstance(value, bool)
    if issubclass(needed, StrEnum):
        # its values may come as texts; which of them are allowed is checked where they are used
        return isinstance(value, str)
    if needed in _implementations:
        return isinstance(value, _implementations[needed])
    return (
        _has_members(needed, value)
        if _is_protocol(needed)
        else isinstance(value, needed) or (_is_struct(needed) and isinstance(value, Mapping))
    )


def _has_members(protocol: type, value: object) -> bool:
    # Of an object that Python knows interfaces for, and no class, JavaScript knows what it is.
    unknown = not hasattr(type(value), "__jsii_type__") and hasattr(value, "__jsii_ref__")
    given: Any = type(value)
    return unknown or _class_has_members(protocol, given)


def _is_protocol(kind: type) -> bool:
    return bool(getattr(kind, "_is_protocol", False))


def _is_struct(kind: type) -> bool:
    """Whether the CDK takes a mapping for it as well: its classes have a class of their own."""
    return type(kind) is type and hasattr(kind, "__jsii_type__")


@functools.cache
def _class_has_members(protocol: type, given: type) -> bool:
    bases = [base for base in protocol.__mro__ if _is_protocol(base)]
    needed = {name for base in bases for name in vars(base) if not name.startswith("_")}
    return needed.issubset(dir(given))


def _shown(value: object) -> str:
    """A value in a message."""
    node = getattr(value, "node", None)
    if node is not None:
        return f"the {type(value).__name__} {quoted(node.path, _QUOTED_VALUE)}"
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return quoted(value, _QUOTED_VALUE)
    if isinstance(value, _PLAIN):
        return f"the {type(value).__name__} {quoted(repr(value), _QUOTED_VALUE)[1:-1]}"
    return f"a {type(value).__name__}"


_DESCRIBED = {
    "bool": "True or False",
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
}


def _described(needed: type) -> str:
    if issubclass(needed, Enum):
        return f"one of {', '.join(member.name for member in needed)}"
    name = needed.__name__
    if _is_protocol(needed):
        name = name.removeprefix("I")
    article = "an" if name[0] in "AEIO" else "a"
    return _DESCRIBED.get(name) or f"{article} {name}"


_UNSET = (
    "see where it comes from, such as a context value (-c) or an environment variable that is not "
    "set"
)

# by what is needed and by what is given, or a class that this is made of
_REMEDIES = {
    ("bool", "str"): "write it without quotes",
    ("float", "str"): "write it without quotes",
    ("int", "str"): "write it without quotes",
    ("str", "NoneType"): _UNSET,
    ("str", "bool"): "put it into quotes",
    ("str", "float"): "put it into quotes",
    ("str", "int"): "put it into quotes",
    ("str", "CfnInstance"): "use its attr_arn",
    ("str", "StructureBase"): "use its instance_arn",
    ("str", "GroupBase"): "use its hierarchy_group_arn",
    ("Duration", "float"): "write it as Duration.seconds(…)",
    ("Duration", "int"): "write it as Duration.seconds(…)",
    ("IHierarchyGroup", "str"): "import it with HierarchyGroup.from_hierarchy_group_arn",
    ("IHierarchyGroup", "HierarchyTree"): "take one of its groups, with group(path)",
    ("IHierarchyGroup", "StructureBase"): "pass it as structure",
    ("IHierarchyStructure", "str"): "import it with HierarchyStructure.from_instance_arn",
    ("IHierarchyStructure", "GroupBase"): "pass it as parent",
    ("IRole", "str"): "import it with Role.from_role_arn",
    ("Runtime", "str"): "use one of lambda_.Runtime, or leave it out",
}


def _remedy(needed: type, value: object) -> str:
    for given in type(value).__mro__:
        remedy = _REMEDIES.get((needed.__name__, given.__name__))
        if remedy is not None:
            return remedy
    return ""
