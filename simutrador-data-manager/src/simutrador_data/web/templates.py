"""Templates: everything in them is escaped, and an unknown name is an error, not a blank."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import AssetType
from simutrador_data import __version__
from simutrador_data.web.assets import own_url, plotly_script, plotly_url

ASSET_WORDS: Final = {
    AssetType.US_EQUITY: "US equity",
    AssetType.CRYPTO: "Crypto",
    AssetType.FOREX: "Forex",
    AssetType.COMMODITY: "Commodity",
    AssetType.INTERNATIONAL_EQUITY: "Intl equity",
    AssetType.UNKNOWN: "Unknown",
}


def render(template: str, **values: object) -> str:
    """Return a page or a part of one.

    Args:
        template: File name below `templates`.
        values: What it shows.
    """
    return _environment().get_template(template).render(**values)


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


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("simutrador_data.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(  # pyright: ignore[reportUnknownMemberType]  jinja2 leaves it untyped
        count=format_count,
        percent=format_percent,
        words=format_words,
        day=format_day,
        series_url=series_url,
        asset_words=ASSET_WORDS.__getitem__,
    )
    made.globals.update(  # pyright: ignore[reportUnknownMemberType]  jinja2 leaves it untyped
        static=own_url,
        plotly_url=plotly_url,
        plotly_script=plotly_script,
        version=__version__,
        query_string=urlencode,
    )
    return made


__all__ = [
    "format_count",
    "format_day",
    "format_percent",
    "format_words",
    "render",
    "series_url",
]
