"""`ProviderAccess`: all that a provider needs from outside; it reads no settings of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import AuthenticationError
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.data_providers.http.transport import Timeouts
from simutrador_data.services.data_providers.http.waiting import Retries

if TYPE_CHECKING:
    from simutrador_service.limits import Budget


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """How one vendor is reached, and what is known of the assets asked for.

    Attributes:
        base_url: Where the vendor answers; for a vendor that is a folder, its path.
        keys: Key by the setting it comes from, `POLYGON__API_KEY`.
        budget: What all our processes together may ask; None limits nothing.
        timeouts: Bounds of one request.
        retries: Bounds of one question.
        transport: Sends the requests; None uses the network. Tests give their own.
        registry: Assets: their class, calendar and vendor spellings.
        calendar: Returns a calendar by name; the first call of one may take a second.
    """

    base_url: str
    keys: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])
    budget: Budget | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)
    transport: httpx.AsyncBaseTransport | None = None
    registry: AssetRegistry = field(default_factory=AssetRegistry.default)
    calendar: Callable[[str], Calendar] = get_calendar

    def key(self, name: str, *, provider: str, url: str) -> str:
        """Return a key.

        Args:
            name: Its setting.
            provider: Who needs it.
            url: Where one can get it.

        Raises:
            AuthenticationError: it is not set.
        """
        found = self.keys.get(name)
        if found is None or not found.get_secret_value():
            raise AuthenticationError(f"set {name}; a key is to be had at {url}", provider=provider)
        return found.get_secret_value()

    def calendar_of(self, symbol: str) -> Calendar:
        """Return the calendar a symbol trades by.

        Raises:
            CalendarError: there is no such calendar.
            InvalidSymbolError: the text is no symbol.
        """
        return self.calendar(self.registry.get(symbol).calendar)
