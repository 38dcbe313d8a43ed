"""The loader: exactly the bars asked for, their hours, steps and name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import StoreError
from simutrador_core.interfaces.storage import BarSource
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.models.websocket import CreateAndStartRequest
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_server.services.bars import FINEST, BarLoader
from simutrador_server.services.opening import load_registry, open_local
from simutrador_server.simulation.conversation import Wanted
from simutrador_server.simulation.setup import Defaults, Refusal, make_engine
from venue_fixtures import ALICE, NOW, START, minute_bars, store_of


def loader(source: BarSource) -> BarLoader:
    return BarLoader(source, AssetRegistry.default(), Defaults())


def ask(**changes: Any) -> CreateAndStartRequest:
    return CreateAndStartRequest.model_validate({**START, **changes})


def days(symbol: str, first: date, count: int) -> Bars:
    opens = [
        datetime(*first.timetuple()[:3], 14, 30, tzinfo=UTC) + timedelta(n) for n in range(count)
    ]
    return make_bars(symbol, Timeframe.DAILY, opened_at=opens)


def test_bars_are_read_from_the_start_to_before_the_end() -> None:
    request = ask(start_date="2024-01-02T14:31:00Z", end_date="2024-01-02T14:34:00Z")
    bars = loader(store_of()).material(request).bars["AAPL"]
    assert bars.open.tolist() == [100.5, 101.0, 102.0]


@pytest.mark.parametrize(("wanted", "found"), [(0, 0), (1, 1), (2, 2), (9, 2)])
def test_warmup_is_as_long_as_asked_or_as_stored(wanted: int, found: int) -> None:
    request = ask(start_date="2024-01-02T14:32:00Z", warmup_bars=wanted)
    material = loader(store_of()).material(request)
    engine = make_engine(request, material, Defaults())
    assert engine.seen("AAPL") == found
    assert len(material.bars["AAPL"]) == 3 + found


def test_warmup_reaches_back_over_a_long_silence() -> None:
    old = make_bars("BTC-USD", start=datetime(2020, 1, 1, tzinfo=UTC), n=3)
    new = make_bars("BTC-USD", start=datetime(2024, 1, 2, 14, 30, tzinfo=UTC), n=3)
    request = ask(symbols=["BTC-USD"], warmup_bars=2)
    bars = loader(store_of(old, new)).material(request).bars["BTC-USD"]
    assert bars.open.tolist()[:2] == old.open.tolist()[1:]
    assert len(bars) == 5


def test_clock_starts_when_the_last_history_bar_has_closed() -> None:
    # The bar that opens at 14:31 is history and closes 30 seconds after the start.
    request = ask(start_date="2024-01-02T14:31:30Z", warmup_bars=5)
    engine = make_engine(request, loader(store_of()).material(request), Defaults())
    start = datetime(2024, 1, 2, 14, 32, tzinfo=UTC)
    assert engine.config.start == int(start.timestamp() * 1e6)
    assert engine.seen("AAPL") == 2


def test_steps_and_hours_come_from_the_registry() -> None:
    source = store_of(minute_bars(), minute_bars("DOGE-USD"), minute_bars("EUR/USD"))
    material = loader(source).material(ask(symbols=["AAPL", "DOGE-USD", "EUR/USD"]))
    assert material.tick_sizes["AAPL"] == Decimal("0.01")
    assert material.lot_sizes["AAPL"] == 1
    assert material.lot_sizes["DOGE-USD"] < 1
    assert material.tick_sizes["EUR/USD"] == Decimal("0.00001")
    assert len(material.schedules["DOGE-USD"]) > len(material.schedules["AAPL"])


def test_unknown_steps_are_as_fine_as_the_ledger() -> None:
    material = loader(store_of(minute_bars("ZZZ-USD"))).material(ask(symbols=["ZZZ-USD"]))
    assert (material.tick_sizes["ZZZ-USD"], material.lot_sizes["ZZZ-USD"]) == (FINEST, FINEST)


def test_dataset_is_named_by_exactly_what_is_replayed() -> None:
    both = loader(store_of(minute_bars(), minute_bars("MSFT")))
    alone = loader(store_of())
    assert both.material(ask()).dataset_id == alone.material(ask()).dataset_id
    assert (
        alone.material(ask()).dataset_id
        != alone.material(ask(end_date="2024-01-02T14:33:00Z")).dataset_id
    )


@pytest.mark.parametrize("timeframe", [Timeframe.WEEKLY, Timeframe.MONTHLY])
def test_bars_longer_than_a_day_cannot_be_traded(timeframe: Timeframe) -> None:
    source = store_of(make_bars(timeframe=timeframe, n=3))
    request = ask(timeframe=timeframe.value, end_date="2025-01-01")
    with pytest.raises(Refusal, match="cannot be traded"):
        loader(source).load(Wanted(request, "s", ALICE.user_id, None, None), now=NOW)


def test_bar_on_a_day_that_is_no_session_is_refused() -> None:
    source = store_of(days("AAPL", date(2024, 1, 1), 3))  # 1 January is a holiday
    request = ask(timeframe="daily", start_date="2024-01-01", end_date="2024-02-01")
    with pytest.raises(Refusal, match="2024-01-01, which is no session"):
        loader(source).load(Wanted(request, "s", ALICE.user_id, None, None), now=NOW)


def test_bars_are_read_from_a_store_of_the_data_manager(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(minute_bars(adjustment=Adjustment.TOTAL)))
    (tmp_path / "assets.toml").write_text('[[asset]]\nsymbol = "AAPL"\nlot_size = "0.1"\n')
    source = open_local(tmp_path)
    material = BarLoader(source, load_registry(tmp_path), Defaults()).material(ask())
    source.close()
    assert material.adjustment == {"AAPL": "total"}
    assert material.lot_sizes["AAPL"] == Decimal("0.1")
    assert len(material.bars["AAPL"]) == 5


def test_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_local(tmp_path / "nothing")
