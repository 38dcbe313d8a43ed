"""Whom to ask for bars, in which order, and how many symbols at once."""

from __future__ import annotations

from collections.abc import Sequence

from simutrador_data.core.settings import Settings
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.downloading.engine import AT_ONCE
from simutrador_data.services.opening_providers import section_of


def chain_of(provider: str | None, fallback: Sequence[str] | None, settings: Settings) -> list[str]:
    """Return whom to ask, in this order: as said, else as set."""
    chosen = settings.trading_data_provider
    first = provider or chosen.default_provider
    if fallback is None:
        fallback = chosen.fallback_providers if chosen.enable_fallback else ()
    return [first, *(name for name in fallback if name != first)]


def at_once_of(name: str, settings: Settings) -> int:
    """Return how many symbols are asked of a provider side by side: as set, else the usual.

    Raises:
        InputError: there is no such provider.
    """
    found = getattr(section_of(find_provider(name), settings), "max_concurrent_requests", None)
    return found if isinstance(found, int) else AT_ONCE
