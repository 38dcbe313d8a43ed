"""`Tokens`: signed, short-lived proof of who speaks. Pure: the time comes in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import jwt

from simutrador_core.errors import SimutradorError
from simutrador_core.models.enums import UserPlan
from simutrador_server.auth.keys import Principal, write_private

ISSUER: Final = "simutrador-server"
AUDIENCE: Final = "simutrador-client"
ALGORITHM: Final = "HS256"
SECRET_FILE: Final = "jwt-secret"  # noqa: S105 - the name of the file
# PyJWT's types name an optional library that is not installed: what comes from it is `Any`.
_jwt: Final[Any] = jwt
_CLAIMS: Final = ["sub", "user_id", "plan", "iat", "exp", "iss", "aud"]
_SECRET_BYTES: Final = 48
_LEEWAY_S: Final = 30


class CloseCode(IntEnum):
    """Why the venue closes a connection."""

    NORMAL = 1000
    MISSING_TOKEN = 4001
    INVALID_TOKEN = 4002
    EXPIRED_TOKEN = 4003
    TIME_OVER = 4000


class TokenError(SimutradorError):
    """A token proves nothing; `close_code` says why. The token is never in the text."""

    code = "invalid_token"

    def __init__(self, message: str, close_code: CloseCode) -> None:
        super().__init__(message)
        self.close_code = close_code


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token says: who, and until when."""

    principal: Principal
    expires_at: datetime


class Tokens:
    """Issues tokens and verifies them.

    Args:
        secret: At least 32 bytes.
        lifetime: How long a token is valid.
    """

    def __init__(self, secret: str, *, lifetime: timedelta) -> None:
        self.lifetime = lifetime
        self._secret = secret

    def issue(self, principal: Principal, *, now: datetime) -> str:
        """Return a new token."""
        claims = {
            "sub": principal.user_id,
            "user_id": principal.user_id,
            "plan": principal.plan.value,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "iss": ISSUER,
            "aud": AUDIENCE,
        }
        return _jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def verify(self, token: str, *, now: datetime) -> Grant:
        """Return what a token grants at `now`.

        Raises:
            TokenError: it is absent, wrong, for somebody else, or expired.
        """
        if not token.strip():
            raise TokenError(
                "a token is required; get one from POST /auth/token", CloseCode.MISSING_TOKEN
            )
        try:
            claims = self._claims(token)
            grant = Grant(
                Principal(str(claims["user_id"]), UserPlan(claims["plan"])),
                datetime.fromtimestamp(claims["exp"], tz=now.tzinfo),
            )
        except (jwt.InvalidTokenError, ValueError, OverflowError, OSError, TypeError) as e:
            raise TokenError("the token is invalid", CloseCode.INVALID_TOKEN) from e
        if grant.expires_at <= now:
            raise TokenError("the token has expired; get a new one", CloseCode.EXPIRED_TOKEN)
        if max(claims["iat"], claims.get("nbf", 0)) > now.timestamp() + _LEEWAY_S:
            raise TokenError("the token is not valid yet", CloseCode.INVALID_TOKEN)
        return grant

    def _claims(self, token: str) -> dict[str, Any]:
        # Times are judged by `now`, not by the library's own clock.
        options: Any = {
            "require": _CLAIMS, "verify_exp": False, "verify_iat": False, "verify_nbf": False,
        }  # fmt: skip
        return _jwt.decode(
            token,
            self._secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options=options,
        )


def load_secret(folder: Path) -> str:
    """Return the signing key of a data folder, made at random when there is none."""
    path = folder / SECRET_FILE
    if not path.is_file():
        write_private(path, secrets.token_urlsafe(_SECRET_BYTES))
    return path.read_text(encoding="utf-8").strip()
