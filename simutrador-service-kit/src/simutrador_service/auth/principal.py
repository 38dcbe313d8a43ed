"""Who speaks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from simutrador_core.errors import InputError
from simutrador_core.models.enums import UserPlan

EVERYTHING: Final = "*"
SELF: Final = "self"
"""Topic of what everybody may do who is known: `self:read`, `self:write`."""
_MAX_SCOPE: Final = 64


class Role(StrEnum):
    """What a user is to the service."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"


ROLE_SCOPES: Final = {
    Role.VIEWER: frozenset({"*:read", "keys:write"}),  # keys for themselves that can only read
    Role.TRADER: frozenset({"*:read", "*:write"}),
    Role.ADMIN: frozenset({EVERYTHING}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who speaks.

    Attributes:
        id: The user, also where a key of theirs speaks: what they own belongs to this id.
        scopes: What they may do, each `topic:action`; `*` stands for every topic or action.
        plan: What they have subscribed to; None where plans do not matter.
        tenant: Whose data they see, where one service serves several; None elsewhere.
        credential: The key's public half, or the token's id; limits are counted by it.
    """

    id: str
    scopes: frozenset[str]
    plan: UserPlan | None = None
    tenant: str | None = None
    credential: str | None = None

    def may(self, scope: str) -> bool:
        """Return whether the scopes allow this one."""
        if scope in self.scopes or EVERYTHING in self.scopes:
            return True
        topic, _, action = scope.partition(":")
        if topic == SELF:
            return True
        return f"{topic}:*" in self.scopes or f"*:{action}" in self.scopes


LOCAL: Final = Principal("local", frozenset({EVERYTHING}))
"""Whoever speaks to a service that is open on loopback."""


def check_scope(scope: str) -> str:
    """Return a scope that is well formed: `topic:action`, `*` for either, or `*` alone.

    Raises:
        InputError: it is not.
    """
    parts = scope.split(":")
    words = all(part == "*" or part.replace("-", "_").isidentifier() for part in parts)
    right = scope == EVERYTHING or (len(parts) == 2 and words and scope != "*:*")
    if not right or len(scope) > _MAX_SCOPE or not scope.isascii():
        raise InputError(
            f"{scope[:_MAX_SCOPE]!r} is no scope; write topic:action, for instance bars:read, or *",
            field="scopes",
        )
    return scope
