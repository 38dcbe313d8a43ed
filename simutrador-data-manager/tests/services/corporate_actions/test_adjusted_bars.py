"""Adjustment on read: contracts, tables worked by hand, versions, companies, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from simutrador_core import dataset
from simutrador_core.adjusting.actions import actions_digest
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError, InvalidActionError, UnknownSymbolError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.interfaces.storage import BarSource, BarStore, Change
from simutrador_core.models.bars import BarQuery, Bars, concat
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import FETCHED_AT, START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars, joined
from simutrador_core.testing.store_contract import BarSourceContract, DurableStoreContract
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.adjusted_store import AdjustedStore
from simutrador_data.services.corporate_actions.company_bars import CompanyBars
from simutrador_data.services.corporate_actions.local_actions import LocalActions
from simutrador_data.services.corporate_actions.opening import LocalAdjustedBars, adjusting
from simutrador_data.services.corporate_actions.records import ActionChange, Asked
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.storage.parquet_store import ParquetStore

SPLIT, TOTAL = Adjustment.SPLIT, Adjustment.TOTAL
DAILY, MINUTE_1 = Timeframe.DAILY, Timeframe.MINUTE_1
PRICED = frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND})
REGISTRY = AssetRegistry.default()


def split(
    day: str, ratio: str, symbol: str = "AAPL", *, known_on: date | None = None
) -> CorporateAction:
    effective = date.fromisoformat(day)
    return CorporateAction(
        symbol, ActionKind.SPLIT, effective, ratio=Decimal(ratio), known_on=known_on
    )


def dividend(
    day: str, amount: str, symbol: str = "AAPL", *, known_on: date | None = None
) -> CorporateAction:
    effective = date.fromisoformat(day)
    return CorporateAction(
        symbol, ActionKind.DIVIDEND, effective, amount=Decimal(amount), known_on=known_on
    )


def rename(old: str, day: str, new: str) -> CorporateAction:
    return CorporateAction(old, ActionKind.RENAME, date.fromisoformat(day), successor=new)


def all_of(symbol: str, timeframe: Timeframe, to: Adjustment, **more: date) -> BarQuery:
    return replace(query_all(symbol, timeframe, adjustment=to), **more)


class Fixture:
    """A store with its actions and the bars they adjust."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bars = ParquetStore(root)
        self.actions = ActionStore(root)
        self.recorded = LocalActions(root)
        self.adjusted = AdjustedStore(
            self.bars, self.recorded, calendar=lambda symbol: calendar_of(symbol, REGISTRY)
        )

    def close(self) -> None:
        for one in (self.recorded, self.actions, self.bars):
            one.close()

    def store(self, *pages: Bars) -> None:
        self.bars.commit(make_change(*pages))

    def record(self, *actions: CorporateAction, settle: Sequence[str] = ("AAPL",)) -> int:
        """Record the actions as all there are of some symbols."""
        asked = [Asked(one, PRICED, date(1980, 1, 1), date(2100, 1, 1)) for one in settle]
        change = ActionChange(actions, "acme", "a test", FETCHED_AT, asked)
        return self.actions.commit(change).id

    def closes(self, to: Adjustment, symbol: str = "AAPL", timeframe: Timeframe = DAILY) -> object:
        return self.adjusted.read(all_of(symbol, timeframe, to)).close.tolist()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Fixture]:
    """Return an empty store with its actions."""
    made = Fixture(tmp_path)
    yield made
    made.close()


class OwnedStore(AdjustedStore):
    """An adjusted store that closes what it reads from."""

    def __init__(self, root: Path) -> None:
        self.owned = ParquetStore(root), ActionStore(root)
        super().__init__(*self.owned, calendar=lambda symbol: calendar_of(symbol, REGISTRY))

    def close(self) -> None:
        for one in self.owned:
            one.close()


class TestAdjustedStore(DurableStoreContract):
    def make_store(self, tmp_path: Path) -> BarStore:
        return OwnedStore(tmp_path)


class TestLocalAdjustedBars(BarSourceContract):
    def make_source(self, tmp_path: Path, changes: Sequence[Change]) -> BarSource:
        with ParquetStore(tmp_path) as store:
            for change in changes:
                store.commit(change)
        return LocalAdjustedBars(tmp_path)


# 2024-01-02 to 2024-01-05 and 2024-01-08; the second price is halved, then 1 of 50 is paid.
DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
AS_TRADED = [98.0, 100.0, 51.0, 50.0, 49.5]


