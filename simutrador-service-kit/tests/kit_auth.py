"""What the tests of auth share: a clock that is set by hand, and tokens forged by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher

from simutrador_service.auth.passwords import Passwords

SECRET = "0123456789abcdef0123456789abcdef"
START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


def quick_passwords() -> Passwords:
    """Return a hasher for tests that are not about hashing: the real one takes 100 ms."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))


class Clock:
    """Tells the time it was set to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


def claims(**changes: Any) -> dict[str, Any]:
    """Return what a token of the kit says at START; None takes a claim away."""
    at = int(START.timestamp())
    whole = {
        "sub": "u1",
        "user_id": "u1",
        "scopes": ["*:read"],
        "type": "access",
        "jti": "0" * 32,
        "iat": at,
        "nbf": at,
        "exp": at + 900,
        "iss": "simutrador",
        "aud": "simutrador",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def forge(payload: Any, *, secret: str = SECRET, **header: Any) -> str:
    """Return a token signed by hand after RFC 7515, with nothing of the kit."""
    head = {"alg": "HS256", "typ": "JWT", **header}
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = b".".join((_url64(json.dumps(head).encode()), _url64(body)))
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return b".".join((signed, _url64(digest))).decode()


def unsigned(payload: dict[str, Any]) -> str:
    """Return a token that says it needs no signature."""
    head = _url64(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    return b".".join((head, _url64(json.dumps(payload).encode()), b"")).decode()


def _url64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
