"""What Polygon knows of companies: splits, dividends, names, and the list of tickers.

Source: https://massive.com/docs/rest/stocks/corporate-actions/reference-splits.md and
ticker-events.md, https://massive.com/knowledge-base/categories/reference-data (dividends are not
adjusted for splits), read 2026-11-21. The addresses of splits and dividends are deprecated since
February 2026 in favour of `/stocks/v1`; recorded answers are of these. Ticker events are
experimental, and follow the company that has the ticker now.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

from simutrador_core.interfaces.data_provider import ActionRequest, CorporateAction
from simutrador_core.models.enums import AssetType
from simutrador_data.services.data_providers.http import NotOfferedError
from simutrador_data.services.data_providers.listing import Listing
from simutrador_data.services.data_providers.polygon.answers import (
    NAME,
    DividendsPage,
    EventsAnswer,
    SplitsPage,
    TickersPage,
    to_dividend,
    to_listing,
    to_renames,
    to_split,
)
from simutrador_data.services.data_providers.polygon.asking import Asker

MOST_ROWS: Final = 1_000
_MARKETS: Final = {
    AssetType.US_EQUITY: "stocks",
    AssetType.CRYPTO: "crypto",
    AssetType.FOREX: "fx",
}


async def fetch_actions(asker: Asker, ticker: str, request: ActionRequest) -> list[CorporateAction]:
    """Return splits, dividends and renames that take effect in the range, oldest first.

    Raises:
        DataProviderError: the vendor could not say.
    """
    symbol = request.symbol
    found: list[CorporateAction] = []
    query = _dates("execution_date", ticker, request)
    async for splits in asker.pages("/v3/reference/splits", query, SplitsPage):
        found += [to_split(symbol, split) for split in splits.results or []]
    query = _dates("ex_dividend_date", ticker, request)
    async for dividends in asker.pages("/v3/reference/dividends", query, DividendsPage):
        found += [to_dividend(symbol, dividend) for dividend in dividends.results or []]
    found += await _renames(asker, ticker)
    inside = [action for action in found if request.start <= action.effective < request.end]
    return sorted(inside, key=lambda action: action.effective)


async def fetch_listings(asker: Asker, kind: AssetType, *, active: bool) -> AsyncIterator[Listing]:
    """Yield the assets of a class, by ticker.

    Raises:
        NotOfferedError: it lists no such assets.
    """
    market = _MARKETS.get(kind)
    if market is None:
        raise NotOfferedError(f"lists {', '.join(_MARKETS)}, no {kind}", provider=NAME)
    query = {
        "market": market,
        "active": "true" if active else "false",
        "sort": "ticker",
        "order": "asc",
        "limit": f"{MOST_ROWS}",
    }
    async for page in asker.pages("/v3/reference/tickers", query, TickersPage):
        for listed in page.results or []:
            listing = to_listing(listed, kind)
            if listing is not None:
                yield listing


async def _renames(asker: Asker, ticker: str) -> list[CorporateAction]:
    if ":" in ticker:  # coins and currencies
        return []
    path = f"/vX/reference/tickers/{quote(ticker)}/events"
    names = await asker.find(path, {"types": "ticker_change"}, EventsAnswer)
    return [] if names is None or names.results is None else to_renames(names.results.events)


def _dates(field: str, ticker: str, request: ActionRequest) -> dict[str, str]:
    return {
        "ticker": ticker,
        f"{field}.gte": request.start.isoformat(),
        f"{field}.lt": request.end.isoformat(),
        "order": "asc",
        "sort": field,
        "limit": f"{MOST_ROWS}",
    }
