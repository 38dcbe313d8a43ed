"""Whether anything traded in an absent period: asks a vendor for trades, until there is one."""

from __future__ import annotations

from dataclasses import dataclass

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import DataProvider, TradeRequest
from simutrador_core.models.bars import from_us
from simutrador_data.services.downloading.asking import closing


@dataclass(frozen=True, slots=True)
class Activity:
    """What a vendor says of one period `[start, end)`, int us UTC.

    Attributes:
        traded: Whether there was a trade; None where the vendor gave no answer.
        error: Why it gave none.
    """

    start: int
    end: int
    traded: bool | None
    error: str = ""


async def ask_for_trades(provider: DataProvider, symbol: str, start: int, end: int) -> Activity:
    """Return whether a vendor has a trade in `[start, end)`; its failures are in the answer."""
    request = TradeRequest(symbol, from_us(start), from_us(end))
    try:
        async with closing(provider.fetch_trades(request)) as pages:
            async for page in pages:
                if bool(((page.at >= start) & (page.at < end)).any()):
                    return Activity(start, end, traded=True)
    except DataProviderError as e:
        return Activity(start, end, None, str(e))
    return Activity(start, end, traded=False)
