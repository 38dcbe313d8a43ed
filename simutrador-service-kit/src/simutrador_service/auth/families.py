"""Families of refresh tokens: all that descend from one log-in, and how they end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from simutrador_service.auth.revocations import LONGEST_TOKEN, write_revoked
from simutrador_service.auth.tables import RefreshToken


def end_family(session: Session, family: str, *, now: datetime) -> None:
    """End a log-in: no refresh token of it works any more, and no access token either."""
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    write_revoked(session, family, until=now + LONGEST_TOKEN)


def end_all_logins(session: Session, user_id: str, *, now: datetime) -> None:
    """End every log-in of a user."""
    families = select(RefreshToken.family).where(
        RefreshToken.user_id == user_id,
        RefreshToken.revoked_at.is_(None),
        RefreshToken.expires_at > now,
    )
    for family in sorted(set(session.scalars(families))):
        end_family(session, family, now=now)
