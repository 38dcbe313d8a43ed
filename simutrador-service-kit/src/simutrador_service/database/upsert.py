"""Insert a row unless it is there: two processes may try at once, on either database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from simutrador_service.database.base import Base


def insert_absent(session: Session, table: type[Base], **values: Any) -> bool:
    """Insert a row whose primary key is free, else leave the one there; return which it was."""
    name = session.get_bind().dialect.name
    insert = postgresql.insert if name == "postgresql" else sqlite.insert
    asked = insert(table).values(**values).on_conflict_do_nothing().returning(literal(1))
    # Rows that come back are counted: drivers do not agree on `rowcount`.
    return session.execute(asked).first() is not None
