from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InvalidSymbolError
from simutrador_core.utils.validation import REASONS, RowFault, check_bars, parse_symbol


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("AAPL", "AAPL"),
        ("aapl", "AAPL"),
        ("brk.b", "BRK.B"),
        ("BTC-USD", "BTC-USD"),
        ("eur/usd", "EUR/USD"),
        ("^GSPC", "^GSPC"),
        ("ES=F", "ES=F"),
        ("X:BTCUSD", "X:BTCUSD"),
        ("M&M", "M&M"),
        ("0700.HK", "0700.HK"),
        ("CON", "CON"),
        ("NUL.txt", "NUL.TXT"),
        ("A" * 40, "A" * 40),
    ],
)
def test_symbols_become_upper_case(text: str, symbol: str) -> None:
    assert parse_symbol(text) == symbol
    assert parse_symbol(symbol) == symbol


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "it is empty"),
        ("../etc", "must begin"),
        ("A../B", "follow each other"),
        ("A//B", "follow each other"),
        ("..%2f", "'%' is not allowed"),
        ("%00", "'%' is not allowed"),
        ("A\x00", "is not allowed"),
        ("A B", "' ' is not allowed"),
        ("A\\B", "is not allowed"),
        ("AAPL\n", "is not allowed"),
        ("AAPL ", "' ' is not allowed"),
        (" AAPL", "' ' is not allowed"),
        ("-A", "must begin"),
        (".A", "must begin"),
        ("/A", "must begin"),
        ("A.", "must end"),
        ("A-", "must end"),
        ("^", "must end"),
        ("A" * 41, "41 characters are above the limit of 40"),
        ("A" * 300, "300 characters are above the limit of 40"),
        ("\u202eLPAA", "only ASCII"),
        ("\u0410APL", "only ASCII"),
        ("e\u0301", "only ASCII"),
        ("\u00df", "only ASCII"),
        ("\uff21", "only ASCII"),
    ],
)
def test_refusal_names_the_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidSymbolError, match=rule) as caught:
        parse_symbol(text)
    assert caught.value.field == "symbol"
    assert len(str(caught.value)) < 250


@given(st.text(max_size=50))
def test_any_text_gives_a_canonical_symbol_or_a_named_error(text: str) -> None:
    try:
        symbol = parse_symbol(text)
    except InvalidSymbolError:
        symbol = "REFUSED"
    assert parse_symbol(symbol) == symbol
    assert symbol in {text.upper(), "REFUSED"}
    assert symbol.isascii()
    assert symbol.isprintable()


ROWS = [
    # open, high, low, close, volume, fault
    (10.0, 11.0, 9.0, 10.5, 100.0, RowFault.NONE),
    (10.0, 10.0, 10.0, 10.0, 0.0, RowFault.NONE),
    (1e-15, 1e15, 1e-15, 1e15, 1e15, RowFault.NONE),
    (math.nan, 11.0, 9.0, 10.5, 100.0, RowFault.NOT_A_NUMBER),
    (10.0, 11.0, 9.0, 10.5, math.nan, RowFault.NOT_A_NUMBER),
    (10.0, math.inf, 9.0, 10.5, 100.0, RowFault.INFINITE),
    (10.0, 11.0, -math.inf, 10.5, 100.0, RowFault.INFINITE),
    (10.0, 11.0, 9.0, 10.5, math.inf, RowFault.INFINITE),
    (10.0, 11.0, 0.0, 10.5, 100.0, RowFault.NOT_POSITIVE),
    (0.0, 0.0, 0.0, 0.0, 0.0, RowFault.NOT_POSITIVE),
    (-0.0, 11.0, 9.0, 10.5, 100.0, RowFault.NOT_POSITIVE),
    (-10.0, 11.0, -10.0, 10.5, 100.0, RowFault.NOT_POSITIVE),
    (10.0, 11.0, 9.0, 10.5, -1.0, RowFault.NEGATIVE_VOLUME),
    (10.0, 1e308, 9.0, 10.5, 100.0, RowFault.TOO_LARGE),
    (10.0, 11.0, 9.0, 10.5, float(2**63), RowFault.TOO_LARGE),
    (5e-324, 11.0, 5e-324, 10.5, 1.0, RowFault.TOO_SMALL),
    (10.0, 9.0, 11.0, 10.5, 100.0, RowFault.HIGH_BELOW_LOW),
    (8.9, 11.0, 9.0, 10.5, 100.0, RowFault.OPEN_OUTSIDE),
    (11.1, 11.0, 9.0, 10.5, 100.0, RowFault.OPEN_OUTSIDE),
    (10.0, 11.0, 9.0, 8.9, 100.0, RowFault.CLOSE_OUTSIDE),
    (10.0, 11.0, 9.0, 11.1, 100.0, RowFault.CLOSE_OUTSIDE),
]


def test_each_row_is_judged_by_itself() -> None:
    columns = np.array([row[:5] for row in ROWS]).T
    codes = check_bars(*columns)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [row[5] for row in ROWS]


def test_every_fault_has_a_reason() -> None:
    assert set(REASONS) == set(RowFault)
    assert [fault for fault in RowFault if not REASONS[fault]] == [RowFault.NONE]


def test_no_rows_give_no_codes() -> None:
    assert check_bars(*[np.empty(0)] * 5).tolist() == []


def slow_fault(row: tuple[float, ...]) -> RowFault:
    opens, high, low, close, volume = row
    prices = (opens, high, low, close)
    if any(math.isnan(value) for value in row):
        return RowFault.NOT_A_NUMBER
    if any(math.isinf(value) for value in row):
        return RowFault.INFINITE
    if min(prices) <= 0:
        return RowFault.NOT_POSITIVE
    if volume < 0:
        return RowFault.NEGATIVE_VOLUME
    if max(row) > 1e15:
        return RowFault.TOO_LARGE
    if min(prices) < 1e-15:
        return RowFault.TOO_SMALL
    if high < low:
        return RowFault.HIGH_BELOW_LOW
    if not low <= opens <= high:
        return RowFault.OPEN_OUTSIDE
    return RowFault.NONE if low <= close <= high else RowFault.CLOSE_OUTSIDE


number = st.floats() | st.sampled_from([1.0, 2.0, 3.0, 0.0, -1.0, 1e15, 1e16])


@settings(deadline=None)
@given(st.lists(st.tuples(number, number, number, number, number), min_size=1, max_size=8))
def test_columns_are_judged_as_a_slow_loop_would(rows: list[tuple[float, ...]]) -> None:
    codes = check_bars(*np.array(rows).T)
    assert codes.tolist() == [slow_fault(row) for row in rows]
