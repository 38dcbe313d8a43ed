"""Which calendar a symbol trades on: the registry's word, and the calendar itself when needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar


class Calendars(Protocol):
    """Where the import finds calendars; tests may give one made by hand."""

    def name_of(self, symbol: str) -> str:
        """Return the name of the calendar a symbol trades on."""
        ...

    def get(self, name: str) -> Calendar:
        """Return a calendar by name, with all it knows.

        Raises:
            CalendarError: there is no such calendar.
        """
        ...


@dataclass(frozen=True, slots=True)
class RegistryCalendars:
    """Calendars as the asset registry names them."""

    registry: AssetRegistry

    def name_of(self, symbol: str) -> str:
        """Return the name of the calendar a symbol trades on."""
        return self.registry.get(symbol).calendar

    def get(self, name: str) -> Calendar:
        """Return the calendar, with all that is known of it."""
        return get_calendar(name)
