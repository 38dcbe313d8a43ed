"""`Tokens`: signed, short-lived proof of who speaks (JWT, HS256 and nothing else)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import jwt
from pydantic import SecretStr

from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.principal import Principal
from simutrador_service.auth.revocations import Revocations
from simutrador_service.database.base import utc_now
from simutrador_service.errors import SettingsError, UnauthenticatedError

ISSUER: Final = "simutrador"
AUDIENCE: Final = "simutrador"
ACCESS_S: Final = 900
LEAST_SECRET_BYTES: Final = 32
MAX_TOKEN: Final = 4_096
LEEWAY_S: Final = 30
_ALGORITHM: Final = "HS256"
_REQUIRED: Final = ("sub", "jti", "iat", "exp", "iss", "aud")
# PyJWT's types name an optional library that is not installed: what comes from it is `Any`.
_jwt: Final[Any] = jwt


class TokenFault(StrEnum):
    """What a client can do about a token: bring one, correct it, or get a new one."""

    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"


class TokenError(UnauthenticatedError):
    """A token proves nothing; `fault` says why. The token is never in the text."""

    def __init__(self, message: str, *, fault: TokenFault) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token says.

    Attributes:
        principal: Who; its `credential` is the token's id.
        expires_at: Until when, without leeway.
        family: The log-in it comes from, or the key it was given for, by its public half.
    """

    principal: Principal
    expires_at: datetime
    family: str | None = None


class Tokens:
    """Issues tokens and verifies them; a verifier of the `Authenticator`."""

    def __init__(
        self,
        secret: SecretStr,
        *,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        revocations: Revocations | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Sign with `secret`.

        Args:
            secret: At least 32 bytes; services that share it, issuer and audience trust each
                other's tokens.
            issuer: Who issues, in every token.
            audience: For whom, unless `issue` says otherwise; only such tokens are accepted.
            revocations: Tokens taken back before their time; None where none ever is.
            clock: Tells the time tokens are judged by.

        Raises:
            SettingsError: `secret` is too short.
        """
        length = len(secret.get_secret_value().encode())
        if length < LEAST_SECRET_BYTES:
            raise SettingsError(
                f"AUTH__JWT_SECRET has {length} bytes, it needs at least {LEAST_SECRET_BYTES}; "
                "leave it out to have one made",
                field="jwt_secret",
            )
        self.issuer: Final = issuer
        self.audience: Final = audience
        self._secret = secret
        self._revocations = revocations
        self._clock = clock

    def issue(
        self,
        principal: Principal,
        *,
        audience: str | None = None,
        lifetime_s: int = ACCESS_S,
        family: str | None = None,
    ) -> str:
        """Return a new token.

        Args:
            principal: Who it speaks for.
            audience: For whom; this service itself where none is given.
            lifetime_s: Seconds it is valid, at most a day.
            family: The log-in, or the key's public half, whose end is also the token's.
        """
        now = int(self._clock().timestamp())
        claims: dict[str, object] = {
            "sub": principal.id,
            "user_id": principal.id,
            "plan": principal.plan,
            "tenant": principal.tenant,
            "scopes": sorted(principal.scopes),
            "type": "access",
            "jti": secrets.token_hex(16),
            "fam": family,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
            "iss": self.issuer,
            "aud": audience or self.audience,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        return _jwt.encode(said, self._secret.get_secret_value(), algorithm=_ALGORITHM)

    def grant(self, token: str) -> Grant:
        """Return what a token grants now; may wait for the database.

        Raises:
            TokenError: it is absent, wrong, for somebody else, expired or revoked.
        """
        granted = self._read(token)
        if self._revocations is not None and self._revocations.hold(_names(granted)):
            raise TokenError("the token was revoked; log in again", fault=TokenFault.INVALID)
        return granted

    def recognises(self, credential: str) -> bool:
        """Return whether this has the shape of a token; it is the largest that is looked into."""
        return credential.count(".") == 2 and len(credential) <= MAX_TOKEN

    def recall(self, credential: str) -> Principal | None:
        """Return who a token stands for, None where the database must be asked or it is wrong."""
        if self._revocations is not None and not self._revocations.are_fresh():
            return None
        try:
            return self.grant(credential).principal
        except TokenError:
            return None

    def verify(self, credential: str) -> Principal:
        """Return who a token stands for.

        Raises:
            TokenError: it does not hold.
        """
        return self.grant(credential).principal

    def _read(self, token: str) -> Grant:
        if not token.strip():
            raise TokenError("a token is required; log in first", fault=TokenFault.MISSING)
        try:
            claims = self._claims(token)
            granted = _to_grant(claims)
            starts = max(_instant(claims["iat"]), _instant(claims.get("nbf", 0)))
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
            raise TokenError(
                "the token does not hold; log in again", fault=TokenFault.INVALID
            ) from None
        now = self._clock().timestamp()
        if granted.expires_at.timestamp() + LEEWAY_S <= now:
            raise TokenError("the token has expired; get a new one", fault=TokenFault.EXPIRED)
        if starts > now + LEEWAY_S:
            raise TokenError("the token is not valid yet", fault=TokenFault.INVALID)
        return granted

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN:
            raise ValueError("too large")
        # A key id in the header is never read: there is one key. Times are judged by our clock.
        options: Any = {
            "require": list(_REQUIRED),
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        }
        return _jwt.decode(
            token,
            self._secret.get_secret_value(),
            algorithms=[_ALGORITHM],
            issuer=self.issuer,
            audience=self.audience,
            options=options,
        )


def _to_grant(claims: dict[str, Any]) -> Grant:
    scopes: list[object] = claims.get("scopes", [])
    if claims.get("type") != "access" or type(scopes) is not list:
        raise ValueError("not an access token")
    plan = claims.get("plan")
    principal = Principal(
        id=_text(claims["sub"]),
        scopes=frozenset(_text(scope) for scope in scopes),
        plan=None if plan is None else UserPlan(plan),
        credential=_text(claims["jti"]),
    )
    tenant, family = claims.get("tenant"), claims.get("fam")
    return Grant(
        replace(principal, tenant=None if tenant is None else _text(tenant)),
        datetime.fromtimestamp(_instant(claims["exp"]), tz=UTC),
        None if family is None else _text(family),
    )


def _names(grant: Grant) -> tuple[str, ...]:
    return tuple(name for name in (grant.principal.credential, grant.family) if name is not None)


def _instant(value: object) -> int:
    """Return seconds since the epoch; a float or text is not one of ours."""
    if type(value) is not int or not 0 <= value < 2**33:
        raise ValueError("not an instant")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
