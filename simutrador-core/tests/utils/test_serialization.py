from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.errors import InputError
from simutrador_core.utils.serialization import format_decimal, format_instant, to_decimal, to_utc

finite = st.floats(allow_nan=False, allow_infinity=False)
finite_decimals = st.decimals(allow_nan=False, allow_infinity=False)


@given(finite)
def test_float_survives_decimal_and_text(number: float) -> None:
    assert float(to_decimal(number)) == number
    assert float(format_decimal(to_decimal(number))) == number


@given(finite)
def test_decimal_of_a_float_is_its_json_text(number: float) -> None:
    assert to_decimal(number) == Decimal(json.dumps(number))


@given(st.decimals(-(10**15), 10**15, places=8))
def test_prices_of_15_digits_survive_float(number: Decimal) -> None:
    short = Decimal(f"{number:.14e}")  # 15 significant digits
    assert to_decimal(float(short)) == short


@given(finite_decimals, st.integers(0, 10))
def test_decimal_text_is_plain_exact_and_has_its_places(number: Decimal, places: int) -> None:
    text = format_decimal(number, places=places)
    whole, _, fraction = text.partition(".")
    assert Decimal(text) == number
    assert whole.removeprefix("-").isdigit()
    assert len(fraction) >= places
    assert len(fraction) == places or not fraction.endswith("0")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("185.5", "185.50"),
        ("185.500", "185.50"),
        ("1.08127", "1.08127"),
        ("1.234E-5", "0.00001234"),
        ("97123.45678901", "97123.45678901"),
        ("1E+3", "1000.00"),
        ("-0.0", "0.00"),
        ("0E+9999", "0.00"),
        ("-12.5", "-12.50"),
    ],
)
def test_decimal_text_has_two_places_or_as_many_as_needed(number: str, text: str) -> None:
    assert format_decimal(Decimal(number)) == text


@pytest.mark.parametrize(("number", "text"), [("100.00", "100"), ("0.50", "0.5"), ("1E+2", "100")])
def test_canonical_text_has_no_trailing_zero(number: str, text: str) -> None:
    assert format_decimal(Decimal(number), places=0) == text


def test_numpy_numbers_are_taken_too() -> None:
    assert to_decimal(np.float64(1.08127)) == Decimal("1.08127")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(InputError, match="not a finite number"):
        to_decimal(number)
    with pytest.raises(InputError, match="not a finite number"):
        format_decimal(Decimal(number))


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2024, 1, 2, 14, 30), "2024-01-02T14:30:00Z"),
        (datetime(2024, 1, 2, 14, 30, 0, 5, tzinfo=UTC), "2024-01-02T14:30:00.000005Z"),
        (
            datetime(2024, 1, 2, 9, 30, tzinfo=timezone(timedelta(hours=-5))),
            "2024-01-02T14:30:00Z",
        ),
    ],
)
def test_instant_is_iso_in_utc_with_z(instant: datetime, text: str) -> None:
    assert format_instant(instant) == text


@given(st.datetimes(timezones=st.none() | st.just(UTC)))
def test_instant_text_reads_back(instant: datetime) -> None:
    assert datetime.fromisoformat(format_instant(instant)) == to_utc(instant)


def test_instant_utc_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match="outside the years 1 to 9999"):
        to_utc(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))))
