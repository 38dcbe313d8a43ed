"""How a vendor on the network fails, beside a refused key and a rate limit.

DataProviderError
├── AuthenticationError         the key is absent, wrong or not allowed this: set another
├── RateLimitError              asked too often: try again after `retry_after`
├── VendorUnavailableError      it does not answer, or answers 5xx: try again later
├── BadAnswerError              it answers what cannot be right: try again, or take another vendor
├── UnsafeAnswerError           it is not who it should be: correct the address
├── NotOfferedError             it has no such bars to give: ask for others, or take another vendor
└── UnknownVendorSymbolError    it does not know the symbol
"""

from __future__ import annotations

from typing import ClassVar

from simutrador_core.errors import DataProviderError


class VendorUnavailableError(DataProviderError):
    """The vendor does not answer, or says that it cannot just now."""

    code: ClassVar[str] = "provider_unavailable"
    retryable: ClassVar[bool] = True


class BadAnswerError(DataProviderError):
    """The answer cannot be right: no JSON, cut off, too large, or bars nobody asked for."""

    code: ClassVar[str] = "provider_bad_answer"
    retryable: ClassVar[bool] = True


class UnsafeAnswerError(DataProviderError):
    """Its certificate does not hold, or it sends us to another host; nothing was followed."""

    code: ClassVar[str] = "provider_unsafe_answer"


class NotOfferedError(DataProviderError):
    """The vendor has no such bars: the range, timeframe or kind of asset is not in its offer."""

    code: ClassVar[str] = "provider_not_offered"


class UnknownVendorSymbolError(DataProviderError):
    """The vendor does not know the symbol."""

    code: ClassVar[str] = "provider_unknown_symbol"

    def __init__(self, symbol: str, *, provider: str) -> None:
        super().__init__(f"symbol {symbol!r} is not known there", provider=provider)
        self.symbol = symbol
