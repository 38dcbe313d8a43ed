"""Everything a store says about itself, as plain values, to compare two stores or two moments."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

from simutrador_core.interfaces.storage import BarStore, Commit, Coverage
from simutrador_core.models.bars import BarQuery, from_us
from simutrador_core.testing.builders import query_all


def facts_of(store: BarStore) -> dict[str, Any]:
    """Return symbols, commits, and of each series the rows' identity, provenance and coverage.

    Rows are named by `dataset_id`, of the latest version and of every older one. Equal facts mean
    that no reader can tell two stores apart.
    """
    found: dict[str, Any] = {"symbols": store.symbols()}
    for info in store.symbols():
        series = info.series
        query = query_all(series.symbol, series.timeframe, adjustment=series.adjustment)
        history = store.history(series.symbol, series.timeframe)
        found[str(series)] = {
            "history": [summary(commit) for commit in history],
            "coverage": sorted(store.coverage(query), key=_coverage_order),
            "provenance": _runs(provenance(store, query)),
            "versions": {
                commit.id: store.dataset_id([replace(query, as_of=commit.id)])
                for commit in history
                if series in commit.series
            },
        }
    return found


def _runs(bars: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Shorten equal neighbours to one entry with their count: a difference stays readable."""
    return [(*bar, sum(1 for _ in same)) for bar, same in groupby(bars)]


def summary(commit: Commit) -> tuple[Any, ...]:
    """Return what a commit did, without the release that wrote it."""
    counts = (commit.added, commit.replaced, commit.removed, commit.no_op)
    return (commit.id, commit.at, sorted(map(str, commit.series)), *counts, commit.source)


def _coverage_order(answer: Coverage) -> tuple[Any, ...]:
    return (answer.start, answer.end, answer.asked_at, answer.provider)


def provenance(store: BarStore, query: BarQuery) -> list[tuple[str, int]]:
    """Return source and commit of each bar a query reads, oldest first.

    Raises:
        AssertionError: segments overlap, or do not hold the bars they count.
    """
    times = [from_us(at) for at in store.read(query).opened_at]
    segments = store.segments(query)
    assert all(a.end <= b.start for a, b in pairwise(segments)), "segments overlap"
    found: list[tuple[str, int]] = []
    waiting = iter(times)
    for segment in segments:
        inside = [at for _, at in zip(range(segment.rows), waiting, strict=False)]
        assert len(inside) == segment.rows, f"{segment} counts bars that are not there"
        assert all(segment.start <= at < segment.end for at in inside), f"{segment} is elsewhere"
        found.extend([(segment.source, segment.commit)] * segment.rows)
    assert len(found) == len(times), "some bars have no segment"
    return found