def days(symbol: str = "AAPL", closes: Sequence[float] = AS_TRADED, since: int = 0) -> Bars:
    """Return daily bars on the sessions of `DAYS` from one on."""
    names = DAYS[since : since + len(closes)]
    opened = [datetime.fromisoformat(f"{name}T14:30:00Z") for name in names]
    bars = make_bars(symbol, DAILY, opened_at=opened, close=closes, volume=[100.0] * len(closes))
    return replace(bars, sessions=np.array(names, dtype="M8[D]"))


TWO_FOR_ONE = split("2024-01-04", "2")
ONE_OF_FIFTY = dividend("2024-01-08", "1")


def test_raw_prices_become_adjusted_ones(held: Fixture) -> None:
    held.store(days())
    held.record(TWO_FOR_ONE, ONE_OF_FIFTY)
    assert held.closes(Adjustment.RAW) == AS_TRADED
    assert held.closes(SPLIT) == [49, 50, 51, 50, 49.5]
    # times (50 - 1)/50 = 0.98 before the dividend
    assert held.closes(TOTAL) == pytest.approx([48.02, 49, 49.98, 49, 49.5], rel=1e-12)
    found = held.adjusted.read(all_of("AAPL", DAILY, TOTAL))
    assert found.volume.tolist() == [200, 200, 100, 100, 100]
    assert found.series.adjustment is TOTAL


@pytest.mark.parametrize(
    ("day", "closes"),
    [
        ("2024-01-03", AS_TRADED),
        ("2024-01-04", [49, 50, 51, 50, 49.5]),
        ("2024-01-07", [49, 50, 51, 50, 49.5]),
        ("2024-01-08", [48.02, 49, 49.98, 49, 49.5]),
    ],
)
def test_no_factor_comes_from_the_future(held: Fixture, day: str, closes: list[float]) -> None:
    held.store(days())
    announced = date(2023, 12, 1)
    held.record(
        split("2024-01-04", "2", known_on=announced),
        dividend("2024-01-08", "1", known_on=announced),
    )
    query = all_of("AAPL", DAILY, TOTAL, actions_as_of=date.fromisoformat(day))
    assert held.adjusted.read(query).close.tolist() == pytest.approx(closes, rel=1e-12)


def test_an_action_beyond_the_last_bar_waits(held: Fixture) -> None:
    held.store(days(closes=AS_TRADED[:2]))
    held.record(TWO_FOR_ONE, ONE_OF_FIFTY)
    before = held.adjusted.latest_commit()
    assert held.closes(TOTAL) == AS_TRADED[:2]
    held.store(days(closes=AS_TRADED[2:3], since=2))
    assert held.closes(TOTAL) == [49, 50, 51]
    old = replace(all_of("AAPL", DAILY, TOTAL), as_of=before)
    assert held.adjusted.read(old).close.tolist() == AS_TRADED[:2]


def minutes(day: str, closes: Sequence[float], symbol: str = "AAPL", at: str = "14:30") -> Bars:
    start = datetime.fromisoformat(f"{day}T{at}:00Z")
    return make_bars(symbol, start=start, close=closes)


def test_minutes_before_the_local_midnight_are_on_old_terms(held: Fixture) -> None:
    evening = minutes("2024-01-04", [100.0], at="00:59")  # 19:59 in New York, the day before
    morning = minutes("2024-01-04", [50.0], at="09:00")  # 04:00 in New York
    held.store(evening, morning)
    held.record(TWO_FOR_ONE)
    assert held.closes(SPLIT, timeframe=MINUTE_1) == [50, 50]


def test_minutes_are_adjusted_by_the_daily_close(held: Fixture) -> None:
    held.store(days(), minutes("2024-01-05", [49.0, 49.2]), minutes("2024-01-08", [48.0]))
    held.record(TWO_FOR_ONE, ONE_OF_FIFTY)
    expected = [49.0 * 0.98, 49.2 * 0.98, 48.0]
    assert held.closes(TOTAL, timeframe=MINUTE_1) == pytest.approx(expected, rel=1e-12)


def test_without_daily_bars_the_last_minute_of_the_session_counts(held: Fixture) -> None:
    late = minutes("2024-01-05", [48.0], at="21:30")  # half an hour after the close
    held.store(minutes("2024-01-05", [49.0, 50.0]), late, minutes("2024-01-08", [48.0]))
    held.record(ONE_OF_FIFTY)
    expected = [48.02, 49.0, 47.04, 48.0]
    assert held.closes(TOTAL, timeframe=MINUTE_1) == pytest.approx(expected, rel=1e-12)


