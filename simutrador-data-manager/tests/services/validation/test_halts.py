"""Halts and special closures beside the bars of a store, and those that are built in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError
from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import GapReason
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.halts import HALTS_FILE, parse_halts
from simutrador_data.services.workflows.validate_store import validate_series

DAY = date(2020, 3, 9)
START, END = datetime(2020, 3, 9, 4, tzinfo=UTC), datetime(2020, 3, 10, 4, tzinfo=UTC)
HALT = """
[[halt]]
symbol = "AAPL"
start = 2020-03-09T15:00:10Z
end = 2020-03-09T15:05:00Z
source = "https://exchange.example/halts"
"""


@pytest.fixture
def store(fast_path: Path) -> Iterator[ParquetStore]:
    with ParquetStore(fast_path / "store") as opened:
        yield opened


def put(store: ParquetStore, *gaps: slice) -> Bars:
    """Store the session but for the minutes at these places; the vendor was asked for all."""
    at = get_calendar("XNYS").minutes(DAY)
    kept = np.ones(len(at), dtype=np.bool_)
    for gap in gaps:
        kept[gap] = False
    flat = make_bars("AAPL", n=int(kept.sum()))
    bars = Bars(
        "AAPL", flat.timeframe, flat.adjustment, at[kept],
        flat.open, flat.high, flat.low, flat.close, flat.volume,
    )  # fmt: skip
    store.commit(Change([bars], [Covered(bars.series, START, END)], "acme", "a test", END))
    return bars


def found(store: ParquetStore, bars: Bars) -> list[tuple[GapReason, int, str]]:
    registry = AssetRegistry.default()
    ledger = validate_series(store, registry, bars.series, start=START, end=END)
    return [(gap.reason, gap.expected, gap.evidence) for gap in ledger.gaps]


def test_a_market_wide_halt_is_known(store: ParquetStore) -> None:
    bars = put(store, slice(5, 18))  # 09:35 to 09:48 in New York; the halt began at 09:34:13
    [(reason, minutes, evidence)] = found(store, bars)
    assert (reason, minutes) == (GapReason.HALTED, 13)
    assert "market-wide circuit breaker" in evidence


def test_a_halt_of_the_file_explains_its_minutes_alone(store: ParquetStore) -> None:
    bars = put(store, slice(90, 96))  # 11:00 to 11:05 in New York; the halt ends at 11:05
    assert [one[0] for one in found(store, bars)] == [GapReason.VENDOR_HOLE]
    (store.root / HALTS_FILE).write_text(HALT)
    assert found(store, bars) == [
        (GapReason.HALTED, 5, "halted: https://exchange.example/halts"),
        (GapReason.VENDOR_HOLE, 1, "absent from acme (asked 2020-03-10)"),
    ]
    (store.root / HALTS_FILE).write_text(HALT.replace("AAPL", "MSFT"))
    assert [one[0] for one in found(store, bars)] == [GapReason.VENDOR_HOLE]


def test_a_special_closure_is_closed(store: ParquetStore) -> None:
    closure = HALT.replace("halt]]", "closure]]").replace('symbol = "AAPL"', 'calendar = "XNYS"')
    (store.root / HALTS_FILE).write_text(closure)
    bars = put(store, slice(90, 95))
    [(reason, minutes, evidence)] = found(store, bars)
    assert (reason, minutes) == (GapReason.CLOSED, 0)  # no bar is expected of a closed exchange
    assert evidence.startswith("closed")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[[halt", "is no TOML"),
        (HALT.replace("AAPL", 'AAPL"\ncalendar = "XNYS'), "either a symbol or a calendar"),
        (HALT.replace('symbol = "AAPL"', ""), "either a symbol or a calendar"),
        (HALT.replace("15:05", "14:05"), "not after its start"),
        (HALT.replace("15:05:00Z", "15:05:00"), "end"),
        (HALT.replace('source = "https://exchange.example/halts"', ""), "source"),
        (HALT + 'why = "news"', "why"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_with_the_place(wrong: str, said: str) -> None:
    with pytest.raises(InputError, match=r"halts\.toml") as refused:
        parse_halts(wrong, name="halts.toml")
    assert said in str(refused.value)


def test_the_documented_file_is_understood() -> None:
    text = (Path(__file__).parents[3] / "docs" / "gaps.md").read_text("utf-8")
    found = parse_halts(text.split("```toml\n")[1].split("```")[0], name="docs/gaps.md")
    assert [one.symbol for one in found.halt] == ["ACME"]
    assert [one.calendar for one in found.closure] == ["XNYS"]
