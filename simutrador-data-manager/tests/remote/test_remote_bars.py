"""`RemoteBars` against a running data manager: the contract of every source, and versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simutrador_core import dataset
from simutrador_core.adjusting.actions import actions_digest
from simutrador_core.errors import (
    InputError,
    InvalidBarsError,
    InvalidRangeError,
    InvalidSymbolError,
    UnknownSymbolError,
)
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.interfaces.storage import BarSource, Change, VersionedSource
from simutrador_core.models.bars import BarQuery, concat
from simutrador_core.models.enums import Adjustment, OnConflict, Timeframe
from simutrador_core.remote.remote_bars import RemoteBars
from simutrador_core.testing.builders import FETCHED_AT, START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.source_contract import BarSourceContract
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.records import ActionChange

Serve = Callable[[Path, Sequence[Change]], Any]
MINUTE = timedelta(minutes=1)


class TestRemoteBars(BarSourceContract):
    @pytest.fixture(autouse=True)
    def served(self, serve: Serve) -> None:
        self.serve = serve

    def make_source(self, tmp_path: Path, changes: Sequence[Change]) -> BarSource:
        return RemoteBars(self.serve(tmp_path, changes).url)


@pytest.fixture
def versions(tmp_path: Path, serve: Serve) -> Any:
    """Return a served store whose three minutes of AAPL were restated by its second commit."""
    return serve(
        tmp_path,
        [
            make_change(make_bars("AAPL", n=3)),
            make_change(make_bars("AAPL", n=3, price=50), on_conflict=OnConflict.REPLACE),
            make_change(make_bars("IBM", n=1)),
        ],
    )


def test_an_older_version_is_read_by_its_commit(versions: Any) -> None:
    with RemoteBars(versions.url) as source:
        assert_same_bars(source.read(query_all("AAPL", as_of=1)), make_bars("AAPL", n=3))
        assert_same_bars(source.read(query_all("AAPL", as_of=2)), make_bars("AAPL", n=3, price=50))
        assert_same_bars(source.read(query_all("AAPL")), make_bars("AAPL", n=3, price=50))


@pytest.mark.parametrize("as_of", [4, 10**6, -1])
def test_a_version_that_is_not_there_is_refused_by_every_method(versions: Any, as_of: int) -> None:
    query = query_all("AAPL", as_of=as_of)
    with RemoteBars(versions.url) as source:
        with pytest.raises(InvalidRangeError, match="as_of"):
            source.read(query)
        with pytest.raises(InvalidRangeError, match="as_of"):
            list(source.stream(query))
        with pytest.raises(InvalidRangeError, match="as_of"):
            source.dataset_id([query])


@pytest.mark.parametrize(("symbol", "as_of"), [("IBM", 2), ("AAPL", 0)])
def test_a_series_later_than_the_version_is_unknown(versions: Any, symbol: str, as_of: int) -> None:
    query = query_all(symbol, as_of=as_of)
    with RemoteBars(versions.url) as source:
        with pytest.raises(UnknownSymbolError, match=symbol):
            source.read(query)
        with pytest.raises(UnknownSymbolError, match=symbol):
            source.dataset_id([query])


def test_dataset_ids_of_versions_are_those_of_the_store(versions: Any) -> None:
    queries = [query_all("AAPL", as_of=1), query_all("IBM")]
    with RemoteBars(versions.url) as source:
        assert source.dataset_id(queries) == versions.store.dataset_id(queries)
        assert source.dataset_id(queries[:1]) != source.dataset_id([query_all("AAPL")])


def test_a_stream_reads_one_version_whatever_is_committed_meanwhile(
    tmp_path: Path, serve: Serve
) -> None:
    bars = make_bars("AAPL", start=datetime(2020, 1, 1, tzinfo=UTC), n=200_000)
    served = serve(tmp_path, [make_change(bars)])
    with RemoteBars(served.url) as source:
        parts = source.stream(query_all("AAPL"), rows=10_000)
        found = [next(parts)]
        restated = make_bars("AAPL", start=datetime(2020, 1, 1, tzinfo=UTC), n=200_000, price=7)
        served.store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
        found += parts
        assert [len(part) for part in found] == [10_000] * 20
        assert_same_bars(concat(found), bars)
        assert_same_bars(source.read(query_all("AAPL")), restated)


def test_a_misspelt_symbol_is_answered_with_the_nearest(versions: Any) -> None:
    with RemoteBars(versions.url) as source:
        with pytest.raises(UnknownSymbolError, match="did you mean AAPL"):
            source.read(query_all("APPL"))
        with pytest.raises(UnknownSymbolError, match="did you mean AAPL"):
            source.read(query_all("aapl"))
        with pytest.raises(InvalidSymbolError):
            source.read(query_all("../X"))


def test_a_month_asked_for_twice_has_no_dataset_id(versions: Any) -> None:
    first = BarQuery("AAPL", Timeframe.MINUTE_1, START, START + MINUTE)
    second = replace(first, start=START + MINUTE, end=START + 2 * MINUTE)
    with RemoteBars(versions.url) as source, pytest.raises(InvalidBarsError, match="twice"):
        source.dataset_id([first, second])


def test_adjusting_a_stored_adjusted_series_by_a_date_is_refused_as_everywhere(
    tmp_path: Path, serve: Serve
) -> None:
    served = serve(tmp_path, [make_change(make_bars("AAPL", adjustment=Adjustment.SPLIT))])
    day = datetime(2024, 1, 1, tzinfo=UTC).date()
    query = replace(query_all("AAPL", adjustment=Adjustment.SPLIT), actions_as_of=day)
    with RemoteBars(served.url) as source, pytest.raises(InputError, match="actions_as_of"):
        source.read(query)


def test_the_service_adjusts_by_its_recorded_actions(tmp_path: Path, serve: Serve) -> None:
    served = serve(tmp_path, [make_change(make_bars("AAPL", Timeframe.DAILY, close=[100, 51, 52]))])
    split = CorporateAction(
        "AAPL", ActionKind.SPLIT, datetime(2024, 1, 3, tzinfo=UTC).date(), ratio=Decimal(2)
    )
    with ActionStore(served.store.root) as actions:
        actions.commit(ActionChange([split], "test", "a test asked", FETCHED_AT))
    query = query_all("AAPL", Timeframe.DAILY, adjustment=Adjustment.SPLIT)
    with RemoteBars(served.url) as source:
        assert [(i.series.adjustment, i.derived) for i in source.symbols()] == [
            (Adjustment.RAW, False),
            (Adjustment.SPLIT, True),
        ]
        found = source.read(query)
        assert found.close.tolist() == [50, 51, 52]
        before = replace(query, actions_as_of=datetime(2024, 1, 2, tzinfo=UTC).date())
        assert source.read(before).close.tolist() == [100, 51, 52]
        line = dataset.action_line("AAPL", actions_digest([split]))
        assert source.dataset_id([query]) == dataset.dataset_id([found], actions=[line])
        assert source.dataset_id([before]) != source.dataset_id([query])
        assert source.latest_commit() == 2
        with pytest.raises(UnknownSymbolError):
            source.read(replace(query, as_of=1))


def test_many_series_are_listed_as_the_store_lists_them(tmp_path: Path, serve: Serve) -> None:
    pages = [make_bars(f"S{number}", n=1) for number in range(500)]
    served = serve(tmp_path, [make_change(*pages)])
    with RemoteBars(served.url) as source:
        assert source.symbols() == served.store.symbols()


def test_the_newest_version_is_known_and_grows(versions: Any) -> None:
    with RemoteBars(versions.url) as source:
        assert isinstance(source, VersionedSource)
        assert source.latest_commit() == 3
        versions.store.commit(make_change(make_bars("IBM", n=2)))
        assert source.latest_commit() == 4
