"""`Desk`: what the downloads of all symbols share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.downloading.asks import Patience
from simutrador_data.services.downloading.watching import Watch


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom to ask, where bars go, who looks on.

    Attributes:
        providers: Whom to ask, in this order.
        store: Where bars go.
        registry: Calendar, listing and delisting of each symbol.
        calendars: Gives a calendar by its name.
        watch: Told how far each symbol has come.
        quarantine: Folder for the lists of rejected rows; None writes none.
        now: The clock, aware.
        patience: How often a range is asked for again.
        answered: Providers that gave a page.
        refused: Providers that refused our key before they gave any page, and what they said.
    """

    providers: tuple[DataProvider, ...]
    store: BarStore
    registry: AssetRegistry
    calendars: Callable[[str], Calendar]
    watch: Watch
    quarantine: Path | None
    now: Callable[[], datetime]
    patience: Patience
    answered: set[str] = field(default_factory=set[str])
    refused: dict[str, str] = field(default_factory=dict[str, str])
