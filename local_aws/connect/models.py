"""The state of Amazon Connect and the effects of its calls, on top of moto's instances."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from threading import RLock
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from moto.connect.models import ConnectBackend, Instance

from local_aws.connect import search
from local_aws.connect.checks import (
    AWS_PREFIX,
    check_length,
    check_name,
    check_tags,
    reject,
)
from local_aws.connect.exceptions import (
    DuplicateResourceException,
    InvalidParameterException,
    InvalidRequestException,
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from local_aws.connect.history import Table
from local_aws.connect.rows import (
    LEVEL_KEYS,
    ROOT_LEVEL_ID,
    Group,
    Hierarchy,
    Level,
    PlacedGroup,
    Row,
    SecurityProfile,
    User,
)
from local_aws.connect.settings import ConnectSettings, DuplicateScope

MAX_LEVEL_NAME = 50
MAX_GROUP_NAME = 100
_MAX_USERNAME = 100
_MAX_PROFILE_NAME = 127

R = TypeVar("R", bound=Row)
B = TypeVar("B", bound="LocalConnectBackend")
P = ParamSpec("P")
T = TypeVar("T")


class Timekeeper(Protocol):
    """The part of a clock that a service needs if it does not wait."""

    def now(self) -> float:
        """Seconds since 1970."""


def _locked(method: Callable[Concatenate[B, P], T]) -> Callable[Concatenate[B, P], T]:
    @wraps(method)
    def run(self: B, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.lock:
            return method(self, *args, **kwargs)

    return run


class _Contents:
    """The content of one instance."""

    def __init__(self, now: Callable[[], float], root: Group) -> None:
        self.root = root
        self.levels: Table[Level] = Table(now)
        self.groups: Table[Group] = Table(now)
        self.users: Table[User] = Table(now)
        self.security_profiles: Table[SecurityProfile] = Table(now)
        self.usernames: set[str] = set()


class LocalConnectBackend(ConnectBackend):
    """One account's Amazon Connect in one Region.

    Called directly, its methods are neither counted, paced nor lagged. An ARN can replace any id,
    except for a security profile's group. Returned rows are the state at that time.

    Args:
        region_name: such as `eu-west-2`.
        account_id: twelve digits.
        clock: gives the time.
        settings: the switches.
        seed: makes all ids in instances the same in every run; None for random ids.
    """

    def __init__(
        self,
        region_name: str,
        account_id: str,
        *,
        clock: Timekeeper,
        settings: ConnectSettings,
        seed: int | None = None,
    ) -> None:
        super().__init__(region_name, account_id)
        self.lock = RLock()
        self.settings = settings
        self._clock = clock
        self._random = random.Random(seed)
        self._contents: dict[str, _Contents] = {}
        self.contacts: dict[str, list[str]] = {}
        """The ids of the contacts that users are on now, by the users' ids."""

        # the time that readers see; None is the present, for code that calls the backend directly
        self._read_as_of: float | None = None
        self._search_as_of: float | None = None

    def reset(self) -> None:
        """Forget everything but the settings."""
        with self.lock:
            for instance_id in list(self.instances):
                self.delete_instance(instance_id)

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """Hold the lock, and let reads lag behind writes as the settings say."""
        with self.lock:
            now = self._clock.now()
            settings = self.settings
            self._read_as_of = now - settings.read_lag if settings.read_lag > 0 else None
            self._search_as_of = now - settings.search_lag if settings.search_lag > 0 else None
            try:
                yield
            finally:
                self._read_as_of = self._search_as_of = None

    def new_id(self) -> str:
        """An id for a resource or a request."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    # instances

    @_locked
    def create_instance(
        self,
        identity_management_type: str,
        inbound_calls_enabled: bool,  # noqa: FBT001 - the signature is moto's
        outbound_calls_enabled: bool,  # noqa: FBT001 - the signature is moto's
        instance_alias: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> dict[str, str]:
        """Create an instance, which has no levels yet; the answer has `Id` and `Arn`."""
        check_tags(tags or {}, self.settings.tag_value_pattern)
        created = super().create_instance(
            identity_management_type, inbound_calls_enabled, outbound_calls_enabled, instance_alias
        )
        instance = self.instances[created["Id"]]
        # moto's instances have the commercial partition and the machine's own time
        instance.arn = (
            f"arn:{self.partition}:connect:{self.region_name}:{self.account_id}"
            f":instance/{instance.id}"
        )
        instance.created_time = datetime.fromtimestamp(self._clock.now(), UTC)
        root_id = self.new_id()
        root = Group(
            id=root_id,
            arn=f"{instance.arn}/agent-group/{root_id}",
            name="Root",
            last_modified=self._clock.now(),
            region=self.region_name,
            level_id=ROOT_LEVEL_ID,
            parent_id=None,
            tags={},
        )
        self._contents[instance.id] = _Contents(self._clock.now, root)
        if tags:
            self._set_instance_tags(instance, tags)
        return {"Id": instance.id, "Arn": instance.arn}

    @_locked
    def describe_instance(self, instance_id: str) -> dict[str, Any]:
        """An instance as DescribeInstance answers it."""
        answer = super().describe_instance(instance_id)
        if shown := self._shown(answer.pop("Tags", {})):
            answer["Tags"] = shown
        return answer

    @_locked
    def delete_instance(self, instance_id: str) -> None:
        """Delete an instance and everything in it."""
        instance = self._get_instance_or_raise(instance_id)
        super().delete_instance(instance.id)
        del self._contents[instance.id]
        self.tagger.delete_all_tags_for_resource(instance.arn)

    @_locked
    def instance_arn(self, instance_id: str) -> str:
        """The ARN of an instance."""
        return self._get_instance_or_raise(instance_id).arn

    # levels

    @_locked
    def update_user_hierarchy_structure(
        self, instance_id: str, hierarchy_structure: Mapping[str, Mapping[str, str] | None]
    ) -> None:
        """Replace the whole structure: levels that are left out are removed, others are renamed.

        Args:
            instance_id: of the instance.
            hierarchy_structure: `{"LevelOne": {"Name": …}, …}`; names of 1 to 50 characters.

        Raises:
            ResourceInUseException: if a level that holds groups is left out.
            InvalidRequestException: for gaps or equal names, where the settings forbid them.
        """
        instance = self._get_instance_or_raise(instance_id)
        contents = self._contents[instance.id]
        names = {
            str(number): update.get("Name", "")
            for number, key in enumerate(LEVEL_KEYS, start=1)
            if (update := hierarchy_structure.get(key)) is not None
        }
        self._check_structure(names)
        held = {group.level_id for group in contents.groups.rows().values()}
        held |= {group.level_id for group in contents.groups.rows(self._read_as_of).values()}
        for level_id, level in sorted(contents.levels.rows().items()):
            if level_id not in names and level_id in held:
                message = "The hierarchy level is in use: it has hierarchy groups"
                raise self._in_use(message, "HIERARCHY_LEVEL", level)
        for level_id in set(contents.levels.rows()) - names.keys():
            contents.levels.remove(level_id)
        for level_id, name in names.items():
            present = contents.levels.get(level_id)
            if present is not None and present.name == name:
                continue
            level = Level(
                id=level_id,
                arn=f"{instance.arn}/agent-group-level/{level_id}",
                name=name,
                last_modified=self._clock.now(),
                region=self.region_name,
            )
            contents.levels.put(level_id, level)

    def _check_structure(self, names: Mapping[str, str]) -> None:
        for level_id, name in names.items():
            member = f"hierarchyStructure.{LEVEL_KEYS[int(level_id) - 1]}.name"
            check_name(member, name, MAX_LEVEL_NAME, self.settings.name_pattern)
        if not self.settings.level_gaps_allowed and any(
            str(number) not in names for number in range(1, len(names) + 1)
        ):
            message = "Hierarchy levels must be defined in order, without gaps"
            raise InvalidRequestException(message)
        if not self.settings.equal_level_names_allowed and len(set(names.values())) < len(names):
            message = "Hierarchy level names must be unique"
            raise InvalidRequestException(message)

    @_locked
    def describe_user_hierarchy_structure(self, instance_id: str) -> list[Level]:
        """The levels from the highest down."""
        levels = self._inside(instance_id).levels.rows(self._read_as_of)
        return [levels[level_id] for level_id in sorted(levels)]

    # groups

    @_locked
    def create_user_hierarchy_group(
        self,
        instance_id: str,
        name: str,
        parent_group_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> PlacedGroup:
        """Create a group below a parent, or at the highest level without one.

        Args:
            instance_id: of the instance.
            name: 1 to 100 characters.
            parent_group_id: of the group above.
            tags: at most 50, besides `aws:` ones as CloudFormation writes them.

        Raises:
            ResourceNotFoundException: without such an instance or parent, and, misleadingly,
                without levels.
            InvalidRequestException: if the parent is at the lowest level.
            DuplicateResourceException: if the name is taken.
            LimitExceededException: if the instance has as many groups as it may have.
        """
        contents = self._inside(instance_id)
        check_name("name", name, MAX_GROUP_NAME, self.settings.name_pattern)
        check_tags(tags or {}, self.settings.tag_value_pattern)
        levels = contents.levels.rows(self._read_as_of).keys() & contents.levels.rows().keys()
        if not levels:
            raise ResourceNotFoundException
        parent = None
        if parent_group_id:
            parent = self._existing(contents.groups, parent_group_id)
        above = parent.level_id if parent else ROOT_LEVEL_ID
        level_id = min((level_id for level_id in levels if level_id > above), default=None)
        if level_id is None:
            message = "The parent hierarchy group is at the lowest level of the hierarchy structure"
            raise InvalidRequestException(message)
        parent_id = parent.id if parent else None
        self._check_group_name_free(contents, name, parent_id, None)
        if len(contents.groups.rows()) >= self.settings.group_quota:
            message = (
                "The number of user hierarchy groups exceeds the limit of "
                f"{self.settings.group_quota} for this instance"
            )
            raise LimitExceededException(message)
        group_id = self.new_id()
        group = Group(
            id=group_id,
            arn=f"{self._get_instance_or_raise(instance_id).arn}/agent-group/{group_id}",
            name=name,
            last_modified=self._clock.now(),
            region=self.region_name,
            level_id=level_id,
            parent_id=parent_id,
            tags=dict(tags or {}),
        )
        contents.groups.put(group_id, group)
        return self._placed(group, contents.groups.rows())

    @_locked
    def describe_user_hierarchy_group(
        self, instance_id: str, hierarchy_group_id: str
    ) -> PlacedGroup:
        """One group with its path."""
        contents = self._inside(instance_id)
        group = self._visible(contents.groups, hierarchy_group_id)
        return self._placed(group, contents.groups.rows(self._read_as_of))

    @_locked
    def update_user_hierarchy_group_name(
        self, instance_id: str, hierarchy_group_id: str, name: str
    ) -> None:
        """Rename a group in place: id and ARN stay.

        Raises:
            DuplicateResourceException: if the name is taken.
        """
        contents = self._inside(instance_id)
        check_name("name", name, MAX_GROUP_NAME, self.settings.name_pattern)
        group = self._existing(contents.groups, hierarchy_group_id)
        self._check_group_name_free(contents, name, group.parent_id, group.id)
        contents.groups.put(group.id, replace(group, name=name, last_modified=self._clock.now()))

    def _check_group_name_free(
        self, contents: _Contents, name: str, parent_id: str | None, own_id: str | None
    ) -> None:
        anywhere = self.settings.duplicate_scope is DuplicateScope.INSTANCE
        for group in contents.groups.rows().values():
            if group.name != name or group.id == own_id:
                continue
            if anywhere or group.parent_id == parent_id:
                message = f"A hierarchy group with the name {name} already exists"
                raise DuplicateResourceException(message)

    @_locked
    def delete_user_hierarchy_group(self, instance_id: str, hierarchy_group_id: str) -> None:
        """Delete a group that is empty.

        Raises:
            ResourceInUseException: if it has agents or groups below it; names one of them.
        """
        contents = self._inside(instance_id)
        group = self._existing(contents.groups, hierarchy_group_id)
        # a group that was emptied too recently is still in use
        for as_of in (None, self._read_as_of):
            for user in contents.users.rows(as_of).values():
                if user.hierarchy_group_id == group.id:
                    message = "The hierarchy group is in use: it has users"
                    raise self._in_use(message, "USER", user)
            for child in contents.groups.rows(as_of).values():
                if child.parent_id == group.id:
                    message = "The hierarchy group is in use: it has child hierarchy groups"
                    raise self._in_use(message, "HIERARCHY_GROUP", child)
            if not self.settings.security_profile_blocks_group_deletion:
                continue
            for profile in contents.security_profiles.rows(as_of).values():
                if profile.hierarchy_group_id == group.id:
                    # the model has no resource type for security profiles
                    message = f"The hierarchy group is in use by security profile {profile.id}"
                    raise self._in_use(message, "HIERARCHY_GROUP", group)
        contents.groups.remove(group.id)

    @_locked
    def list_user_hierarchy_groups(self, instance_id: str) -> list[Group]:
        """All groups in the order of their ids."""
        return _by_id(self._inside(instance_id).groups.rows(self._read_as_of))

    @_locked
    def search_user_hierarchy_groups(
        self,
        instance_id: str,
        search_criteria: Mapping[str, Any] | None = None,
        search_filter: Mapping[str, Any] | None = None,
    ) -> list[PlacedGroup]:
        """The groups that match, and the hidden root if it does, in the order of their ids."""
        contents = self._inside(instance_id)
        root = contents.root
        matches = search.criteria(
            self._with_ids(search_criteria, ("parentId", "resourceID")),
            search.group_fields(root.id),
        )
        passes = search.group_filter(search_filter)
        groups = contents.groups.rows(self._search_as_of)
        found = [group for group in groups.values() if matches(group) and passes(group)]
        if self.settings.search_shows_root and matches(root) and passes(root):
            found.append(root)
        found.sort(key=lambda group: group.id)
        return [self._placed(group, groups) for group in found]

    # users

    @_locked
    def create_user(
        self,
        instance_id: str,
        username: str,
        *,
        hierarchy_group_id: str | None = None,
        security_profile_ids: Sequence[str] = (),
        routing_profile_id: str | None = None,
        phone_config: Mapping[str, Any] | None = None,
        identity_info: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> User:
        """Create a user; profiles are not looked up.

        Args:
            instance_id: of the instance.
            username: 1 to 100 characters.
            hierarchy_group_id: the agent's group; none, or an empty one, for no group.
            security_profile_ids: what DescribeUser answers.
            routing_profile_id: what DescribeUser answers.
            phone_config: what DescribeUser answers.
            identity_info: what DescribeUser answers.
            tags: at most 50, besides `aws:` ones.
            attributes: further members of the request, as the API names them.

        Raises:
            DuplicateResourceException: if the name is taken.
        """
        contents = self._inside(instance_id)
        check_length("username", username, 1, _MAX_USERNAME)
        check_tags(tags or {}, self.settings.tag_value_pattern)
        group = None
        if hierarchy_group_id:
            group = self._existing(contents.groups, hierarchy_group_id)
        if username in contents.usernames:
            message = f"A user with the username {username} already exists"
            raise DuplicateResourceException(message)
        stated = {
            **(attributes or {}),
            "SecurityProfileIds": list(security_profile_ids),
            "RoutingProfileId": routing_profile_id,
            "PhoneConfig": phone_config,
            "IdentityInfo": identity_info,
        }
        user_id = self.new_id()
        user = User(
            id=user_id,
            arn=f"{self._get_instance_or_raise(instance_id).arn}/agent/{user_id}",
            name=username,
            last_modified=self._clock.now(),
            region=self.region_name,
            hierarchy_group_id=group.id if group else None,
            attributes={key: value for key, value in stated.items() if value is not None},
            tags=dict(tags or {}),
        )
        contents.users.put(user_id, user)
        contents.usernames.add(username)
        return user

    @_locked
    def describe_user(self, instance_id: str, user_id: str) -> User:
        """One user."""
        return self._visible(self._inside(instance_id).users, user_id)

    @_locked
    def list_users(self, instance_id: str) -> list[User]:
        """All users in the order of their ids."""
        return _by_id(self._inside(instance_id).users.rows(self._read_as_of))

    @_locked
    def delete_user(self, instance_id: str, user_id: str) -> None:
        """Delete a user."""
        contents = self._inside(instance_id)
        user = self._existing(contents.users, user_id)
        contents.users.remove(user.id)
        contents.usernames.remove(user.username)

    @_locked
    def update_user_hierarchy(
        self, instance_id: str, user_id: str, hierarchy_group_id: str | None = None
    ) -> None:
        """Move an agent to a group; without one, or with an empty one, out of its group."""
        contents = self._inside(instance_id)
        user = self._existing(contents.users, user_id)
        group_id = None
        if hierarchy_group_id:
            group_id = self._existing(contents.groups, hierarchy_group_id).id
        contents.users.put(
            user.id, replace(user, hierarchy_group_id=group_id, last_modified=self._clock.now())
        )

    @_locked
    def search_users(
        self,
        instance_id: str,
        search_criteria: Mapping[str, Any] | None = None,
        search_filter: Mapping[str, Any] | None = None,
    ) -> list[User]:
        """The users that match, in the order of their ids."""
        contents = self._inside(instance_id)
        groups = contents.groups.rows(self._search_as_of)

        def in_group(condition: Mapping[str, Any]) -> Callable[[User], bool]:
            wanted = {self._search_id(condition.get("Value", ""))}
            match_type = condition.get("HierarchyGroupMatchType", "EXACT")
            if match_type == "WITH_CHILD_GROUPS":
                wanted |= {
                    group.id
                    for group in groups.values()
                    if any(above.id in wanted for above in _ancestors(group, groups))
                }
            elif match_type != "EXACT":
                message = f"Invalid HierarchyGroupMatchType {match_type!r}"
                raise InvalidParameterException(message)
            return lambda user: user.hierarchy_group_id in wanted

        matches = search.criteria(search_criteria, search.USER_FIELDS, in_group)
        passes = search.user_filter(search_filter, in_group)
        users = _by_id(contents.users.rows(self._search_as_of))
        return [user for user in users if matches(user) and passes(user)]

    @_locked
    def get_current_user_data(
        self,
        instance_id: str,
        hierarchy_group_ids: Sequence[str] | None = None,
        user_ids: Sequence[str] | None = None,
    ) -> list[User]:
        """The users of a group, or some of the instance, in the order of their ids.

        Args:
            instance_id: of the instance.
            hierarchy_group_ids: one group, by its id or ARN.
            user_ids: of users.

        Raises:
            InvalidParameterException: for more than one group, since the API takes one.
            InvalidRequestException: without any filter, since the API needs one.
        """
        if not (hierarchy_group_ids or user_ids):
            message = "At least one filter must be specified"
            raise InvalidRequestException(message)
        if hierarchy_group_ids and len(hierarchy_group_ids) > 1:
            reject("filters.userHierarchyGroups", "have length less than or equal to 1")
        contents = self._inside(instance_id)
        wanted = {self._visible(contents.groups, i).id for i in hierarchy_group_ids or ()}
        return [
            user
            for user in _by_id(contents.users.rows(self._read_as_of))
            if (not wanted or user.hierarchy_group_id in wanted)
            and (not user_ids or user.id in user_ids)
        ]

    # security profiles

    @_locked
    def create_security_profile(
        self,
        instance_id: str,
        security_profile_name: str,
        *,
        allowed_access_control_hierarchy_group_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> SecurityProfile:
        """Create a security profile.

        Args:
            instance_id: of the instance.
            security_profile_name: 1 to 127 characters.
            allowed_access_control_hierarchy_group_id: a group's id; an ARN is refused.
            tags: at most 50, besides `aws:` ones.
            attributes: further members of the request, as the API names them.

        Raises:
            DuplicateResourceException: if the name is taken.
        """
        contents = self._inside(instance_id)
        check_length("securityProfileName", security_profile_name, 1, _MAX_PROFILE_NAME)
        check_tags(tags or {}, self.settings.tag_value_pattern)
        group_id = self._profile_group_id(contents, allowed_access_control_hierarchy_group_id)
        profiles = contents.security_profiles
        if any(profile.name == security_profile_name for profile in profiles.rows().values()):
            message = f"A security profile with the name {security_profile_name} already exists"
            raise DuplicateResourceException(message)
        profile_id = self.new_id()
        instance_arn = self._get_instance_or_raise(instance_id).arn
        profile = SecurityProfile(
            id=profile_id,
            arn=f"{instance_arn}/security-profile/{profile_id}",
            name=security_profile_name,
            last_modified=self._clock.now(),
            region=self.region_name,
            hierarchy_group_id=group_id,
            attributes=dict(attributes or {}),
            tags=dict(tags or {}),
        )
        profiles.put(profile_id, profile)
        return profile

    @_locked
    def describe_security_profile(
        self, instance_id: str, security_profile_id: str
    ) -> SecurityProfile:
        """One security profile."""
        return self._visible(self._inside(instance_id).security_profiles, security_profile_id)

    @_locked
    def list_security_profiles(self, instance_id: str) -> list[SecurityProfile]:
        """All security profiles in the order of their ids."""
        return _by_id(self._inside(instance_id).security_profiles.rows(self._read_as_of))

    @_locked
    def update_security_profile(
        self,
        instance_id: str,
        security_profile_id: str,
        *,
        allowed_access_control_hierarchy_group_id: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the given values and leave the others; an empty group id removes the limit."""
        contents = self._inside(instance_id)
        profile = self._existing(contents.security_profiles, security_profile_id)
        group_id = profile.hierarchy_group_id
        if allowed_access_control_hierarchy_group_id is not None:
            group_id = self._profile_group_id(contents, allowed_access_control_hierarchy_group_id)
        changed = replace(
            profile,
            hierarchy_group_id=group_id,
            attributes={**profile.attributes, **(attributes or {})},
            last_modified=self._clock.now(),
        )
        contents.security_profiles.put(profile.id, changed)

    @_locked
    def delete_security_profile(self, instance_id: str, security_profile_id: str) -> None:
        """Delete a security profile.

        Raises:
            ResourceInUseException: if a user has it.
        """
        contents = self._inside(instance_id)
        profile = self._existing(contents.security_profiles, security_profile_id)
        for user in contents.users.rows().values():
            if profile.id in user.attributes.get("SecurityProfileIds", ()):
                message = "The security profile is in use: it is assigned to users"
                raise self._in_use(message, "USER", user)
        contents.security_profiles.remove(profile.id)

    def _profile_group_id(self, contents: _Contents, group_id: str | None) -> str | None:
        if not group_id:
            return None
        if group_id.startswith("arn:"):
            reject("allowedAccessControlHierarchyGroupId", "be an identifier")
        return self._existing(contents.groups, group_id).id

    # tags

    @_locked
    def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> None:
        """Add tags to an instance, group, user or security profile, or change their values.

        Raises:
            InvalidParameterException: if there would be more than 50, `aws:` ones aside.
            ResourceNotFoundException: if nothing that takes tags has this ARN.
        """
        self._retag(resource_arn, lambda present: {**present, **tags})

    @_locked
    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> None:
        """Remove tags; missing ones are ignored."""
        gone = set(tag_keys)
        self._retag(
            resource_arn,
            lambda present: {key: value for key, value in present.items() if key not in gone},
        )

    @_locked
    def list_tags_for_resource(self, resource_arn: str) -> dict[str, str]:
        """The tags that an answer shows."""
        instance, table = self._tag_target(resource_arn)
        if table is None:
            return self._shown(instance.tags)
        return self._shown(self._visible(table, resource_arn).tags)

    def _retag(
        self, resource_arn: str, change: Callable[[Mapping[str, str]], dict[str, str]]
    ) -> None:
        instance, table = self._tag_target(resource_arn)
        row = None if table is None else self._existing(table, resource_arn)
        tags = change(instance.tags if row is None else row.tags)
        check_tags(tags, self.settings.tag_value_pattern)
        if table is None or row is None:
            self._set_instance_tags(instance, tags)
        else:
            table.put(row.id, replace(row, tags=tags))

    def _tag_target(self, resource_arn: str) -> tuple[Instance, Table[Any] | None]:
        """The instance that an ARN names or belongs to, and in the latter case rows of its kind.

        The rows have different types, all with tags.
        """
        instance_arn, *rest = resource_arn.split("/")
        if not rest:
            raise ResourceNotFoundException
        instance = self._get_instance_or_raise(f"{instance_arn}/{rest[0]}")
        contents = self._contents[instance.id]
        tables: dict[str, Table[Any]] = {
            "agent-group": contents.groups,
            "agent": contents.users,
            "security-profile": contents.security_profiles,
        }
        match rest[1:]:
            case []:
                return instance, None
            case [kind, _] if kind in tables:
                return instance, tables[kind]
        raise ResourceNotFoundException

    def _set_instance_tags(self, instance: Instance, tags: Mapping[str, str]) -> None:
        instance.tags = dict(tags)
        self.tagger.delete_all_tags_for_resource(instance.arn)
        super().tag_resource(instance.arn, instance.tags)

    def shown_tags(self, row: User | SecurityProfile) -> Mapping[str, str]:
        """The tags of a row that an answer shows."""
        return self._shown(row.tags)

    def _shown(self, tags: Mapping[str, str]) -> dict[str, str]:
        everything = self.settings.aws_tags_returned
        return {
            key: value
            for key, value in tags.items()
            if everything or not key.startswith(AWS_PREFIX)
        }

    # the whole

    @_locked
    def hierarchy(self, instance_id: str) -> Hierarchy:
        """The present state: levels, groups with their paths, agents by group."""
        instance = self._get_instance_or_raise(instance_id)
        contents = self._contents[instance.id]
        levels, groups = contents.levels.rows(), contents.groups.rows()
        agents: dict[str | None, list[User]] = {}
        for user in sorted(contents.users.rows().values(), key=lambda user: user.username):
            agents.setdefault(user.hierarchy_group_id, []).append(user)
        return Hierarchy(
            instance_arn=instance.arn,
            levels=tuple(levels[level_id] for level_id in sorted(levels)),
            groups={group.id: self._placed(group, groups) for group in groups.values()},
            agents={group_id: tuple(users) for group_id, users in agents.items()},
        )

    # finding things

    def _get_instance_or_raise(self, instance_id: str) -> Instance:
        instance = self.instances.get(instance_id.rsplit("/", 1)[-1])
        if instance is None or instance_id not in (instance.id, instance.arn):
            message = f"The specified instance does not exist: {instance_id}"
            raise ResourceNotFoundException(message)
        return instance

    def _inside(self, instance_id: str) -> _Contents:
        return self._contents[self._get_instance_or_raise(instance_id).id]

    def _visible(self, table: Table[R], reference: str) -> R:
        """The row that a reader sees under this id or ARN."""
        key = reference.rsplit("/", 1)[-1]
        row = table.get(key, self._read_as_of)
        if row is None or reference not in (key, row.arn):
            message = f"The specified resource was not found: {reference}"
            raise ResourceNotFoundException(message)
        return row

    def _existing(self, table: Table[R], reference: str) -> R:
        """The present row, if it exists now and at the time that readers see."""
        key = self._visible(table, reference).id
        row = table.get(key)
        if row is None:
            message = f"The specified resource was not found: {reference}"
            raise ResourceNotFoundException(message)
        return row

    def _placed(self, group: Group, groups: Mapping[str, Group]) -> PlacedGroup:
        ancestors = list(_ancestors(group, groups))[:0:-1]
        return PlacedGroup(group, tuple(ancestors), self._shown(group.tags))

    def _in_use(self, message: str, resource_type: str, row: Row) -> ResourceInUseException:
        name = row.arn if self.settings.in_use_names_arn else row.id
        return ResourceInUseException(message, resource_type, name)

    def _search_id(self, value: str) -> str:
        if self.settings.search_accepts_arns and value.startswith("arn:"):
            return value.rsplit("/", 1)[-1]
        return value

    def _with_ids(
        self, expression: Mapping[str, Any] | None, fields: Sequence[str]
    ) -> dict[str, Any]:
        """The criteria with ids in place of ARNs in these fields, if ARNs are accepted."""
        changed = dict(expression or {})
        for key in ("AndConditions", "OrConditions"):
            if key in changed:
                changed[key] = [self._with_ids(part, fields) for part in changed[key]]
        condition = changed.get("StringCondition")
        if condition is not None and condition.get("FieldName") in fields:
            changed["StringCondition"] = {
                **condition,
                "Value": self._search_id(condition.get("Value", "")),
            }
        return changed


def _by_id(rows: Mapping[str, R]) -> list[R]:
    # ids do not show age or place, and neither does the order of the service's answers
    return [rows[key] for key in sorted(rows)]


def _ancestors(group: Group, groups: Mapping[str, Group]) -> Iterator[Group]:
    """The group itself, its parent, and so on upwards."""
    step: Group | None = group
    while step is not None:
        yield step
        step = groups.get(step.parent_id) if step.parent_id else None
