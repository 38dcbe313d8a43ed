"""Corporate actions over REST, and bars adjusted by them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_data.main import create_app
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.records import ActionChange, Asked
from simutrador_data.services.storage.parquet_store import ParquetStore

from .conftest import serving

AT = datetime(2024, 2, 1, tzinfo=UTC)
PRICED = frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND})
EVER = Asked("AAPL", PRICED, date(1990, 1, 1), date(2100, 1, 1))
# AAPL: 100, 101, 102 on the 2nd, 4th and 5th (see conftest).
SPLIT = CorporateAction("AAPL", ActionKind.SPLIT, date(2024, 1, 4), ratio=Decimal(2))
DIVIDEND = CorporateAction("AAPL", ActionKind.DIVIDEND, date(2024, 1, 5), amount=Decimal("1.01"))
RENAME = CorporateAction("OLD", ActionKind.RENAME, date(2020, 6, 1), successor="AAPL")
OF_ANOTHER = CorporateAction("AAPL", ActionKind.DIVIDEND, date(2019, 5, 1), amount=Decimal(3))
EARLIER = CorporateAction("OLD", ActionKind.DIVIDEND, date(2019, 5, 1), amount=Decimal("0.5"))


@pytest.fixture
def actions(store: ParquetStore) -> Iterator[ActionStore]:
    with ActionStore(store.root) as opened:
        all_of_it = (SPLIT, DIVIDEND, OF_ANOTHER)
        opened.commit(ActionChange(all_of_it, "acme", "test", AT, [EVER]))
        opened.commit(ActionChange((RENAME, EARLIER), "names", "test", AT))
        yield opened


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def closes(client: httpx.AsyncClient, **params: Any) -> list[float]:
    asked = {"symbols": "AAPL", "timeframe": "daily", **params}
    return (await get(client, "/trading-data/bars", **asked))["series"][0]["close"]


async def test_actions_of_a_company_under_all_its_names(
    store: ParquetStore, actions: ActionStore
) -> None:
    async with serving(create_app(store=store)) as client:
        found = await get(client, "/trading-data/actions/aapl")
        assert found["company"] == [
            {"symbol": "OLD", "start": None, "end": "2020-06-01"},
            {"symbol": "AAPL", "start": "2020-06-01", "end": None},
        ]
        assert [(a["symbol"], a["kind"], a["effective"]) for a in found["actions"]] == [
            ("OLD", "dividend", "2019-05-01"),
            ("OLD", "rename", "2020-06-01"),
            ("AAPL", "split", "2024-01-04"),
            ("AAPL", "dividend", "2024-01-05"),
        ]
        assert found["actions"][2] == {
            "symbol": "AAPL",
            "kind": "split",
            "effective": "2024-01-04",
            "ratio": "2",
            "amount": None,
            "successor": None,
            "known_on": None,
            "source": "acme",
            "fetched_at": "2024-02-01T00:00:00Z",
            "commit": 4,
        }
        before = await get(client, "/trading-data/actions/AAPL", on="2020-01-01")
        assert [a["amount"] for a in before["actions"]] == ["3"]


@pytest.mark.parametrize(
    ("params", "kinds"),
    [
        ({"kind": "split"}, ["split"]),
        ({"kind": ["split", "rename"]}, ["rename", "split"]),
        ({"start": "2024-01-01", "end": "2024-01-05"}, ["split"]),
        ({"actions_as_of": "2020-05-31"}, ["dividend"]),
        ({"as_of": 4}, ["dividend", "split", "dividend"]),  # the rename was not known yet
    ],
)
async def test_only_the_actions_asked_for(
    store: ParquetStore, actions: ActionStore, params: dict[str, Any], kinds: list[str]
) -> None:
    async with serving(create_app(store=store)) as client:
        found = await get(client, "/trading-data/actions/AAPL", **params)
        assert [one["kind"] for one in found["actions"]] == kinds


async def test_a_symbol_without_recorded_actions_is_404_and_says_what_to_do(
    store: ParquetStore,
) -> None:
    async with serving(create_app(store=store)) as client:
        answer = await client.get("/trading-data/actions/BRK.B")
        assert answer.status_code == 404
        assert "actions import" in answer.json()["detail"]
        answer = await client.get(
            "/trading-data/bars",
            params={"symbols": "AAPL", "timeframe": "1d", "adjustment": "split"},
        )
        assert answer.status_code == 404
        assert "record the corporate actions of AAPL" in answer.json()["detail"]


async def test_bars_are_adjusted_on_read(store: ParquetStore, actions: ActionStore) -> None:
    async with serving(create_app(store=store)) as client:
        assert await closes(client) == [100, 101, 102]
        assert await closes(client, adjustment="split") == [50, 101, 102]
        # (101 - 1.01)/101 = 0.99
        total = await closes(client, adjustment="total")
        assert total == pytest.approx([49.5, 99.99, 102], rel=1e-12)
        dated = await closes(client, adjustment="total", actions_as_of="2024-01-04")
        assert dated == [50, 101, 102]
        page = await get(
            client, "/trading-data/data/AAPL", timeframe="daily", adjustment="split", page_size=1,
            order_by="asc",
        )  # fmt: skip
        assert (page["candles"][0]["close"], page["pagination"]["total_items"]) == ("50.00", 3)
        chart = await get(
            client, "/trading-data/chart", symbol="AAPL", timeframe="daily", adjustment="split"
        )
        assert chart["close"] == [50, 101, 102]


async def test_an_answer_changes_with_the_actions_and_old_versions_do_not(
    store: ParquetStore, actions: ActionStore
) -> None:
    asked = {"symbols": "AAPL", "timeframe": "daily", "adjustment": "split"}
    async with serving(create_app(store=store)) as client:
        first = await client.get("/trading-data/bars", params=asked)
        restated = CorporateAction("AAPL", ActionKind.SPLIT, date(2024, 1, 4), ratio=Decimal(4))
        made = actions.commit(ActionChange([restated], "acme", "test", AT))
        second = await client.get("/trading-data/bars", params=asked)
        assert second.json()["series"][0]["close"] == [25, 101, 102]
        assert second.headers["x-as-of"] == str(made.id)
        assert second.headers["etag"] != first.headers["etag"]
        again = await client.get(
            "/trading-data/bars", params={**asked, "as_of": first.headers["x-as-of"]}
        )
        assert again.json() == first.json()


async def test_series_made_on_read_are_listed_as_such(
    store: ParquetStore, actions: ActionStore
) -> None:
    async with serving(create_app(store=store)) as client:
        found = await get(client, "/trading-data/series")
        listed = [(one["adjustment"], one["derived"]) for one in found if one["symbol"] == "AAPL"]
        assert listed == [("raw", False), ("split", True), ("total", True)]
        assert [one["derived"] for one in found if one["symbol"] == "BRK.B"] == [False]
