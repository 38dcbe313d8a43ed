"""The table of a run's symbols: how far each is and what became of it.

The run itself is a job. A row is written in the transaction that also checks the job's fence, so a
worker that lost the job changes nothing any more.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Date, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from simutrador_data.models.nightly_update_api import SymbolStatus
from simutrador_service.database import Migrations, UtcDateTime

MAX_STEP: Final = 200
MAX_ERROR: Final = 2000


class _Base(DeclarativeBase):
    metadata = MetaData()


class SymbolRow(_Base):
    """One symbol of one run.

    Attributes:
        position: Its place in the run.
        percent: 0.0 to 100.0; never falls within a run.
        attempts: How often it was tried.
        candles: Bars written so far, over all attempts.
        first_session, last_session: What is updated; kept, so that a run that goes on after a
            crash does not begin at what it stored itself.
        result: The `SymbolUpdateResult` of the last attempt.
    """

    __tablename__ = "nightly_symbol"

    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(300), primary_key=True)
    position: Mapped[int]
    status: Mapped[str] = mapped_column(String(20), default=SymbolStatus.PENDING)
    step: Mapped[str] = mapped_column(String(MAX_STEP), default="")
    percent: Mapped[float] = mapped_column(default=0.0)
    error: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    candles: Mapped[int] = mapped_column(BigInteger, default=0)
    first_session: Mapped[date | None] = mapped_column(Date)
    last_session: Mapped[date | None] = mapped_column(Date)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))


NIGHTLY: Final = Migrations(
    "simutrador_data.services.nightly.migrations", "alembic_version_nightly"
)
"""The migrations of this table."""
