from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_data.services.data_providers.files._arrow import strings
from simutrador_data.services.data_providers.files.numbers import mid, parse_numbers


@given(st.lists(st.decimals(min_value="0.00000001", max_value="99999999", places=8)))
def test_a_price_text_becomes_the_nearest_double(prices: list[object]) -> None:
    found = parse_numbers(strings([f"{price:f}" for price in prices]))
    assert found.tolist() == [float(f"{price:f}") for price in prices]


@pytest.mark.parametrize("text", ["1.08127", "0.00001234", "97123.45678901"])
def test_the_promised_prices_survive(text: str) -> None:
    assert f"{parse_numbers(strings([text]))[0]:.8f}".rstrip("0") == text


def test_dressed_numbers_are_read_and_others_are_not_a_number() -> None:
    texts = ["96,708,880", " 12.5 ", "$123.40", "1e5", "-", "", "N/A", "1,5", "12.5.1", "1e400"]
    found = parse_numbers(strings(texts)).tolist()
    assert found[:4] == [96_708_880.0, 12.5, 123.4, 100_000.0]
    assert all(math.isnan(value) for value in found[4:9])
    assert found[9] == math.inf


def test_one_bad_cell_does_not_change_its_neighbours() -> None:
    assert parse_numbers(strings(["0.1", "bad", "0.3"]))[[0, 2]].tolist() == [0.1, 0.3]


def test_decimal_commas_are_read_when_told() -> None:
    found = parse_numbers(strings(["1.234,50", "0,25"]), decimal_comma=True)
    assert found.tolist() == [1234.5, 0.25]


def test_the_middle_of_two_prices_is_exact() -> None:
    bid, ask = np.array([1.38700, 1.38698]), np.array([1.38790, 1.38791])
    assert mid(bid, ask).tolist() == [1.38745, 1.387445]
