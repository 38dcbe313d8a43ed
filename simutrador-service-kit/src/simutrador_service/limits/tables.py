"""The table of budgets, for processes that share a database and no Redis."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from simutrador_service.database import Base

MAX_NAME: Final = 200


class SpentBudget(Base):
    """When requests of one budget were, or will be, let out.

    Attributes:
        grants: Seconds since the epoch, ascending, no more than the rule looks back to.
    """

    __tablename__ = "spent_budget"

    name: Mapped[str] = mapped_column(String(MAX_NAME), primary_key=True)
    grants: Mapped[list[float]] = mapped_column(JSON)