def test_a_dividend_without_a_close_before_it_is_refused(held: Fixture) -> None:
    held.store(days(closes=AS_TRADED[:1]))
    later = replace(
        days(closes=[40.0]),
        opened_at=days().opened_at[:1] + 90 * 86_400_000_000,
        sessions=np.array(["2024-04-01"], dtype="M8[D]"),
    )
    held.store(later)
    held.record(dividend("2024-03-28", "1"))
    with pytest.raises(InvalidActionError, match="AAPL on 2024-03-28 needs the close before it"):
        held.adjusted.read(all_of("AAPL", DAILY, TOTAL))
    assert held.closes(SPLIT) == [98, 40]
    only_later = replace(all_of("AAPL", DAILY, TOTAL), start=datetime(2024, 3, 29, tzinfo=UTC))
    assert held.adjusted.read(only_later).close.tolist() == [40]


def test_a_dividend_before_the_first_bar_needs_no_close(held: Fixture) -> None:
    held.store(days())
    held.record(dividend("2020-01-08", "1"), dividend("2024-01-02", "1"), TWO_FOR_ONE)
    assert held.closes(TOTAL) == [49, 50, 51, 50, 49.5]


def test_stored_adjusted_series_are_kept_as_stored(held: Fixture) -> None:
    vendors = replace(days(closes=[48.9, 49.9, 51, 50, 49.5]), adjustment=SPLIT)
    held.store(days(), vendors)
    held.record(TWO_FOR_ONE)
    assert_same_bars(held.adjusted.read(all_of("AAPL", DAILY, SPLIT)), vendors)
    dated = all_of("AAPL", DAILY, SPLIT, actions_as_of=date(2024, 2, 1))
    assert held.adjusted.read(dated).close.tolist() == [49, 50, 51, 50, 49.5]
    listed = {i.series.adjustment: i.derived for i in held.adjusted.symbols(DAILY)}
    assert listed == {Adjustment.RAW: False, SPLIT: False, TOTAL: True}


def test_without_recorded_actions_nothing_is_adjusted(held: Fixture) -> None:
    held.store(days(), replace(days("MSFT"), adjustment=SPLIT))
    with pytest.raises(UnknownSymbolError):
        held.adjusted.read(all_of("AAPL", DAILY, SPLIT))
    with pytest.raises(InputError, match="actions_as_of"):
        held.adjusted.read(all_of("MSFT", DAILY, SPLIT, actions_as_of=date(2024, 2, 1)))
    assert [i.symbol for i in held.adjusted.symbols()] == ["AAPL", "MSFT"]
    held.record()  # asked, and there were none
    assert held.closes(TOTAL) == AS_TRADED
    splits = Asked("IBM", frozenset({ActionKind.SPLIT}), date(1980, 1, 1), date(2100, 1, 1))
    held.actions.commit(ActionChange((), "acme", "a test", FETCHED_AT, [splits]))
    held.store(days("IBM"))
    assert held.closes(SPLIT, "IBM") == AS_TRADED
    with pytest.raises(UnknownSymbolError):  # nobody was asked for dividends
        held.adjusted.read(all_of("IBM", DAILY, TOTAL))


def test_stream_and_parts_give_what_read_gives(held: Fixture) -> None:
    held.store(days())
    held.record(TWO_FOR_ONE, ONE_OF_FIFTY)
    query = all_of("AAPL", DAILY, TOTAL)
    whole = held.adjusted.read(query)
    for rows in (1, 2, 100):
        parts = list(held.adjusted.stream(query, rows=rows))
        assert_same_bars(joined(parts, series=query.series), whole)
    for at in range(5):
        start = whole.take(slice(at, at + 1)).first
        assert start is not None
        part = held.adjusted.read(replace(query, start=start))
        assert_same_bars(part, whole.take(slice(at, 5)))


