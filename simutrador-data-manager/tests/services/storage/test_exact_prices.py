"""Prices survive to the last digit: through the store, Arrow, Parquet and the wire, and back."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Maintenance
from simutrador_core.models.price_data import PriceCandle
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

TEXTS: Final = [
    "1.08127", "0.00001234", "97123.45678901", "185.5", "0.01", "4999.99", "123456789012.345",
    "0.000000000001", "999999999999999", "1.00000000000001", "0.1", "0.3",
]  # fmt: skip
"""Prices as vendors write them, up to fifteen significant digits."""


def bars_at(texts: list[str]) -> Bars:
    return make_bars("X", close=[float(text) for text in texts])


def stored_and_read(folder: Path, bars: Bars, *, compacted: bool) -> Bars:
    with ParquetStore(folder) as store:
        store.commit(make_change(bars))
        if compacted:
            store.maintain(Maintenance.COMPACT)
            store.maintain(Maintenance.VACUUM)
    with LocalBars(folder) as source:
        return source.read(query_all("X"))


@pytest.mark.parametrize("compacted", [False, True])
def test_vendor_prices_survive_store_and_wire(tmp_path: Path, compacted: bool) -> None:
    found = stored_and_read(tmp_path, bars_at(TEXTS), compacted=compacted)
    sent = [candle.model_dump_json() for candle in found.candles()]
    assert [Decimal(json.loads(text)["close"]) for text in sent] == list(map(Decimal, TEXTS))
    received = [PriceCandle.model_validate_json(text) for text in sent]
    assert [float(candle.close) for candle in received] == [float(text) for text in TEXTS]


@pytest.mark.parametrize("compacted", [False, True])
def test_vendor_prices_survive_store_and_arrow_stream(tmp_path: Path, compacted: bool) -> None:
    bars = bars_at(TEXTS)
    table = stored_and_read(tmp_path, bars, compacted=compacted).to_arrow()
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    received = pa.ipc.open_stream(sink.getvalue()).read_all()
    assert_same_bars(Bars.from_arrow(received), bars)


def test_vendor_prices_stand_in_the_parquet_file_for_any_tool(tmp_path: Path) -> None:
    stored_and_read(tmp_path, bars_at(TEXTS), compacted=True)
    (file,) = tmp_path.rglob("*.parquet")
    table = pq.read_table(file)
    assert [float(str(value)) for value in table.column("close").to_pylist()] == [
        float(text) for text in TEXTS
    ]


numbers = st.one_of(
    st.decimals(min_value=Decimal("1e-9"), max_value=Decimal(10**9), places=8).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2**64).map(float),
)


@settings(
    max_examples=at_scale(60, 2_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(prices=st.lists(numbers, min_size=1, max_size=40), compacted=st.booleans())
def test_any_number_survives_to_the_bit(
    fast_path: Path, prices: list[float], compacted: bool
) -> None:
    folder = fast_path / f"{len(list(fast_path.iterdir()))}"
    bars = make_bars("X", close=prices, volume=prices)
    found = stored_and_read(folder, bars, compacted=compacted)
    expected = np.array(prices) + 0.0  # a store may write -0.0 as 0.0
    assert (found.close + 0.0).tobytes() == expected.tobytes()
    assert (found.volume + 0.0).tobytes() == expected.tobytes()
