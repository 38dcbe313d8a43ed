"""Whom to ask for bars, in which order, and how many symbols at once."""

from __future__ import annotations

from typing import Final

from simutrador_data.core.settings import Settings

AT_ONCE: Final = 4
"""Symbols asked of a provider side by side where its settings say nothing."""


def chain_of(
    settings: Settings, *, provider: str | None = None, fallback: str | None = None
) -> list[str]:
    """Return whom to ask, in this order: as said, else as set.

    Args:
        settings: Name the provider and those to fall back on.
        provider: Whom to ask first.
        fallback: Names separated by commas, for what the first one fails to give.
    """
    chosen = settings.trading_data_provider
    first = provider or chosen.default_provider
    if fallback is not None:
        others = [name.strip() for name in fallback.split(",") if name.strip()]
    else:
        others = list(chosen.fallback_providers) if chosen.enable_fallback else []
    return [first, *(name for name in others if name != first)]


def symbols_at_once(name: str, settings: Settings) -> int:
    """Return how many symbols are asked of a provider side by side: as set, else the usual.

    Raises:
        InputError: there is no such provider.
    """
    # Finding a provider loads every installed one.
    from simutrador_data.services.data_providers.finding import find_provider
    from simutrador_data.services.opening_providers import section_of

    found = getattr(section_of(find_provider(name), settings), "max_concurrent_requests", None)
    return found if isinstance(found, int) else AT_ONCE
