"""Criteria and filters of the Search* calls, as conditions on rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from local_aws.connect.exceptions import AccessDeniedException, InvalidParameterException
from local_aws.connect.rows import Group, User

Item = TypeVar("Item")
Condition = Callable[[Item], bool]
Fields = Mapping[str, Callable[[Item], Sequence[str]]]
Expression = Mapping[str, Any]

_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "EXACT": lambda text, value: text == value,
    "STARTS_WITH": lambda text, value: text.startswith(value),
    "CONTAINS": lambda text, value: value in text,
}


def group_fields(root_id: str) -> Fields[Group]:
    """The fields of SearchUserHierarchyGroups; the parent of the highest level is the root."""
    return {
        "name": lambda group: (group.name,),
        "parentId": lambda group: () if group.id == root_id else (group.parent_id or root_id,),
        "levelId": lambda group: (group.level_id,),
        "resourceID": lambda group: (group.id,),
    }


def _identity(member: str) -> Callable[[User], Sequence[str]]:
    return lambda user: (user.attributes.get("IdentityInfo", {}).get(member, ""),)


USER_FIELDS: Fields[User] = {
    "Username": lambda user: (user.username,),
    "FirstName": _identity("FirstName"),
    "LastName": _identity("LastName"),
    "RoutingProfileId": lambda user: (user.attributes.get("RoutingProfileId", ""),),
    "SecurityProfileId": lambda user: user.attributes.get("SecurityProfileIds", ()),
    "resourceId": lambda user: (user.id,),
}
"""The fields that SearchUsers knows."""


def criteria(
    expression: Expression | None,
    fields: Fields[Item],
    hierarchy: Callable[[Expression], Condition[Item]] | None = None,
) -> Condition[Item]:
    """The condition of a SearchCriteria; without one, everything matches.

    Args:
        expression: the SearchCriteria, with further ones in AndConditions and OrConditions.
        fields: the fields of a StringCondition.
        hierarchy: makes a condition of a HierarchyGroupCondition, None where there is none.

    Raises:
        InvalidParameterException: for a field or a comparison that the call does not know.
    """
    conditions: list[Condition[Item]] = []
    for key, value in (expression or {}).items():
        if key == "AndConditions":
            conditions += [criteria(part, fields, hierarchy) for part in value]
        elif key == "OrConditions":
            conditions.append(_any([criteria(part, fields, hierarchy) for part in value]))
        elif key == "StringCondition":
            conditions.append(_string_condition(value, fields))
        elif key == "HierarchyGroupCondition" and hierarchy is not None:
            conditions.append(hierarchy(value))
        else:
            message = f"SearchCriteria does not support {key}"
            raise InvalidParameterException(message)
    return _all(conditions)


def group_filter(expression: Expression | None) -> Condition[Group]:
    """The condition of the SearchFilter of SearchUserHierarchyGroups."""
    return _attribute_filter((expression or {}).get("AttributeFilter"), None)


def user_filter(
    expression: Expression | None, hierarchy: Callable[[Expression], Condition[User]]
) -> Condition[User]:
    """The condition of the SearchFilter of SearchUsers.

    Raises:
        AccessDeniedException: for a TagFilter together with a UserAttributeFilter, as in the API
            reference.
    """
    expression = expression or {}
    tag_filter = expression.get("TagFilter")
    if tag_filter is None:
        return _attribute_filter(expression.get("UserAttributeFilter"), hierarchy)
    if "UserAttributeFilter" in expression:
        message = "TagFilter and UserAttributeFilter cannot be used together in a SearchFilter"
        raise AccessDeniedException(message)
    _check_one_field(tag_filter)
    conditions: list[Condition[User]] = []
    if "OrConditions" in tag_filter:
        conditions.append(_any([_all_tags(part) for part in tag_filter["OrConditions"]]))
    if "AndConditions" in tag_filter:
        conditions.append(_all_tags(tag_filter["AndConditions"]))
    if "TagCondition" in tag_filter:
        conditions.append(_tag_condition(tag_filter["TagCondition"]))
    return _all(conditions)


def _attribute_filter(
    expression: Expression | None, hierarchy: Callable[[Expression], Condition[Any]] | None
) -> Condition[Any]:
    def conjunction(part: Expression) -> Condition[Any]:
        conditions = [_all_tags(part.get("TagConditions", ()))]
        if hierarchy is not None and "HierarchyGroupCondition" in part:
            conditions.append(hierarchy(part["HierarchyGroupCondition"]))
        return _all(conditions)

    expression = expression or {}
    _check_one_field(expression)
    conditions: list[Condition[Any]] = []
    if "OrConditions" in expression:
        conditions.append(_any([conjunction(part) for part in expression["OrConditions"]]))
    if "AndCondition" in expression:
        conditions.append(conjunction(expression["AndCondition"]))
    if "TagCondition" in expression:
        conditions.append(_tag_condition(expression["TagCondition"]))
    if hierarchy is not None and "HierarchyGroupCondition" in expression:
        conditions.append(hierarchy(expression["HierarchyGroupCondition"]))
    return _all(conditions)


def _check_one_field(expression: Expression) -> None:
    if len(expression) > 1:
        message = f"Only one field of a filter can be populated: {', '.join(sorted(expression))}"
        raise InvalidParameterException(message)


def _string_condition(condition: Expression, fields: Fields[Item]) -> Condition[Item]:
    name = condition.get("FieldName", "")
    comparison = condition.get("ComparisonType", "EXACT")
    value = condition.get("Value", "")
    if name not in fields:
        message = f"Invalid FieldName {name!r}, supported are {', '.join(fields)}"
        raise InvalidParameterException(message)
    if comparison not in _COMPARISONS:
        message = f"Invalid ComparisonType {comparison!r}, supported are {', '.join(_COMPARISONS)}"
        raise InvalidParameterException(message)
    read, compare = fields[name], _COMPARISONS[comparison]
    return lambda item: any(compare(text, value) for text in read(item))


def _tag_condition(condition: Expression) -> Condition[Any]:
    key, value = condition.get("TagKey", ""), condition.get("TagValue")
    if value is None:
        return lambda item: key in item.tags
    return lambda item: item.tags.get(key) == value


def _all_tags(conditions: Sequence[Expression]) -> Condition[Any]:
    return _all([_tag_condition(condition) for condition in conditions])


def _all(conditions: Sequence[Condition[Item]]) -> Condition[Item]:
    if len(conditions) == 1:
        return conditions[0]
    return lambda item: all(condition(item) for condition in conditions)


def _any(conditions: Sequence[Condition[Item]]) -> Condition[Item]:
    # an empty list excludes nothing
    return lambda item: not conditions or any(condition(item) for condition in conditions)
