"""`Accounts`: keys, users, tokens and the audit log of one service, wired together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from simutrador_service.auth.audit import Audit
from simutrador_service.auth.authenticator import Authenticator
from simutrador_service.auth.keys import KeyStore
from simutrador_service.auth.logins import Logins
from simutrador_service.auth.passwords import Passwords
from simutrador_service.auth.private_files import load_secret
from simutrador_service.auth.revocations import Revocations
from simutrador_service.auth.tokens import AUDIENCE, ISSUER, Tokens
from simutrador_service.auth.users import Users
from simutrador_service.config import AuthSection
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who may get in, and how. Close it when done; the database is its owner's to close."""

    keys: KeyStore
    users: Users
    tokens: Tokens
    logins: Logins
    audit: Audit
    revocations: Revocations

    def authenticator(self, *, is_open: bool) -> Authenticator:
        """Return what `require` asks: keys first, then tokens."""
        return Authenticator(self.keys, self.tokens, is_open=is_open)

    def purge(self, *, keep_audit: timedelta) -> None:
        """Forget what has expired, and audit entries older than `keep_audit`; run it daily."""
        self.logins.purge()
        self.revocations.purge()
        self.users.lockout.purge()
        self.audit.purge(keep=keep_audit)

    def close(self) -> None:
        """End the threads that judge passwords."""
        self.logins.close()


def open_accounts(
    database: Database,
    settings: AuthSection,
    *,
    data: Path,
    passwords: Passwords | None = None,
    issuer: str = ISSUER,
    audience: str = AUDIENCE,
    clock: Callable[[], datetime] = utc_now,
) -> Accounts:
    """Return the accounts of a migrated database.

    Args:
        database: The service's own.
        settings: The signing key and lifetimes.
        data: Folder where a signing key is made and kept when the settings name none.
        passwords: How passwords are hashed, unless as RFC 9106 advises.
        issuer: Who issues tokens; services with the same issuer, audience and signing key trust
            each other's.
        audience: For whom they are.
        clock: Tells the time.

    Raises:
        SettingsError: the signing key is too short.
    """
    revocations = Revocations(database, clock=clock)
    keys = KeyStore(database, on_change=revocations.changed, clock=clock)

    def forget() -> None:
        keys.recent.forget()
        revocations.changed()

    users = Users(database, passwords=passwords, on_change=forget, clock=clock)
    secret = settings.jwt_secret or load_secret(data)
    tokens = Tokens(secret, issuer=issuer, audience=audience, revocations=revocations, clock=clock)
    logins = Logins(
        users,
        tokens,
        revocations,
        access_s=settings.access_token_s,
        refresh_s=settings.refresh_token_s,
    )
    return Accounts(keys, users, tokens, logins, Audit(database, clock=clock), revocations)
