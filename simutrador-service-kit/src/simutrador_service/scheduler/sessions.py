"""Triggers bound to the sessions of an exchange, before or after open or close. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from simutrador_core.models.bars import I64, from_us, to_us
from simutrador_core.sessions.calendar import Calendar


class Edge(StrEnum):
    """Which end of a session."""

    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class AtSession:
    """Due `offset` after the open or close of every session; before it when negative.

    Half days, special sessions and sessions that open on the evening before are what the calendar
    says they are. Beyond the dates it knows there is no occurrence.

    Attributes:
        calendar: For instance `get_calendar("XNYS")`.
        edge: Open or close.
        offset: Of any length, also longer than a session.
    """

    calendar: Calendar
    edge: Edge
    offset: timedelta = timedelta(0)

    def __str__(self) -> str:
        """Return the exchange, the edge and the offset in seconds."""
        return f"{self.calendar.name} {self.edge} {self.offset.total_seconds():+g} s"

    def after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence later than `instant`, aware UTC; None when none is known."""
        edges = self._edges()
        place = int(np.searchsorted(edges, to_us(instant - self.offset), side="right"))
        return from_us(edges[place]) + self.offset if place < len(edges) else None

    def latest(self, instant: datetime) -> datetime | None:
        """Return the last occurrence not later than `instant`, aware UTC; None without one."""
        edges = self._edges()
        place = int(np.searchsorted(edges, to_us(instant - self.offset), side="right"))
        return from_us(edges[place - 1]) + self.offset if place else None

    def _edges(self) -> I64:
        plan = self.calendar.schedule
        return plan.opens if self.edge is Edge.OPEN else plan.closes
