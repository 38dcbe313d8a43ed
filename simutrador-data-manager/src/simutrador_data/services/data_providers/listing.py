"""`Listing`: one asset as a vendor lists it, for the registry to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from simutrador_core.models.enums import AssetType


@dataclass(frozen=True, slots=True)
class Listing:
    """One asset of a vendor's list.

    Attributes:
        symbol: Canonical symbol.
        asset_type: Its class.
        currency: What its price is in, ISO 4217 or a coin; empty where the vendor does not say.
        vendor_symbol: The vendor's own spelling.
        name: What people call it.
        exchange: Where it is listed, an ISO 10383 code; empty where there is none.
        delisted: First date without it; None while it trades.
    """

    symbol: str
    asset_type: AssetType
    currency: str
    vendor_symbol: str
    name: str = ""
    exchange: str = ""
    delisted: date | None = None
