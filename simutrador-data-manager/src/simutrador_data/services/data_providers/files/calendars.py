"""Which calendar a symbol trades on: the registry's word, and the calendar itself when needed."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from simutrador_core.sessions.calendar import Calendar


class Calendars(Protocol):
    """Where the import finds calendars; tests give one made by hand."""

    def name_of(self, symbol: str) -> str:
        """Return the name of the calendar a symbol trades on."""
        ...

    def get(self, name: str, first: date) -> Calendar:
        """Return a calendar by name that knows the dates from `first` on.

        Raises:
            CalendarError: there is no such calendar.
        """
        ...
