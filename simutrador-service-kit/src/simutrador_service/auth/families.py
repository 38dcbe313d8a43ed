"""Families of refresh tokens: all that descend from one log-in, and how they end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from simutrador_service.auth.revocations import LONGEST_TOKEN, write_revoked
from simutrador_service.auth.tables import RefreshToken, User


def end_family(session: Session, family: str, *, now: datetime) -> None:
    """End a log-in: no refresh token of it works any more, and no access token either.

    Waits for an exchange that is under way, whose new token this would not see otherwise.
    """
    whose = select(RefreshToken.user_id).where(RefreshToken.family == family)
    session.execute(select(User.id).where(User.id.in_(whose)).with_for_update())
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
