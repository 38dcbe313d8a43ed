"""Copies between backends: the same rows, sources and questions on both sides."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.enums import Adjustment, OnConflict, Timeframe
from simutrador_core.testing.builders import (
    FETCHED_AT,
    START,
    covering,
    make_bars,
    make_change,
    make_covered,
    query_all,
)
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.progress.progress import QuietProgress
from simutrador_data.services.storage.backends import open_store
from simutrador_data.services.workflows import copy_store as module
from simutrador_data.services.workflows.copy_store import CopyReport, copy_store

Opening = Callable[[str], Any]


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Return a function that opens a store below the test's folder."""
    with ExitStack() as stack:

        def open_at(address: str) -> Any:
            kind, _, name = address.rpartition(":")
            made = open_store(f"{kind}:{tmp_path / name}" if kind else tmp_path / name)
            return stack.enter_context(closing(made))

        yield open_at


def copied(source: BarStore, target: BarStore, **terms: Any) -> CopyReport:
    given: dict[str, Any] = {"request": "test", "progress": QuietProgress()}
    return copy_store(source, target, **{**given, **terms})


def fill(store: BarStore) -> None:
    """Write several series, two sources, restated rows, odd names, sessions and questions."""
    store.commit(make_change(make_bars("AAPL", n=500), make_bars("BRK.B", n=20), source="one"))
    store.commit(
        make_change(make_bars("AAPL", n=30, price=7), source="two", on_conflict=OnConflict.REPLACE)
    )
    days = make_bars("EUR/USD", Timeframe.DAILY, n=400)
    store.commit(make_change(days, covered=[covering(days)], source="file:a.csv"))
    store.commit(make_change(make_bars("AAPL", adjustment=Adjustment.SPLIT, synthetic=[True] * 5)))
    store.commit(make_change(covered=[make_covered("NEW")], source="acme"))


def facts(store: BarStore) -> dict[str, Any]:
    """Return what a copy keeps: rows and who gave each, and the questions of each series."""
    found: dict[str, Any] = {}
    for info in store.symbols():
        query = query_all(info.symbol, info.series.timeframe, adjustment=info.series.adjustment)
        segments = store.segments(query)
        owners = [segment.source for segment in segments for _ in range(segment.rows)]
        asked = [(c.start, c.end, c.provider) for c in store.coverage(query)]
        found[str(info.series)] = (info, store.dataset_id([query]), owners, sorted(asked))
    return found


@pytest.mark.parametrize(("source", "target"), [("a", "delta:b"), ("delta:a", "b"), ("a", "b")])
def test_copy_holds_the_same(opening: Opening, source: str, target: str) -> None:
    one, two = opening(source), opening(target)
    fill(one)
    report = copied(one, two)
    assert facts(two) == facts(one)
    assert (len(report.copied), report.differs, report.rows) == (5, (), 500 + 20 + 400 + 5)
    assert report.source_id == report.target_id != ""
    assert_same_bars(
        two.read(query_all("AAPL", adjustment=Adjustment.SPLIT)),
        make_bars("AAPL", adjustment=Adjustment.SPLIT, synthetic=[True] * 5),
    )


@pytest.mark.parametrize("target", ["delta:b", "b"])
def test_second_copy_writes_only_what_changed_meanwhile(opening: Opening, target: str) -> None:
    one, two = opening("a"), opening(target)
    fill(one)
    copied(one, two)
    again = copied(one, two)
    assert (again.copied, len(again.skipped), again.rows) == ((), 5, 0)
    restated = make_bars("BRK.B", n=25, price=3)
    one.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
    third = copied(one, two)
    assert [str(key) for key in third.copied] == ["BRK.B 1min raw"]
    assert third.rows == 25
    assert third.source_id == third.target_id
    assert_same_bars(two.read(query_all("BRK.B")), restated)


def test_moved_session_is_copied_although_the_rows_have_the_same_name(opening: Opening) -> None:
    one, two = opening("a"), opening("delta:b")
    old = make_bars("AAPL", Timeframe.DAILY, n=2)
    moved = replace(old, sessions=np.array(["2024-01-03", "2024-01-04"], dtype="M8[D]"))
    one.commit(make_change(moved))
    two.commit(make_change(old))
    assert len(copied(one, two).copied) == 1
    assert_same_bars(two.read(query_all("AAPL", Timeframe.DAILY)), moved)


def test_bars_that_only_the_target_has_stay_and_are_reported(opening: Opening) -> None:
    one, two = opening("a"), opening("delta:b")
    one.commit(make_change(make_bars("AAPL", n=5), make_bars("IBM")))
    two.commit(make_change(make_bars("AAPL", n=9)))
    report = copied(one, two)
    assert [str(key) for key in report.differs] == ["AAPL 1min raw"]
    assert report.source_id != report.target_id
    assert len(two.read(query_all("AAPL"))) == 9


def test_only_the_symbols_asked_for_are_copied(opening: Opening) -> None:
    one, two = opening("a"), opening("delta:b")
    fill(one)
    report = copied(one, two, symbols=["AAPL"])
    assert {info.symbol for info in two.symbols()} == {"AAPL"}
    assert report.source_id == report.target_id
    with pytest.raises(UnknownSymbolError):
        copied(one, two, symbols=["NOPE"])


def test_long_series_are_copied_year_by_year(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_ROWS", 100)
    one, two = opening("a"), opening("delta:b")
    bars = make_bars("IBM", Timeframe.DAILY, n=1_000)
    asked = make_covered("IBM", start=START, end=START.replace(year=2029))
    one.commit(make_change(bars, covered=[replace(asked, series=bars.series)], source="acme"))
    report = copied(one, two)
    assert report.source_id == report.target_id
    assert facts(two) == facts(one)
    assert copied(one, two).copied == ()


def test_question_keeps_the_oldest_time_its_source_was_asked(opening: Opening) -> None:
    one, two = opening("a"), opening("b")
    one.commit(make_change(covered=[make_covered("NEW")], source="acme"))
    copied(one, two)
    (answer,) = two.coverage(query_all("NEW"))
    assert (answer.asked_at, answer.provider) == (FETCHED_AT, "acme")


def test_stopped_copy_says_so_and_goes_on_later(opening: Opening) -> None:
    class Stopping(QuietProgress):
        def advance(self, done: int, step: str = "") -> None:
            if done:
                self.cancel()

    one, two = opening("a"), opening("delta:b")
    fill(one)
    stopped = copied(one, two, progress=Stopping())
    assert stopped.cancelled
    assert 0 < len(stopped.copied) < 5
    report = copied(one, two)
    assert len(report.skipped) == len(stopped.copied)
    assert report.source_id == report.target_id


def test_any_history_copies_the_same_both_ways(opening: Opening) -> None:
    chance = random.Random(11)
    one, two, back = opening("a"), opening("delta:b"), opening("c")
    for number in range(40):
        symbol = chance.choice(["AAPL", "IBM", "EUR/USD"])
        bars = make_bars(symbol, n=chance.randrange(1, 60), price=chance.randrange(1, 90))
        covered = [make_covered(symbol)] if chance.random() < 0.3 else []
        how = OnConflict.KEEP if covered else OnConflict.REPLACE  # nothing is withdrawn
        one.commit(make_change(bars, covered=covered, source=chance.choice("ab"), on_conflict=how))
        if number % 10 == 9:
            assert copied(one, two).differs == ()
    copied(two, back)
    assert facts(back) == facts(two)
