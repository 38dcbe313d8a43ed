"""The store: columns, windows, each instant once, and views that never change."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer import candle
from simutrador_client.store import Store
from simutrador_core.errors import InputError


def store_of(*closes: float, **options: Any) -> Store:
    store = Store(**options)
    store.load({"AAPL": [candle(day, close) for day, close in enumerate(closes)]})
    return store


def test_columns_are_float64_and_windows_give_the_latest() -> None:
    store = store_of(1, 2, 3)
    assert store.symbols == ["AAPL"]
    columns = store.as_numpy("AAPL", ("close", "volume"), window=2)
    assert {name: column.dtype.name for name, column in columns.items()} == {
        "close": "float64",
        "volume": "float64",
    }
    assert columns["close"].tolist() == [2.0, 3.0]
    assert columns["volume"].tolist() == [1000.0, 1000.0]
    assert store.as_numpy("AAPL", window=9)["close"].tolist() == [1.0, 2.0, 3.0]
    assert store.as_numpy("AAPL", window=0)["close"].tolist() == []


def test_frames_are_indexed_by_the_instant_a_bar_opens() -> None:
    frame = store_of(1, 2).as_pandas("AAPL")
    assert frame.index.name == "date"
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert frame.index[0] == pd.Timestamp("2023-01-02T14:30:00Z")
    assert frame["close"].tolist() == [1.0, 2.0]


def test_numbers_and_naive_or_shifted_instants_are_taken_too() -> None:
    store = Store()
    bar = {**candle(0, 1), "date": "2023-01-02T14:30:00", "close": 1.5}
    shifted = {**candle(0, 1), "date": "2023-01-03T09:30:00-05:00"}
    aware = {**candle(0, 1), "date": datetime(2023, 1, 4, 14, 30, tzinfo=UTC)}
    store.load({"X": [bar, shifted, aware]})
    expected = np.array(["2023-01-02T14:30", "2023-01-03T14:30", "2023-01-04T14:30"], "M8[us]")
    assert store.opened_at("X").tolist() == expected.astype("int64").tolist()
    assert store.as_numpy("X")["close"][0] == 1.5


def test_unknown_symbols_and_fields_are_refused() -> None:
    store = store_of(1)
    with pytest.raises(KeyError, match="MSFT"):
        store.as_numpy("MSFT")
    with pytest.raises(KeyError, match="only of nothing"):
        Store().count("MSFT")
    with pytest.raises(ValueError, match="unknown field 'vwap'"):
        store.as_numpy("AAPL", ("vwap",))
    with pytest.raises(InputError, match="max_bars 0"):
        Store(max_bars=0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 99)), max_size=60),
    st.sampled_from([None, 40]),
)
def test_every_instant_stands_once_in_order_with_its_latest_bar(
    bars: list[tuple[int, int]], max_bars: int | None
) -> None:
    store = Store(max_bars=max_bars)
    for day, close in bars:
        store.append({"AAPL": candle(day, close)})
    expected = dict(sorted(dict(bars).items()))
    if not bars:
        assert store.symbols == []
        return
    first = int(datetime(2023, 1, 2, 14, 30, tzinfo=UTC).timestamp()) * 1_000_000
    days = (store.opened_at("AAPL") - first) // 86_400_000_000
    assert days.tolist() == list(expected)
    assert store.as_numpy("AAPL")["close"].tolist() == list(expected.values())


def test_arrays_handed_out_stay_as_they_are_and_cannot_be_written() -> None:
    store = store_of(*range(1, 513))
    view = store.as_numpy("AAPL")["close"]
    store.append({"AAPL": candle(511, 9)})
    store.append({"AAPL": candle(512, 7)})
    store.trim(3)
    assert view.tolist() == [float(n) for n in range(1, 513)]
    assert store.as_numpy("AAPL")["close"].tolist() == [511.0, 9.0, 7.0]
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 0


def test_a_bounded_store_keeps_the_latest_bars_and_a_bounded_memory() -> None:
    store = Store(max_bars=5)
    for day in range(5_000):
        store.append({"AAPL": candle(day, day + 1)})
        assert min(day + 1, 5) <= store.count("AAPL") < 10
    assert store.as_numpy("AAPL", window=5)["close"].tolist() == [4996, 4997, 4998, 4999, 5000]
    assert store._series["AAPL"]._columns.shape[1] <= 512


def test_a_store_trimmed_to_nothing_goes_on() -> None:
    store = store_of(1, 2)
    store.trim(0)
    store.append({"AAPL": candle(1, 2)})
    store.append({"AAPL": candle(2, 3)})
    assert store.as_numpy("AAPL")["close"].tolist() == [2.0, 3.0]


def test_pandas_is_loaded_only_when_asked_for_and_named_when_absent() -> None:
    code = """
import sys
import simutrador_client
from simutrador_client.store import Store
assert "pandas" not in sys.modules
sys.modules["pandas"] = None
bar = dict(date="2023-01-02", open=1, high=1, low=1, close=1, volume=1)
store = Store()
store.append({"X": bar})
try:
    store.as_pandas("X")
except ImportError as e:
    print(e)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'simutrador-client[pandas]'" in done.stdout
