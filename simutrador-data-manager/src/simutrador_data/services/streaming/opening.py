"""Which vendors stream bars, and at which address: as the settings say, else the vendor's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError
from simutrador_data.core.settings import Settings
from simutrador_data.services.data_providers import binance as binance_bars
from simutrador_data.services.streaming.binance import STREAM_URL, BinanceLive
from simutrador_data.services.streaming.source import LiveSource


def live_source(name: str, settings: Settings, *, registry: AssetRegistry) -> LiveSource:
    """Return a vendor's stream by the vendor's name.

    Raises:
        InputError: it has none that is known here; the text names those that have.
    """
    found = _STREAMS.get(name)
    if found is None:
        known = ", ".join(_STREAMS)
        raise InputError(f"no stream of {name} is known; follow {known}", field="provider")
    return found(settings, registry)


def _binance(settings: Settings, registry: AssetRegistry) -> LiveSource:
    return BinanceLive(settings.binance.stream_url or STREAM_URL, registry=registry)


_STREAMS: Final[Mapping[str, Callable[[Settings, AssetRegistry], LiveSource]]] = {
    binance_bars.NAME: _binance
}
