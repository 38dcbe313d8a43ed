"""Opens whom gap filling asks, as the settings say."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_data.core.settings import Settings
from simutrador_data.services.choosing_providers import at_once_of
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.opening_providers import opened_providers, section_of


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom gap filling asks.

    Attributes:
        providers: For bars, in this order.
        trades_from: Whether anything traded.
        at_once: How many symbols are worked on side by side.
    """

    providers: tuple[DataProvider, ...]
    trades_from: tuple[DataProvider, ...]
    at_once: int


@asynccontextmanager
async def opened_for_gaps(
    names: Sequence[str], settings: Settings, *, registry: AssetRegistry
) -> AsyncGenerator[Asked]:
    """Open providers by name; trades are asked of those whose settings allow it.

    Raises:
        InputError: a name is unknown or stands there twice, or a rate is none.
        AuthenticationError: none of them has its key; the text names the setting.
    """
    async with opened_providers(names, settings, registry=registry) as providers:
        yield Asked(
            providers,
            tuple(one for one in providers if one.capabilities.trades and _is_let(one, settings)),
            at_once_of(names[0], settings),
        )


def _is_let(provider: DataProvider, settings: Settings) -> bool:
    section = section_of(find_provider(provider.name), settings)
    return getattr(section, "use_trades_endpoint_for_gaps", False) is True
