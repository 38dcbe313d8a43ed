"""Errors of accounts; those of credentials stand in `simutrador_service.errors`.

ServiceError
├── UnknownKeyError    404  no such key, or it belongs to somebody else
└── UnknownUserError   404  no such user
"""

from __future__ import annotations

from typing import ClassVar

from simutrador_service.errors import ServiceError


class UnknownKeyError(ServiceError):
    """There is no such key, or it belongs to somebody else."""

    code: ClassVar[str] = "unknown_key"
    status: ClassVar[int] = 404

    def __init__(self, prefix: str) -> None:
        # Somebody may have given a whole key: what follows its public half is never shown.
        super().__init__(f"there is no key {prefix.partition('.')[0][:32]!r}; list those there are")


class UnknownUserError(ServiceError):
    """There is no such user."""

    code: ClassVar[str] = "unknown_user"
    status: ClassVar[int] = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no user {name[:100]!r}; list those there are")


__all__ = ["UnknownKeyError", "UnknownUserError"]
