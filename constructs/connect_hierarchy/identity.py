"""Which Connect instance an ARN means, also while it is still a token."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from aws_cdk import Reference, Stack, Token, Tokenization
from constructs import IConstruct

_HASH_LENGTH = 12
_MARK_OF_THE_CDK = "${Token["


def is_token(value: str) -> bool:
    """Whether a text has a token in it; the CDK is asked only where it can have one.

    Every text that the CDK writes for a token begins with the same mark, and asking is a call into
    JavaScript.
    """
    return _MARK_OF_THE_CDK in value and Token.is_unresolved(value)


_DUMMY_OF_A_LOOKUP = "dummy-value-for-"
_DYNAMIC_REFERENCE = "{{resolve:"


def is_dynamic_reference(value: str) -> bool:
    """Whether a text has a reference in it that CloudFormation resolves after its functions."""
    return _DYNAMIC_REFERENCE in value


def is_known_later(value: str) -> bool:
    """Whether a text says only later what it will be, so that it cannot be checked as it stands.

    That is a token, a dynamic reference, and what `value_from_lookup` gives before the CDK has
    looked the value up.
    """
    return value.startswith(_DUMMY_OF_A_LOOKUP) or is_dynamic_reference(value) or is_token(value)


@dataclass(frozen=True)
class Identity:
    """What a string will be: equal for two strings that are surely the same when deployed.

    A literal is itself. A token is what it resolves to, in the stacks that own what it refers to:
    two stacks can hold different resources under one logical id.
    """

    text: str
    owners: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: str, scope: IConstruct) -> Identity:
        """The identity of a string that is used in `scope`."""
        if not is_token(value):
            return cls(value)
        stack = Stack.of(scope)
        owners = [
            Stack.of(token.target)
            for token in Tokenization.reverse_string(value).tokens
            if isinstance(token, Reference)
        ] or [stack]
        text = json.dumps(owners[0].resolve(value), sort_keys=True)
        return cls(text, tuple(sorted({owner.node.path for owner in owners})))

    def hash_in(self, stack: Stack) -> str:
        """A short name for use in a construct id of `stack`, stable between deployments.

        Another stack counts in, its logical ids can be the same as ours; the own one does not, so
        that the name survives when the stack is moved within the app.
        """
        others = [owner for owner in self.owners if owner != stack.node.path]
        text = json.dumps([self.text, *others])
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


@dataclass(frozen=True)
class Instance:
    """A Connect instance as its structure knows it.

    Attributes:
        arn: The ARN as the app gave it. Never an attribute of our own structure: what the
            structure waits for can refer to this.
        identity: What `arn` will be.
        home: The stack where `arn` was given.
    """

    arn: str
    identity: Identity
    home: Stack
