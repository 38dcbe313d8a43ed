"""Wire fields: exact decimals, whole quantities as integers, one form of an instant."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError, create_model

from simutrador_core.models.fields import (
    AnyTimeframe,
    Bps,
    Fee,
    Instant,
    Money,
    PositiveQuantity,
    Price,
    Quantity,
    Volume,
    WireModel,
)

PRICE: TypeAdapter[Decimal] = TypeAdapter(Price)
MONEY: TypeAdapter[Decimal] = TypeAdapter(Money)
VOLUME: TypeAdapter[Decimal] = TypeAdapter(Volume)
QUANTITY: TypeAdapter[Decimal] = TypeAdapter(Quantity)
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)

decimals = st.decimals(
    -(10**15), 10**15, allow_nan=False, allow_infinity=False, places=None
).filter(
    lambda number: -number.as_tuple().exponent <= 40  # type: ignore[operator]
)
instants = st.datetimes(
    datetime(2, 1, 1),
    datetime(9998, 1, 1),
    timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(decimals.filter(lambda number: number > 0))
def test_any_price_survives_json(price: Decimal) -> None:
    assert PRICE.validate_json(PRICE.dump_json(price)) == price


@given(decimals)
def test_any_money_survives_json_with_two_decimals_at_least(money: Decimal) -> None:
    text = json.loads(MONEY.dump_json(money))
    assert Decimal(text) == money
    assert len(text.partition(".")[2]) >= 2
    assert "E" not in text


@given(decimals.filter(lambda number: number >= 0))
def test_any_volume_survives_json_with_eight_decimals_at_least(volume: Decimal) -> None:
    text = json.loads(VOLUME.dump_json(volume))
    assert Decimal(text) == volume
    assert len(text.partition(".")[2]) >= 8


@given(decimals)
def test_any_quantity_survives_json(quantity: Decimal) -> None:
    assert QUANTITY.validate_json(QUANTITY.dump_json(quantity)) == quantity


@given(st.floats(1e-15, 1e15))
def test_any_float_price_is_taken_as_its_shortest_text(price: float) -> None:
    assert float(PRICE.validate_python(price)) == price


@given(instants)
def test_any_instant_survives_json_in_utc(instant: datetime) -> None:
    text = json.loads(INSTANT.dump_json(instant))
    assert text.endswith("Z")
    assert INSTANT.validate_json(json.dumps(text)) == instant


@pytest.mark.parametrize(
    ("quantity", "text"),
    [("100", "100"), ("100.00", "100"), ("1E+2", "100"), ("-3", "-3"), ("0.50", '"0.5"')],
)
def test_whole_quantities_are_json_integers(quantity: str, text: str) -> None:
    assert QUANTITY.dump_json(Decimal(quantity)).decode() == text


@pytest.mark.parametrize("given_as", [100, 100.0, "100", Decimal(100)])
def test_quantity_is_accepted_as_integer_float_or_text(given_as: Any) -> None:
    assert QUANTITY.validate_python(given_as) == 100


@pytest.mark.parametrize("kind", [Price, Money, Fee, Volume, Quantity, PositiveQuantity, Bps])
@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", float("nan")])
def test_no_field_takes_nan_or_infinity(kind: Any, value: Any) -> None:
    model = create_model("Holder", __base__=WireModel, value=kind)
    with pytest.raises(ValidationError, match=r"finite|parse"):
        model.model_validate({"value": value})


@pytest.mark.parametrize("kind", [Price, Money, Fee, Volume, Quantity, PositiveQuantity])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1000000000000001", "less than or equal to 1000000000000000"),
        ("1e400", "less than or equal to"),
        ("1E+999999999", "less than or equal to"),
        ("1e-41", "no more than 40 decimal places"),
        ("1E-999999", "no more than 40 decimal places"),
    ],
)
def test_absurd_numbers_are_refused_quickly(kind: Any, value: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("value", ["0", "-0.00", "-1"])
def test_price_and_positive_quantity_are_above_zero(value: str) -> None:
    for kind in (Price, PositiveQuantity):
        with pytest.raises(ValidationError, match="greater than 0"):
            TypeAdapter(kind).validate_python(value)


def test_zero_of_any_exponent_is_plain_zero() -> None:
    assert MONEY.dump_json(MONEY.validate_python("-0E+30")) == b'"0.00"'


def test_python_dump_keeps_decimals_and_datetimes() -> None:
    assert PRICE.dump_python(Decimal("1.5")) == Decimal("1.5")
    assert INSTANT.dump_python(datetime(2024, 1, 2, tzinfo=UTC)) == datetime(2024, 1, 2, tzinfo=UTC)


def test_timeframe_refusal_lists_what_there_is() -> None:
    with pytest.raises(ValidationError, match="'3min' is no timeframe; use one of 1min, 5min"):
        TypeAdapter(AnyTimeframe).validate_python("3min")
