"""How values stand on the wire: exact decimal text, whole quantities as integers, UTC with `Z`.

Python dumps keep `Decimal` and `datetime`; only JSON is text. NaN, infinities and absurd magnitudes
are refused everywhere.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.serialization import format_decimal, format_instant, to_utc
from simutrador_core.utils.timeframe_utils import parse_timeframe

MAX_MAGNITUDE: Final = 10**15
"""Largest amount accepted, the same as `check_bars` allows."""
MAX_DECIMALS: Final = 40
"""Most decimals accepted; a float64 price above 1e-15 never needs more."""


class WireModel(BaseModel):
    """Base of all models that cross a border: frozen, and open to fields of a later release.

    Unknown fields are ignored. To refuse them: `Model.model_validate(data, extra="forbid")`
    (pydantic 2.12 or later).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def _volume_text(volume: Decimal) -> str:
    return format_decimal(volume, places=8)


def _quantity(quantity: Decimal) -> int | str:
    whole = quantity == quantity.to_integral_value()
    return int(quantity) if whole else format_decimal(quantity, places=0)


_ANY: Final = Field(ge=-MAX_MAGNITUDE, le=MAX_MAGNITUDE, decimal_places=MAX_DECIMALS)
_NOT_NEGATIVE: Final = Field(ge=0, le=MAX_MAGNITUDE, decimal_places=MAX_DECIMALS)
_POSITIVE: Final = Field(gt=0, le=MAX_MAGNITUDE, decimal_places=MAX_DECIMALS)
_MONEY_TEXT: Final = PlainSerializer(format_decimal, return_type=str, when_used="json")
_VOLUME_TEXT: Final = PlainSerializer(_volume_text, return_type=str, when_used="json")
_QUANTITY: Final = PlainSerializer(_quantity, return_type=int | str, when_used="json")

Money: TypeAlias = Annotated[Decimal, _ANY, _MONEY_TEXT]
"""Money, possibly negative; in JSON text with at least two decimals: `"-12.50"`."""

Price: TypeAlias = Annotated[Decimal, _POSITIVE, _MONEY_TEXT]
"""A price above zero; in JSON text with at least two decimals: `"185.50"`, `"0.00001234"`."""

Capital: TypeAlias = Annotated[Decimal, _POSITIVE, _MONEY_TEXT]
"""Money above zero that a simulation starts with."""

Fee: TypeAlias = Annotated[Decimal, _NOT_NEGATIVE, _MONEY_TEXT]
"""Money that is not negative."""

Volume: TypeAlias = Annotated[Decimal, _NOT_NEGATIVE, _VOLUME_TEXT]
"""Units traded; in JSON text with at least eight decimals: `"1250.00000000"`."""

Quantity: TypeAlias = Annotated[Decimal, _ANY, _QUANTITY]
"""Units, negative when short; in JSON an integer where whole (`100`), else text (`"0.5"`)."""

PositiveQuantity: TypeAlias = Annotated[Decimal, _POSITIVE, _QUANTITY]
"""Units above zero; in JSON as `Quantity`."""

Bps: TypeAlias = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
"""Hundredths of a percent, 0 to 10,000; a JSON number."""

Statistic: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
"""A ratio or percentage; a JSON number."""

Instant: TypeAlias = Annotated[
    datetime,
    AfterValidator(to_utc),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
]
"""An aware UTC instant; a naive one is taken as UTC; in JSON ISO 8601 with `Z`."""

Symbol: TypeAlias = Annotated[str, Field(min_length=1)]
"""A symbol in the sender's spelling; services parse it with `parse_symbol`."""

AnyTimeframe: TypeAlias = Annotated[Timeframe, BeforeValidator(parse_timeframe)]
"""A timeframe; aliases such as `1m` or `1D` are accepted, the canonical value is emitted."""
