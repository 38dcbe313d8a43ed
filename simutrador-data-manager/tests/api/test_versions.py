"""Commits of a symbol, and what changed between two versions, page by page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
MINUTE = timedelta(minutes=1)
START_US = int(START.timestamp()) * 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Return a store in which the minutes 0 to 5 of MSFT become 1 to 7, three of them restated."""
    with ParquetStore(tmp_path / "store") as made:
        made.commit(make_change(make_bars("MSFT", n=6), make_bars("IBM", n=2), source="acme"))
        made.commit(make_change(make_bars("IBM", Timeframe.DAILY, n=2)))
        later = make_bars("MSFT", start=START + MINUTE, close=[9.0, 9.0, 9.0])
        tail = make_bars("MSFT", n=8).take(slice(4, 8))
        covered = make_covered("MSFT", start=START, end=START + 8 * MINUTE)
        made.commit(
            make_change(later, tail, covered=[covered], on_conflict=OnConflict.REPLACE, request="R")
        )
        yield made


async def test_commits_come_newest_first_with_their_source(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/history/msft")
    assert answer.status_code == 200
    document = answer.json()
    assert [one["id"] for one in document["commits"]] == [3, 1]
    assert document["has_next"] is False
    newest, oldest = document["commits"]
    assert (newest["added"], newest["replaced"], newest["removed"]) == (2, 3, 1)
    assert (newest["request"], newest["other_series"]) == ("R", 0)
    assert (oldest["source"], oldest["other_series"]) == ("acme", 1)
    assert oldest["series"] == [{"timeframe": "1min", "adjustment": "raw"}]
    assert oldest["fetched_at"].endswith("Z")


@pytest.mark.parametrize(
    ("page", "size", "ids", "has_next"),
    [(1, 1, [3], True), (2, 1, [1], False), (3, 1, [], False), (1, 2, [3, 1], False)],
)
async def test_history_is_paged(
    client: httpx.AsyncClient, page: int, size: int, ids: list[int], has_next: bool
) -> None:
    params = {"page": page, "page_size": size}
    document = (await client.get("/trading-data/history/MSFT", params=params)).json()
    assert [one["id"] for one in document["commits"]] == ids
    assert document["has_next"] is has_next


async def test_history_of_a_timeframe_that_is_not_stored_names_those_that_are(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/trading-data/history/MSFT", params={"timeframe": "daily"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_symbol")
    assert "1min" in answer.json()["detail"]


def minutes(document: dict[str, Any]) -> list[int]:
    return [(at - START_US) // 60_000_000 for at in document["opened_at"]]


async def test_a_difference_has_every_bar_that_was_added_removed_and_changed(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/trading-data/diff/MSFT", params={"from_commit": 1})
    document = answer.json()
    assert answer.headers["x-as-of"] == "3"
    assert (document["from_commit"], document["to_commit"]) == (1, 3)
    assert document["counts"] == {"added": 2, "removed": 1, "changed": 3}
    assert minutes(document["added"]) == [6, 7]
    assert minutes(document["removed"]) == [0]
    assert minutes(document["changed"]["before"]) == [1, 2, 3]
    assert document["changed"]["after"]["close"] == [9.0, 9.0, 9.0]
    assert document["changed"]["before"]["close"] == make_bars("MSFT", n=6).close[1:4].tolist()
    assert document["next_start"] is None


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
async def test_pages_of_a_difference_meet_without_overlap(
    client: httpx.AsyncClient, size: int
) -> None:
    params: dict[str, Any] = {"from_commit": 1, "page_size": size, "to_commit": 3}
    found: list[tuple[str, int]] = []
    pages = 0
    while True:
        page = (await client.get("/trading-data/diff/MSFT", params=params)).json()
        pages += 1
        assert sum(page["counts"].values()) <= size
        kinds = {**page, "changed": page["changed"]["after"]}
        found += [
            (kind, at) for kind in ("removed", "changed", "added") for at in minutes(kinds[kind])
        ]
        if page["next_start"] is None:
            break
        params["start"] = page["next_start"]
    assert sorted(found, key=lambda one: one[1]) == [
        ("removed", 0), ("changed", 1), ("changed", 2), ("changed", 3), ("added", 6), ("added", 7),
    ]  # fmt: skip
    assert pages == -(-6 // size)


@pytest.mark.parametrize(
    ("params", "added"),
    [
        ({"from_commit": 0, "to_commit": 1}, [0, 1, 2, 3, 4, 5]),
        ({"from_commit": 1, "to_commit": 2}, []),
        ({"from_commit": 3}, []),
        ({"from_commit": 1, "start": (START + 7 * MINUTE).isoformat()}, [7]),
        ({"from_commit": 1, "end": (START + 7 * MINUTE).isoformat()}, [6]),
    ],
)
async def test_versions_and_ranges_are_those_asked_for(
    client: httpx.AsyncClient, params: dict[str, Any], added: list[int]
) -> None:
    document = (await client.get("/trading-data/diff/MSFT", params=params)).json()
    assert minutes(document["added"]) == added


@pytest.mark.parametrize(
    ("address", "status", "code", "says"),
    [
        ("diff/MSFT", 422, "invalid_input", "from_commit"),
        ("diff/MSFT?from_commit=-1", 422, "invalid_input", "from_commit"),
        ("diff/MSFT?from_commit=9", 422, "invalid_range", "from_commit 9"),
        ("diff/MSFT?from_commit=2&to_commit=1", 422, "invalid_range", "from_commit 2 is after 1"),
        ("diff/MSFT?from_commit=1&to_commit=9", 422, "invalid_range", "9"),
        ("diff/MSFT?from_commit=1&page_size=0", 422, "invalid_input", "page_size"),
        ("diff/MSFT?from_commit=1&form_commit=2", 422, "unknown_parameter", "from_commit"),
        ("diff/MSTF?from_commit=1", 404, "unknown_symbol", "did you mean MSFT"),
        ("history/MSTF", 404, "unknown_symbol", "did you mean MSFT"),
        ("history/MSFT?page_size=101", 422, "invalid_input", "page_size"),
        ("history/MSFT?page=0", 422, "invalid_input", "page"),
        ("history/..%2f..%2fetc", 422, "invalid_symbol", ".."),
    ],
)
async def test_what_is_not_there_is_an_error_that_names_it(
    client: httpx.AsyncClient, address: str, status: int, code: str, says: str
) -> None:
    answer = await client.get(f"/trading-data/{address}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert says in problem["detail"]


async def test_a_page_of_history_never_asks_for_the_rest(serve: Serve, tmp_path: Path) -> None:
    asked: list[int | None] = []

    class Listening(MemoryStore):
        def history(
            self, symbol: str, timeframe: Timeframe, *, newest: int | None = None
        ) -> list[Any]:
            asked.append(newest)
            return super().history(symbol, timeframe, newest=newest)

    store = Listening()
    for n in (1, 2, 3):
        store.commit(make_change(make_bars("AAPL", n=n)))
    async with serve(create_app(Settings(), store=store)) as client:
        answer = await client.get("/trading-data/history/AAPL", params={"page_size": 1})
        assert [one["id"] for one in answer.json()["commits"]] == [3]
        assert asked == [2]
        refused = await client.get("/trading-data/diff/AAPL", params={"from_commit": 1})
        assert refused.status_code == 422
    assert datetime.fromisoformat(answer.json()["commits"][0]["at"]).tzinfo is not None
