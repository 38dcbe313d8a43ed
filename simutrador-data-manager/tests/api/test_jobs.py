"""`/jobs`: long tasks over HTTP, where the application has a database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx

from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


async def test_jobs_are_listed_and_an_unknown_kind_is_refused(
    jobs_client: httpx.AsyncClient,
) -> None:
    listed = await jobs_client.get("/jobs")
    assert (listed.status_code, listed.json()["jobs"]) == (200, [])
    refused = await jobs_client.post("/jobs", json={"kind": "fly", "params": {}})
    assert (refused.status_code, refused.json()["field"]) == (422, "kind")
    assert (await jobs_client.get("/jobs/none")).status_code == 404


async def test_health_says_whether_jobs_are_done(jobs_client: httpx.AsyncClient) -> None:
    health = (await jobs_client.get("/health/deep")).json()
    assert "jobs" in str(health)
    assert health["status"] == "healthy"


async def test_an_application_without_accounts_has_no_jobs(
    store: ParquetStore, serve: Serve
) -> None:
    async with serve(create_app(Settings(), store=store)) as client:
        assert (await client.get("/jobs")).status_code == 404
