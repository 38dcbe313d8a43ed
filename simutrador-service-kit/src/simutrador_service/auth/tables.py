"""The tables of keys, users, log-ins and the audit log. No secret stands in them, only hashes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from simutrador_service.database import Base, UtcDateTime

MAX_ID: Final = 100
MAX_NAME: Final = 254


class ApiKey(Base):
    """One key as it is kept.

    Attributes:
        prefix: Its public half.
        sha256: Hash of the whole key, hexadecimal.
        owner: Whose it is; what it makes belongs to them.
        label: What it is for, in the owner's words.
        last_used_at: Exact to a minute.
        expires_at: From then on it does not work; None for one that lasts.
        revoked_at: When it was taken back; None while it works.
    """

    __tablename__ = "api_key"
    __table_args__ = (Index("ix_api_key_owner", "owner"),)

    prefix: Mapped[str] = mapped_column(String(32), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    owner: Mapped[str] = mapped_column(String(MAX_ID))
    label: Mapped[str] = mapped_column(String(100), default="")
    scopes: Mapped[list[str]] = mapped_column(JSON)
    plan: Mapped[str | None] = mapped_column(String(20))
    tenant: Mapped[str | None] = mapped_column(String(MAX_ID))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class User(Base):
    """One person.

    Attributes:
        name: What they log in with, an e-mail address or a name, in lower case.
        password_hash: As Argon2 writes it, with its parameters.
        role: Decides the scopes.
        active: False keeps them out.
        changed_at: When password, role or `active` last changed.
    """

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME), unique=True)
    full_name: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(10))
    plan: Mapped[str | None] = mapped_column(String(20))
    tenant: Mapped[str | None] = mapped_column(String(MAX_ID))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RefreshToken(Base):
    """One refresh token: good for one use.

    Attributes:
        family: The log-in it descends from; a second use of any of them ends the whole family.
        used_at: When it was exchanged for the next.
    """

    __tablename__ = "refresh_token"
    __table_args__ = (
        Index("ix_refresh_token_family", "family"),
        Index("ix_refresh_token_user_id", "user_id"),
        Index("ix_refresh_token_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    family: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RevokedToken(Base):
    """An access token, or all of a family, that no longer holds though it has not expired.

    Attributes:
        id: A token's `jti`, or a family.
        expires_at: Afterwards every token it speaks of has expired, and the row may go.
    """

    __tablename__ = "revoked_token"
    __table_args__ = (Index("ix_revoked_token_expires_at", "expires_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LoginFailures(Base):
    """Failed log-ins in a row, of one user or from one address.

    Attributes:
        subject: SHA-256 of the name or address: what people type as their name may be a password.
    """

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_last_at", "last_at"),)

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEntry(Base):
    """Who did what to what, when, from where, and how it ended."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_at", "at"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str | None] = mapped_column(String(MAX_ID))
    action: Mapped[str] = mapped_column(String(50))
    subject: Mapped[str] = mapped_column(String(MAX_NAME))
    address: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(20))
