"""Whatever is sent, the answer is a problem that names the parameter and the bound."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simutrador_data.api.bars import MAX_SYMBOLS

BARS = "/trading-data/bars"
DATA = "/trading-data/data/AAPL"
GAPS = "/trading-data/gaps"
CHART = "/trading-data/chart"

CASES: list[tuple[str, dict[str, str], int, str]] = [
    (DATA, {"page_size": "0"}, 422, "page_size"),
    (DATA, {"page_size": "10001"}, 422, "page_size"),
    (DATA, {"page_size": "many"}, 422, "page_size"),
    (DATA, {"page": "0"}, 422, "page"),
    (DATA, {"page": "9" * 400}, 422, "page"),
    (DATA, {"timeframe": "3min"}, 422, "timeframe"),
    (DATA, {"timeframe": "daily\x00"}, 422, "timeframe"),
    (DATA, {"timeframe": "d" * 1000}, 422, "timeframe"),
    (DATA, {"start_date": "garbage"}, 422, "start_date"),
    (DATA, {"start_date": "0000-00-00"}, 422, "start_date"),
    (DATA, {"start_date": "9999-12-31"}, 422, "start_date"),
    (DATA, {"end_date": "0001-01-01"}, 422, "end_date"),
    (DATA, {"start_date": "2024-02-01", "end_date": "2024-01-01"}, 422, "start_date"),
    (DATA, {"timeframe": "daily", "adjustment": "half"}, 422, "adjustment"),
    ("/trading-data/data/NOPE", {"timeframe": "daily"}, 404, "symbol"),
    ("/trading-data/data/..%2f..%2fetc%2fpasswd", {}, 422, "symbol"),
    ("/trading-data/data/%00", {}, 422, "symbol"),
    ("/trading-data/data/-rf", {}, 422, "symbol"),
    (f"/trading-data/data/{'A' * 300}", {}, 422, "symbol"),
    ("/trading-data/data/\u0410\u0410PL", {}, 422, "symbol"),
    (BARS, {}, 422, "symbols"),
    (BARS, {"symbols": ""}, 422, "symbols"),
    (BARS, {"symbols": ",,"}, 422, "symbols"),
    (BARS, {"symbols": "../x"}, 422, "symbol"),
    (BARS, {"symbols": ",".join(f"S{n}" for n in range(MAX_SYMBOLS + 1))}, 422, "symbols"),
    (BARS, {"symbols": "AAPL", "timeframe": "daily", "format": "xml"}, 422, "format"),
    (BARS, {"symbols": "AAPL", "start": "2024-01-02T14:30"}, 422, "start"),
    (BARS, {"symbols": "AAPL", "start": "2024-01-03", "end": "2024-01-02"}, 422, "start"),
    (BARS, {"symbols": "AAPL", "end": "9999-12-31T23:59:59Z"}, 422, "end"),
    (BARS, {"symbols": "AAPL", "as_of": "0"}, 422, "as_of"),
    (BARS, {"symbols": "AAPL"}, 404, "symbol"),
    (BARS, {"symbols": "AAPL,NOPE", "timeframe": "daily"}, 404, "symbol"),
    (BARS, {"symbols": "AAPL", "timeframe": "daily", "adjustment": "total"}, 404, "symbol"),
    (GAPS, {"symbol": "NOPE"}, 404, "symbol"),
    (GAPS, {"timeframe": "daily"}, 422, "symbol"),
    (GAPS, {"symbol": "AAPL", "timeframe": "daily", "reason": "why"}, 422, "reason.0"),
    (GAPS, {"symbol": "AAPL", "timeframe": "daily", "start": "1799-12-31"}, 422, "start"),
    (CHART, {"symbol": "AAPL", "timeframe": "daily", "points": "0"}, 422, "points"),
    (CHART, {"symbol": "AAPL", "timeframe": "daily", "points": "10001"}, 422, "points"),
    ("/trading-data/symbols", {"timeframe": "x"}, 422, "timeframe"),
    ("/trading-data/coverage", {"symbol": "NOPE", "timeframe": "daily"}, 404, "symbol"),
    ("/nothing-here", {}, 404, ""),
]


@pytest.mark.parametrize(("path", "params", "status", "field"), CASES)
async def test_a_bad_request_is_a_problem_that_names_the_parameter(
    client: httpx.AsyncClient, path: str, params: dict[str, str], status: int, field: str
) -> None:
    answer = await client.get(path, params=params)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert problem.get("field", "") == field


@pytest.mark.parametrize(
    ("path", "params", "bound"),
    [
        (DATA, {"page_size": "10001"}, "le 10000"),
        (DATA, {"page_size": "0"}, "ge 1"),
        (CHART, {"symbol": "AAPL", "points": "10001"}, "le 10000"),
        (BARS, {"symbols": "A", "start": "9999-01-01"}, "1800-01-01 to 2200-01-01"),
        (BARS, {"symbols": "A," * (MAX_SYMBOLS + 1)}, f"le {MAX_SYMBOLS}"),
    ],
)
async def test_the_bound_is_named(
    client: httpx.AsyncClient, path: str, params: dict[str, str], bound: str
) -> None:
    assert (await client.get(path, params=params)).json()["bound"] == bound


async def test_an_unknown_timeframe_lists_those_there_are(client: httpx.AsyncClient) -> None:
    detail = (await client.get(DATA, params={"timeframe": "3min"})).json()["detail"]
    assert "1min" in detail
    assert "daily" in detail


async def test_a_series_that_is_not_stored_names_those_that_are(client: httpx.AsyncClient) -> None:
    other = (await client.get(BARS, params={"symbols": "AAPL"})).json()
    assert other["code"] == "unknown_symbol"
    assert "stored are daily" in other["detail"]
    typo = (await client.get("/trading-data/data/APPL", params={"timeframe": "daily"})).json()
    assert "did you mean AAPL" in typo["detail"]


async def test_another_method_is_a_problem_too(client: httpx.AsyncClient) -> None:
    answer = await client.post("/trading-data/symbols")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


@given(
    symbol=st.text(min_size=1, max_size=60),
    timeframe=st.text(max_size=12),
    start=st.text(max_size=40),
    page=st.integers(-(10**30), 10**30),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_no_text_whatsoever_makes_the_service_fail(
    client: httpx.AsyncClient, symbol: str, timeframe: str, start: str, page: int
) -> None:
    answers = [
        await client.get(
            BARS, params={"symbols": symbol, "timeframe": timeframe, "start": start, "as_of": page}
        ),
        await client.get(DATA, params={"timeframe": timeframe, "start_date": start, "page": page}),
        await client.get(GAPS, params={"symbol": symbol, "timeframe": "daily", "start": start}),
    ]
    assert all(answer.status_code < 500 for answer in answers)
