"""A column becomes integers only where dividing them gives back every value to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_data.services.storage.scaling import MOST_PLACES, scale, unscale


@pytest.mark.parametrize(
    ("values", "integers", "places"),
    [
        ([185.5, 185.51, 0.29], [18_550, 18_551, 29], 2),
        ([1.08127, 1.1], [108_127, 110_000], 5),
        ([0.00001234], [1_234], 8),
        ([100.0, 7.0], [100, 7], 0),
        ([-37.63, 0.0], [-3_763, 0], 2),  # crude oil settled below zero on 2020-04-20
        ([2.0**53], [2**53], 0),
        ([], [], 0),
    ],
)
def test_decimals_become_integers(values: list[float], integers: list[int], places: int) -> None:
    scaled = scale(np.array(values, dtype=np.float64))
    assert scaled is not None
    assert (scaled.integers.tolist(), scaled.places) == (integers, places)


@pytest.mark.parametrize("value", [1 / 3, 0.1 + 0.2, np.pi, 1e-13, 1e300, 2.0**54, 5e-324])
def test_what_is_no_short_decimal_is_left_alone(value: float) -> None:
    assert scale(np.array([1.25, value])) is None


def test_one_odd_value_among_many_is_noticed() -> None:
    column = np.full(10_000, 1.25)
    column[7_777] = 1.2500000000000002
    assert scale(column) is None


def test_one_finer_value_among_many_gives_more_places() -> None:
    column = np.full(10_000, 1.25)
    column[7_777] = 1.257
    scaled = scale(column)
    assert scaled is not None
    assert scaled.places == 3


@given(
    st.integers(0, MOST_PLACES).flatmap(
        lambda places: st.lists(
            st.decimals(-(10**3), 10**3, places=places).map(float), min_size=1, max_size=50
        )
    )
)
def test_every_list_of_decimals_is_exact(values: list[float]) -> None:
    column = np.array(values) + 0.0
    scaled = scale(column, least_places=2)
    assert scaled is not None
    assert unscale(scaled.integers, scaled.places).tobytes() == column.tobytes()
