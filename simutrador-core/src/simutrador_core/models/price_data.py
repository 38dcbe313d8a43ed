"""Bars and quotes as they cross a border, one model each. Many bars travel as `Bars` instead."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from simutrador_core.models.enums import Timeframe
from simutrador_core.models.fields import (
    AnyTimeframe,
    Instant,
    Price,
    Symbol,
    Volume,
    WireModel,
)


class PriceCandle(WireModel):
    """One bar. In JSON the prices are text at full precision, never fewer than two decimals.

    Attributes:
        date: The instant the bar opens, UTC.
        open: First price, quote currency, above zero; likewise `high`, `low`, `close`.
        volume: Units traded, not negative; text with at least eight decimals.
    """

    date: Instant
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Volume

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high {self.high} is below low {self.low}")
        for name, price in (("open", self.open), ("close", self.close)):
            if not self.low <= price <= self.high:
                raise ValueError(f"{name} {price} is outside low {self.low} to high {self.high}")
        return self


class PaginationInfo(WireModel):
    """Where a page stands in the whole answer; pages count from 1."""

    page: int = Field(ge=1)
    page_size: int = Field(ge=1, le=10_000)
    total_items: int = Field(ge=0)
    total_pages: int = Field(ge=0)
    has_next: bool
    has_previous: bool


class PriceDataSeries(WireModel):
    """Bars of one symbol and timeframe, as the REST interface gives a page of them.

    Attributes:
        symbol: At least one character.
        timeframe: How long each bar lasts.
        candles: The bars, in the order asked for; may be empty.
        start_date: When the earliest bar opens; taken from the candles when absent.
        end_date: When the latest bar opens; taken from the candles when absent.
        pagination: Where the page stands, when there are pages.
    """

    symbol: Symbol
    timeframe: AnyTimeframe
    candles: list[PriceCandle]
    start_date: Annotated[Instant | None, Field(validate_default=True)] = None
    end_date: Annotated[Instant | None, Field(validate_default=True)] = None
    pagination: PaginationInfo | None = None

    @field_validator("start_date", "end_date")
    @classmethod
    def _from_candles(cls, given: datetime | None, info: ValidationInfo) -> datetime | None:
        dates = [candle.date for candle in info.data.get("candles", [])]
        if given is not None or not dates:
            return given
        return min(dates) if info.field_name == "start_date" else max(dates)


class PriceQuote(WireModel):
    """The latest price of a symbol, with both sides of the market where known."""

    symbol: Symbol
    price: Price
    timestamp: Instant
    bid: Price | None = None
    ask: Price | None = None
    volume: Volume | None = None


class DataUpdateStatus(WireModel):
    """What one update of one series did; `last_update` is None when nothing is stored yet."""

    symbol: Symbol
    timeframe: str
    last_update: Instant | None
    records_updated: int = Field(ge=0)
    success: bool
    error_message: str | None = None


__all__ = [
    "DataUpdateStatus",
    "PaginationInfo",
    "PriceCandle",
    "PriceDataSeries",
    "PriceQuote",
    "Timeframe",
]
