"""How the data manager's pages look: the service kit's layout, our sections and our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from urllib.parse import quote, urlencode

from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import AssetType
from simutrador_data import __version__
from simutrador_service.web import Link, Pages

ASSET_WORDS: Final = {
    AssetType.US_EQUITY: "US equity",
    AssetType.CRYPTO: "Crypto",
    AssetType.FOREX: "Forex",
    AssetType.COMMODITY: "Commodity",
    AssetType.INTERNATIONAL_EQUITY: "Intl equity",
    AssetType.UNKNOWN: "Unknown",
}


def data_pages(services: Mapping[str, str]) -> Pages:
    """Return the pages.

    Args:
        services: Other services by name, with their addresses; every page links to them.
    """
    return Pages(
        "SimuTrador Data",
        version=__version__,
        package="simutrador_data.web",
        sections=[Link("Symbols", "/")],
        services=services,
        note="Bars are labelled by their open, UTC",
        filters={
            "count": format_count,
            "percent": format_percent,
            "words": format_words,
            "day": format_day,
            "series_url": series_url,
            "asset_words": ASSET_WORDS.__getitem__,
        },
    )


def series_url(key: SeriesKey) -> str:
    """Return the address of a series' page, whatever letters its symbol has."""
    query = urlencode({"timeframe": str(key.timeframe), "adjustment": str(key.adjustment)})
    return f"/symbols/{quote(key.symbol, safe='')}?{query}"


def format_count(count: int) -> str:
    """Return a whole number with thousands apart: `97,740`."""
    return f"{count:,}"


def format_percent(fraction: float) -> str:
    """Return a fraction as percent that says 100 only when nothing is missing."""
    if fraction >= 1:
        return "100 %"
    return f"{min(fraction * 100, 99.99):.2f} %"


def format_words(text: str) -> str:
    """Return a wire word as people write it: `not_listed` gives `not listed`."""
    return text.replace("_", " ")


def format_day(when: date | datetime | None) -> str:
    """Return the day of an instant or a date, ISO."""
    if when is None:
        return "\u2013"
    return f"{when:%Y-%m-%d}"


__all__ = [
    "data_pages",
    "format_count",
    "format_day",
    "format_percent",
    "format_words",
    "series_url",
]
