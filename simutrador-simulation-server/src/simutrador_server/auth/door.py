"""`Door`: a key for a token, a token for a user. Keys and tokens are the service kit's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Final

from simutrador_core.errors import SimutradorError
from simutrador_server.auth.user import User, user_of
from simutrador_server.core.settings import Settings
from simutrador_service.auth.accounts import Accounts, open_accounts
from simutrador_service.auth.exchange import Exchanged, token_for_key
from simutrador_service.auth.exposure import is_loopback, write_first_key
from simutrador_service.auth.keys import KeyStore
from simutrador_service.auth.tokens import TokenError, TokenFault, Tokens
from simutrador_service.config import AuthSection
from simutrador_service.database import KIT, Database
from simutrador_service.database.base import utc_now

ISSUER: Final = "simutrador-server"
AUDIENCE: Final = "simutrador-client"
TRADE: Final = "simulations:write"
SCOPES: Final = ("simulations:read", TRADE)
"""What a key of the venue may do unless it is made for something else."""


class CloseCode(IntEnum):
    """Why the venue closes a connection."""

    NORMAL = 1000
    TIME_OVER = 4000
    MISSING_TOKEN = 4001
    INVALID_TOKEN = 4002
    EXPIRED_TOKEN = 4003


_CLOSE_CODES: Final = {
    TokenFault.MISSING: CloseCode.MISSING_TOKEN,
    TokenFault.INVALID: CloseCode.INVALID_TOKEN,
    TokenFault.EXPIRED: CloseCode.EXPIRED_TOKEN,
}


class NotAdmittedError(SimutradorError):
    """A token proves nothing; `close_code` says why. The token is never in the text."""

    code = "invalid_token"

    def __init__(self, message: str, close_code: CloseCode) -> None:
        super().__init__(message)
        self.close_code = close_code


@dataclass(frozen=True, slots=True)
class Visit:
    """What a valid token says: who, and until when."""

    user: User
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Door:
    """Lets users in.

    Attributes:
        keys: Who may get a token.
        tokens: Issues and verifies them.
        lifetime_s: Seconds a token is valid.
    """

    keys: KeyStore
    tokens: Tokens
    lifetime_s: int = 3600

    async def exchange(self, key: str) -> Exchanged:
        """Return a token for a key; it ends with the key.

        Raises:
            UnauthenticatedError: the key does not hold.
        """
        return await asyncio.to_thread(
            token_for_key, key, keys=self.keys, tokens=self.tokens, lifetime_s=self.lifetime_s
        )

    async def admit(self, token: str) -> Visit:
        """Return whom a token stands for.

        Raises:
            NotAdmittedError: it is absent, wrong, for somebody else, expired, revoked, or may not
                trade.
        """
        try:
            grant = await asyncio.to_thread(self.tokens.grant, token)
        except TokenError as e:
            raise NotAdmittedError(
                f"{e}; POST /auth/token gives one for an API key", _CLOSE_CODES[e.fault]
            ) from None
        if not grant.principal.may(TRADE):
            raise NotAdmittedError(
                f"the key lacks the scope {TRADE}; make one: simutrador-server keys create USER",
                CloseCode.INVALID_TOKEN,
            )
        return Visit(user_of(grant.principal), grant.expires_at)


@contextmanager
def opened_accounts(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now
) -> Generator[Accounts]:
    """Yield the keys and tokens that the settings name; their database is made when absent.

    Raises:
        SettingsError: the database or the signing key cannot be used.
    """
    folder = settings.venue.data_path.expanduser().absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    signing = AuthSection(jwt_secret=settings.venue.jwt_secret_key)
    database = Database(settings.database_url)
    try:
        KIT.upgrade(database)
        accounts = open_accounts(
            database, signing, data=folder, issuer=ISSUER, audience=AUDIENCE, clock=clock
        )
        try:
            yield accounts
        finally:
            accounts.close()
    finally:
        database.close()


@contextmanager
def opened_door(settings: Settings) -> Generator[Door]:
    """Yield the door of a venue; the first key is written when others can reach it and none works.

    Raises:
        SettingsError: the database or the signing key cannot be used.
    """
    with opened_accounts(settings) as accounts:
        if not is_loopback(settings.venue.host):
            write_first_key(accounts.keys, Path(settings.venue.data_path).expanduser().absolute())
        yield Door(accounts.keys, accounts.tokens, settings.venue.token_lifetime_s)