def test_dataset_id_names_adjusted_rows_and_actions(held: Fixture) -> None:
    held.store(days(), days("IBM"))
    held.record(TWO_FOR_ONE, ONE_OF_FIFTY)
    queries = [all_of("AAPL", DAILY, TOTAL), all_of("IBM", DAILY, Adjustment.RAW)]
    rows = [held.adjusted.read(query) for query in queries]
    line = dataset.action_line("AAPL", actions_digest([TWO_FOR_ONE, ONE_OF_FIFTY]))
    assert held.adjusted.dataset_id(queries) == dataset.dataset_id(rows, actions=[line])
    assert held.adjusted.dataset_id(queries[1:]) == held.bars.dataset_id(queries[1:])
    both = [all_of("AAPL", DAILY, SPLIT), queries[0]]
    assert held.adjusted.dataset_id(both) == held.adjusted.dataset_id(both[::-1])


def test_dataset_id_of_many_months_in_bounded_parts(
    held: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = make_bars("AAPL", DAILY, n=200)
    held.store(bars)
    held.record(split("2024-03-13", "3"))
    query = all_of("AAPL", DAILY, SPLIT)
    line = dataset.action_line("AAPL", actions_digest([split("2024-03-13", "3")]))
    expected = dataset.dataset_id([held.adjusted.read(query)], actions=[line])
    for rows in (7, 31, 70, 1000):
        stream = held.adjusted.stream
        monkeypatch.setattr(held.adjusted, "stream", lambda q, s=stream, n=rows: s(q, rows=n))
        assert held.adjusted.dataset_id([query]) == expected
        monkeypatch.undo()


def test_a_version_keeps_the_actions_it_had(held: Fixture) -> None:
    held.store(days())
    first = held.record(split("2024-01-04", "4"))
    held.record(TWO_FOR_ONE)
    query = all_of("AAPL", DAILY, SPLIT)
    assert held.adjusted.read(replace(query, as_of=first)).close.tolist()[:2] == [24.5, 25]
    assert held.closes(SPLIT) == [49, 50, 51, 50, 49.5]
    assert [c.id for c in held.adjusted.history("AAPL", DAILY)] == [1, 2, 3]
    assert [c.id for c in held.adjusted.history("AAPL", DAILY, newest=1)] == [3]
    assert held.adjusted.history("NOPE", DAILY) == []


def test_provenance_of_a_series_made_on_read_is_that_of_its_raw_rows(held: Fixture) -> None:
    held.store(days())
    held.record(TWO_FOR_ONE)
    query = all_of("AAPL", DAILY, SPLIT)
    raw = all_of("AAPL", DAILY, Adjustment.RAW)
    assert held.adjusted.segments(query) == held.bars.segments(raw)
    assert [s.rows for s in held.adjusted.segments(query)] == [5]
    assert held.adjusted.coverage(query) == held.bars.coverage(raw)


def test_a_company_is_adjusted_across_its_names_and_no_other(held: Fixture) -> None:
    # A is renamed to B on the 3rd, B to C on the 5th; another company takes A over on the 3rd.
    held.store(
        days("A", [100, 30, 30, 30, 30]),
        days("B", [100, 50], since=1),
        days("C", [50, 25], since=3),
    )
    held.record(
        rename("A", "2024-01-03", "B"),
        rename("B", "2024-01-05", "C"),
        split("2024-01-04", "2", "B"),
        split("2024-01-08", "2", "C"),
        split("2024-01-08", "3", "A"),
        settle=("A", "B", "C"),
    )
    assert held.closes(SPLIT, "A") == [25, 10, 10, 10, 30]
    assert held.closes(SPLIT, "B") == [25, 25]
    assert held.closes(SPLIT, "C") == [25, 25]


def test_a_dividend_on_the_first_day_of_a_name_uses_the_close_of_the_old_one(
    held: Fixture,
) -> None:
    held.store(days("OLD", [40, 50]), days("NEW", [49, 48], since=2))
    held.record(
        rename("OLD", "2024-01-04", "NEW"),
        dividend("2024-01-04", "1", "NEW"),
        settle=("OLD", "NEW"),
    )
    assert held.closes(TOTAL, "OLD") == pytest.approx([39.2, 49], rel=1e-12)
    assert held.closes(TOTAL, "NEW") == [49, 48]


def test_a_company_is_read_across_its_names_as_one_series(held: Fixture) -> None:
    held.store(
        days("A", [100, 30, 30, 30, 30]),
        days("B", [100, 50], since=1),
        days("C", [50, 25], since=3),
    )
    held.record(
        rename("A", "2024-01-03", "B"),
        rename("B", "2024-01-05", "C"),
        split("2024-01-04", "2", "B"),
        split("2024-01-08", "2", "C"),
        settle=("A", "B", "C"),
    )
    company = CompanyBars(held.adjusted)
    for to, expected in {
        Adjustment.RAW: [100, 100, 50, 50, 25],
        SPLIT: [25, 25, 25, 25, 25],
    }.items():
        found = company.read(all_of("C", DAILY, to))
        assert found.close.tolist() == expected
        assert found.series == all_of("C", DAILY, to).series
        parts = list(company.stream(all_of("C", DAILY, to), rows=1))
        assert_same_bars(joined(parts, series=found.series), found)
        used = [split("2024-01-04", "2", "B"), split("2024-01-08", "2", "C")]
        line = dataset.action_line("C", actions_digest(used))
        lines = [line] if to is SPLIT else []
        assert company.dataset_id(all_of("C", DAILY, to)) == dataset.dataset_id(
            [found], actions=lines
        )
    # Who took A over is a company of its own; on the 2nd A was the first one.
    assert company.read(all_of("A", DAILY, Adjustment.RAW)).close.tolist() == [30] * 4
    before = CompanyBars(held.adjusted, on=date(2024, 1, 2))
    assert before.read(all_of("A", DAILY, SPLIT)).close.tolist() == [25] * 5
    with pytest.raises(UnknownSymbolError):
        company.read(all_of("D", DAILY, Adjustment.RAW))


def test_a_delisted_company_is_found_by_its_last_name(held: Fixture) -> None:
    held.store(days("A", [100, 30]), days("B", [30, 20], since=2))
    held.record(
        rename("A", "2024-01-04", "B"),
        CorporateAction("B", ActionKind.DELISTING, date(2024, 1, 8)),
        settle=("A", "B"),
    )
    found = CompanyBars(held.adjusted).read(all_of("B", DAILY, TOTAL))
    assert found.close.tolist() == [100, 30, 30, 20]


def weeks(held: Fixture, *, with_days: bool) -> Bars:
    """Store a week (2nd to 5th) and the next, as weekly bars and perhaps as daily ones."""
    daily = days()
    first, last = daily.take(slice(0, 4)), daily.take(slice(4, 5))
    made = [
        Bars(
            "AAPL", Timeframe.WEEKLY, Adjustment.RAW, part.opened_at[:1],
            open=part.open[:1], high=np.array([part.high.max()]), low=np.array([part.low.min()]),
            close=part.close[-1:], volume=np.array([part.volume.sum()]),
            sessions=None if part.sessions is None else part.sessions[:1],
        )
        for part in (first, last)
    ]  # fmt: skip
    held.store(concat(made), *([daily] if with_days else []))
    return concat(made)


def test_a_week_over_a_split_is_made_of_adjusted_days(held: Fixture) -> None:
    weeks(held, with_days=True)
    held.record(TWO_FOR_ONE)
    found = held.adjusted.read(all_of("AAPL", Timeframe.WEEKLY, SPLIT))
    assert found.open.tolist() == [49, 49.5]
    assert found.high.tolist() == [51, 49.5]
    assert found.low.tolist() == [49, 49.5]
    assert found.close.tolist() == [50, 49.5]
    assert found.volume.tolist() == [600, 100]


def test_a_week_over_a_split_without_days_is_refused(held: Fixture) -> None:
    raw = weeks(held, with_days=False)
    held.record(TWO_FOR_ONE)
    with pytest.raises(InvalidActionError, match="1w bar of AAPL from 2024-01-02 spans"):
        held.adjusted.read(all_of("AAPL", Timeframe.WEEKLY, SPLIT))
    held.record(split("2024-01-08", "2"))  # between the weeks: nothing is mixed
    found = held.adjusted.read(all_of("AAPL", Timeframe.WEEKLY, SPLIT))
    assert found.close.tolist() == [raw.close[0] / 2, raw.close[1]]


def test_nothing_in_the_range_is_nothing(held: Fixture) -> None:
    held.store(days())
    held.record(TWO_FOR_ONE)
    query = replace(all_of("AAPL", DAILY, SPLIT), end=START - timedelta(days=400))
    assert held.adjusted.read(query).equals(Bars.empty("AAPL", DAILY, SPLIT))
    assert list(held.adjusted.stream(query)) == []


def test_an_open_store_is_lent_adjusting(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store, adjusting(store, REGISTRY) as adjusted:
        adjusted.commit(make_change(days()))
        assert_same_bars(adjusted.read(all_of("AAPL", DAILY, Adjustment.RAW)), days())
