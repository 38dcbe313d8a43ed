"""Addresses of earlier releases."""

from __future__ import annotations

import httpx
import pytest


async def test_the_documented_health_address_answers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/health")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "healthy", "service": "trading-simulator"},
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b'{"symbol": "AAPL", "orders": []}'])
async def test_simulations_are_gone_and_the_answer_says_where(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.post("/api/v1/simulate", content=body)
    assert answer.status_code == 410
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["title"], problem["status"]) == ("moved", "Gone", 410)
    assert "simutrador-simulation-server" in problem["detail"]
    assert "/ws/simulate" in problem["detail"]
