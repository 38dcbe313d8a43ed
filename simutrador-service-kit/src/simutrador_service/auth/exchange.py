"""A key for a token: what a client of the venue does first."""

from __future__ import annotations

from dataclasses import dataclass, field

from simutrador_service.auth.errors import UnknownKeyError
from simutrador_service.auth.keys import KeyStore
from simutrador_service.auth.principal import Principal
from simutrador_service.auth.tokens import Tokens
from simutrador_service.errors import UnauthenticatedError


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A token given for a key.

    Attributes:
        token: To show from now on.
        expires_in_s: Seconds it is valid.
        principal: Whose key it was.
    """

    token: str = field(repr=False)
    expires_in_s: int
    principal: Principal


def token_for_key(credential: str, *, keys: KeyStore, tokens: Tokens, lifetime_s: int) -> Exchanged:
    """Return a token that may what the key may; it ends with the key, revoked or expired.

    Raises:
        UnauthenticatedError: the key does not hold.
    """
    if not keys.recognises(credential):
        raise UnauthenticatedError("this needs an API key; send one in X-API-Key")
    principal = keys.verify(credential)
    try:
        kept = keys.get(credential)
    except UnknownKeyError:
        raise UnauthenticatedError("the key does not hold; ask for a new one") from None
    if kept.expires_at is not None:
        left = int((kept.expires_at - keys.clock()).total_seconds())
        lifetime_s = max(1, min(lifetime_s, left))
    token = tokens.issue(principal, lifetime_s=lifetime_s, family=kept.prefix)
    return Exchanged(token, lifetime_s, principal)
