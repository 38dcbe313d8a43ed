"""`dataset_id` against an independent reading of the contract, frozen as golden vectors.

`expected_id` follows the contract's text with `struct` and `hashlib` alone. The vectors ship in
`simutrador_core/testing/golden/dataset_id.json`; other stores and languages can check against them.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from simutrador_core.dataset import action_line, combine, dataset_id, month_lines
from simutrador_core.errors import InvalidBarsError
from simutrador_core.models.bars import OHLCV, Bars
from simutrador_core.models.enums import Adjustment, Timeframe

GOLDEN = files("simutrador_core.testing") / "golden" / "dataset_id.json"
VECTORS: list[dict[str, Any]] = json.loads(GOLDEN.read_text("utf-8"))["vectors"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def expected_id(parts: list[dict[str, Any]], actions: list[dict[str, str]]) -> str:
    lines = [f"{action['symbol']} actions {action['digest']}" for action in actions]
    for part in parts:
        months: defaultdict[str, list[int]] = defaultdict(list)
        for row, opened_at in enumerate(part["opened_at"]):
            instant = EPOCH + timedelta(microseconds=opened_at)
            months[f"{instant:%Y-%m}"].append(row)
        for month, rows in months.items():
            digest = hashlib.blake2b(digest_size=32)
            for row in rows:
                digest.update(struct.pack("<q", part["opened_at"][row]))
            for column in ("open", "high", "low", "close", "volume"):
                for row in rows:
                    value = part[column][row]
                    digest.update(struct.pack("<d", 0.0 if value == 0 else value))
            key = f"{part['symbol']} {part['timeframe']} {part['adjustment']} {month}"
            lines.append(f"{key} {digest.hexdigest()}")
    text = b"".join(line.encode("utf-8") + b"\n" for line in sorted(lines))
    return hashlib.sha256(b"simutrador-rows-1\n" + text).hexdigest()


def to_bars(part: dict[str, Any]) -> Bars:
    sessions = part.get("sessions")
    columns: dict[str, Any] = {name: np.array(part[name], dtype=np.float64) for name in OHLCV}
    return Bars(
        part["symbol"],
        Timeframe(part["timeframe"]),
        Adjustment(part["adjustment"]),
        np.array(part["opened_at"], dtype=np.int64),
        **columns,
        sessions=None if sessions is None else np.array(sessions, dtype="datetime64[D]"),
    )


def make_bars(*opened_at: int, symbol: str = "AAPL", **columns: Any) -> Bars:
    flat: dict[str, Any] = dict.fromkeys(OHLCV, np.ones(len(opened_at)))
    times = np.array(opened_at, dtype=np.int64)
    return Bars(symbol, Timeframe.MINUTE_1, Adjustment.RAW, times, **(flat | columns))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_golden_vector_agrees_with_the_contract(vector: dict[str, Any]) -> None:
    assert expected_id(vector["parts"], vector["actions"]) == vector["dataset_id"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_dataset_id_agrees_with_the_golden_vector(vector: dict[str, Any]) -> None:
    actions = [action_line(action["symbol"], action["digest"]) for action in vector["actions"]]
    parts = [to_bars(part) for part in vector["parts"]]
    assert dataset_id(parts, actions=actions) == vector["dataset_id"]
    assert dataset_id(reversed(parts), actions=reversed(actions)) == vector["dataset_id"]


def test_golden_vectors_cover_the_traps() -> None:
    names = [vector["name"] for vector in VECTORS]
    assert len(set(names)) == len(names) == 9
    # -0.0 equals 0.0, and an empty series adds nothing.
    assert len({vector["dataset_id"] for vector in VECTORS}) == 7
    assert "-0.0" in GOLDEN.read_text("utf-8")


def test_no_rows_give_the_hash_of_the_header() -> None:
    expected = hashlib.sha256(b"simutrador-rows-1\n").hexdigest()
    assert dataset_id([]) == expected
    assert dataset_id([make_bars()]) == expected


def test_series_may_be_read_month_by_month() -> None:
    january, february = 1_706_745_540_000_000, 1_706_745_600_000_000  # 31 January 23:59 and after
    whole = make_bars(january, february)
    parts = [whole.take(slice(1, 2)), whole.take(slice(0, 1))]
    assert dataset_id(parts) == dataset_id([whole])


def test_a_changed_last_digit_changes_the_id() -> None:
    assert dataset_id([make_bars(0, close=np.array([1.0]))]) != dataset_id(
        [make_bars(0, close=np.array([np.nextafter(1.0, 2.0)]))]
    )


def test_a_month_in_two_parts_is_refused() -> None:
    with pytest.raises(InvalidBarsError, match="AAPL 1min raw 1970-01 comes twice"):
        dataset_id([make_bars(0), make_bars(60_000_000)])


@pytest.mark.parametrize("column", OHLCV)
def test_nan_has_no_id(column: str) -> None:
    with pytest.raises(InvalidBarsError, match=f"{column} of AAPL holds NaN"):
        dataset_id([make_bars(0, **dict[str, Any]({column: np.array([np.nan])}))])


def test_action_lines_of_two_timeframes_count_once() -> None:
    line = action_line("AAPL", "ab")
    lines = list(month_lines(make_bars(0)))
    assert combine([*lines, line, line]) == combine([*lines, line])


def test_different_actions_of_one_symbol_are_refused() -> None:
    with pytest.raises(InvalidBarsError, match="AAPL actions comes twice"):
        combine([action_line("AAPL", "ab"), action_line("AAPL", "cd")])
