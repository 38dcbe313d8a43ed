"""Passwords: what one must be, and Argon2 in threads of its own."""

from __future__ import annotations

import unicodedata
from functools import cached_property
from secrets import token_hex
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from simutrador_core.errors import InputError

SHORTEST: Final = 12
LONGEST: Final = 256
_AT_ONCE: Final = 4
_LEAST_DIFFERENT: Final = 4
_LEAST_NAME: Final = 4  # a shorter one stands in many good passwords


def check_password(password: str, *, name: str) -> None:
    """Refuse a password that is easily guessed or absurdly long.

    Raises:
        InputError: it is.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"a password has {SHORTEST} to {LONGEST} characters, this one has {len(password)}",
            field="password",
        )
    named = len(name) >= _LEAST_NAME and name.casefold() in password.casefold()
    if named or len(set(password)) < _LEAST_DIFFERENT:
        raise InputError(
            "the password is too easy to guess; take several words without the name",
            field="password",
        )


class Passwords:
    """Hashes passwords and compares them, four at once: each takes 100 ms and 64 MiB."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Hash as RFC 9106 advises where memory is scarce: 64 MiB, 3 passes, 4 lanes."""
        self._hasher = hasher or PasswordHasher()
        self._turns = BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        with self._turns:
            return self._hasher.hash(_normal(password))

    def fits(self, kept: str | None, password: str) -> bool:
        """Return whether this is the password; as slow where there is none (`kept` is None)."""
        try:
            with self._turns:
                fits = self._hasher.verify(kept or self._nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return fits and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Return whether it was hashed with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(token_hex())


def _normal(password: str) -> bytes:
    # The same characters may come composed or not, as keyboards differ.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
