"""Bars to pandas and Arrow and back, without dragging pandas in where it is not asked for."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InvalidBarsError, MissingExtraError
from simutrador_core.models import _frames
from simutrador_core.models.bars import OHLCV, Bars, to_frames
from simutrador_core.models.enums import Adjustment, Timeframe

MINUTE = 60_000_000
MARKED = np.array([False, True, False])
DATED = np.array(["NaT", "2024-01-02", "2024-01-02"], dtype="datetime64[D]")


def make_bars(n: int = 3, **changes: Any) -> Bars:
    prices = np.arange(n, dtype=np.float64) / 3 + 1
    values: dict[str, Any] = {
        "symbol": "EUR/USD",
        "timeframe": Timeframe.MINUTE_1,
        "adjustment": Adjustment.SPLIT,
        "opened_at": np.arange(n, dtype=np.int64) * MINUTE,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), prices),
    }
    return Bars(**(values | changes))


FORMS = {
    "plain": make_bars(),
    "empty": make_bars(0),
    "marked": make_bars(synthetic=MARKED),
    "dated": make_bars(sessions=DATED),
    "all": make_bars(sessions=DATED, synthetic=MARKED, complete=False),
    "before 1970": make_bars(1, opened_at=np.array([-1]), sessions=np.array([-1], "M8[D]")),
    "daily": make_bars(
        2,
        timeframe=Timeframe.DAILY,
        sessions=np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]"),
    ),
    "empty daily": Bars.empty("AAPL", Timeframe.DAILY),
}


@pytest.mark.parametrize("bars", FORMS.values(), ids=FORMS)
def test_arrow_gives_the_same_bars_back(bars: Bars) -> None:
    table = bars.to_arrow()
    table.validate(full=True)
    assert Bars.from_arrow(table).equals(bars)


@pytest.mark.parametrize("bars", FORMS.values(), ids=FORMS)
def test_ipc_and_parquet_give_the_same_bars_back(bars: Bars) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, bars.to_arrow().schema) as writer:
        writer.write_table(bars.to_arrow(), max_chunksize=2)
    assert Bars.from_arrow(pa.ipc.open_stream(sink.getvalue()).read_all()).equals(bars)
    file = io.BytesIO()
    pq.write_table(bars.to_arrow(), file)
    assert Bars.from_arrow(pq.read_table(file)).equals(bars)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.data())
def test_sliced_and_chunked_tables_give_the_same_rows(n: int, data: st.DataObject) -> None:
    sessions = np.array(
        data.draw(st.lists(st.sampled_from(["NaT", "2024-01-02"]), min_size=n, max_size=n)),
        dtype="datetime64[D]",
    )
    marks = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    bars = make_bars(n, sessions=sessions, synthetic=marks)
    start = data.draw(st.integers(0, n))
    cut = data.draw(st.integers(start, n))
    table = bars.to_arrow()
    chunked = pa.concat_tables([table.slice(start, cut - start), table.slice(cut)])
    assert Bars.from_arrow(chunked).equals(bars.take(slice(start, None)))


def test_arrow_columns_have_the_documented_types() -> None:
    table = make_bars(sessions=DATED, synthetic=MARKED).to_arrow()
    assert [str(field.type) for field in table.schema] == [
        "timestamp[us, tz=UTC]",
        *["double"] * 5,
        "date32[day]",
        "bool",
    ]
    assert table.schema.metadata == {
        b"symbol": b"EUR/USD",
        b"timeframe": b"1min",
        b"adjustment": b"split",
        b"complete": b"true",
    }


def test_arrow_shares_the_memory_of_the_bars() -> None:
    bars = make_bars()
    assert np.shares_memory(Bars.from_arrow(bars.to_arrow()).close, bars.close)


def test_timestamps_of_another_unit_and_zone_are_read() -> None:
    bars = make_bars()
    table = bars.to_arrow()
    other = table.column("opened_at").cast(pa.timestamp("ns", tz="America/New_York"))
    assert Bars.from_arrow(table.set_column(0, "opened_at", other)).equals(bars)


def with_column(name: str, values: Any) -> pa.Table:
    table = make_bars(sessions=DATED, synthetic=MARKED).to_arrow()
    return table.set_column(table.column_names.index(name), name, values)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (make_bars().to_arrow().drop_columns(["close"]), "column close is absent"),
        (make_bars().to_arrow().replace_schema_metadata(None), "'symbol'"),
        (
            make_bars()
            .to_arrow()
            .replace_schema_metadata({"symbol": "A", "timeframe": "3min", "adjustment": "raw"}),
            "'3min' is not a valid Timeframe",
        ),
        (with_column("close", pa.array(["a", "b", "c"])), "column close cannot be read as double"),
        (with_column("close", pa.array([1.0, None, 2.0])), "column close holds 1 nulls"),
        (with_column("synthetic", pa.array([True, None, True])), "synthetic holds 1 nulls"),
        (with_column("session", pa.array([[1], [2], [3]])), "column session cannot be read"),
    ],
)
def test_table_that_is_no_bars_is_refused(table: pa.Table, reason: str) -> None:
    with pytest.raises(InvalidBarsError, match=reason):
        Bars.from_arrow(table)


def test_frame_has_utc_index_and_float_columns() -> None:
    frame = make_bars(sessions=DATED, synthetic=MARKED).to_pandas()
    assert str(frame.index.dtype) == "datetime64[us, UTC]"
    assert frame.index.name == "opened_at"
    assert frame.index[1] == pd.Timestamp("1970-01-01T00:01Z")
    assert frame.columns.tolist() == [*OHLCV, "session", "synthetic"]
    assert frame["session"].isna().tolist() == [True, False, False]
    assert str(frame["session"].dtype) == "datetime64[s]"


def test_changing_a_frame_leaves_the_bars_alone() -> None:
    bars = make_bars()
    frame = bars.to_pandas()
    frame.loc[:, "close"] = 0.0
    assert bars.close.tolist() != [0.0, 0.0, 0.0]


def slow_frame(bars: Bars) -> pd.DataFrame:
    index = pd.DatetimeIndex(bars.opened_at.view("datetime64[us]"), name="opened_at")
    columns: dict[str, Any] = {name: getattr(bars, name) for name in OHLCV}
    if bars.sessions is not None:
        columns["session"] = bars.sessions.astype("datetime64[s]")
    if bars.synthetic is not None:
        columns["synthetic"] = bars.synthetic
    return pd.DataFrame(columns, index=index.tz_localize("UTC"))


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(FORMS))))
def test_frames_of_many_are_those_of_each_as_pandas_would_build_them(names: list[str]) -> None:
    parts = [FORMS[name] for name in names]
    for frame, bars in zip(to_frames(parts), parts, strict=True):
        pd.testing.assert_frame_equal(frame, slow_frame(bars))


def test_changing_one_frame_of_many_leaves_the_others_alone() -> None:
    one, other = to_frames([make_bars(), make_bars()])
    one.loc[:, "close"] = 0.0
    one["volume"] = 7.0
    pd.testing.assert_frame_equal(other, slow_frame(make_bars()))


def test_missing_library_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'simutrador-core\[arrow\]'"):
        _frames.library("no_such_library_here", extra="arrow")


ARROW_ONLY = """
import sys
import numpy as np
from simutrador_core.models.bars import OHLCV, Bars, to_frames
from simutrador_core.models.enums import Adjustment, Timeframe
days = np.array(["NaT", "2024-01-02"], dtype="datetime64[D]")
bars = Bars("A", Timeframe.MINUTE_1, Adjustment.RAW, np.array([1, 2]), *[np.ones(2)] * 5,
            sessions=days, synthetic=np.array([True, False]))
assert Bars.from_arrow(bars.to_arrow()).equals(bars)
print(*sorted({"pandas", "pydantic"} & set(sys.modules)))
"""


def test_arrow_in_and_out_imports_neither_pandas_nor_pydantic() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ARROW_ONLY], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
