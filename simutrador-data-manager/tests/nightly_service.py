"""Nightly updates against a vendor on this machine, a real store and a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import Bars, concat
from simutrador_core.testing.builders import make_bars
from simutrador_data.core.nightly_settings import NightlyUpdateSection
from simutrador_data.core.settings import DataStorageSettings, Settings
from simutrador_data.core.vendor_settings import PolygonSection, TradingDataProviderSection
from simutrador_data.models.nightly_update_api import NightlyUpdateResponse
from simutrador_data.services.downloading import Patience
from simutrador_data.services.jobs.work import Work
from simutrador_data.services.nightly.job import nightly_kind
from simutrador_data.services.nightly.run import NightlyRun
from simutrador_data.services.nightly.runs import NightlyRuns
from simutrador_data.services.nightly.views import to_response
from simutrador_data.services.service_database import opened_database
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_service.jobs import Job, Jobs, Worker

# Two winter sessions of New York, each 09:30 to 16:00, that is 14:30 to 21:00 UTC: 390 minutes.
TUESDAY, WEDNESDAY = date(2024, 1, 2), date(2024, 1, 3)
AFTER_WEDNESDAY = datetime(2024, 1, 4, 9, 0, tzinfo=UTC)
HASTY = Patience(silences=1, faults=2, outages=1, first_wait_s=0.01)


def session_bars(symbol: str, *days: date, minutes: int = 390) -> Bars:
    """Return the minutes of winter sessions."""
    opens = [datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC) for day in days]
    return concat([make_bars(symbol, start=opened, n=minutes) for opened in opens])


@dataclass(frozen=True, slots=True)
class Nightly:
    """What a test needs of one service: its runs and a worker that does them when told."""

    runs: NightlyRuns
    jobs: Jobs
    store: BarStore
    settings: Settings

    def run(self, *symbols: str, **fields: Any) -> NightlyUpdateResponse:
        """Start a run, do it, and return what it did."""
        return self.finish(self.runs.start(NightlyRun(symbols=symbols, **fields)))

    def finish(self, job: Job) -> NightlyUpdateResponse:
        """Do what is due, and return what this run did."""
        Worker(self.jobs).run_until_idle()
        return self.details(job.id)

    def run_alone(self, job_id: str) -> NightlyUpdateResponse:
        """Do one job, though others are due."""
        assert Worker(self.jobs).run_one(job_id)
        return self.details(job_id)

    def details(self, run_id: str) -> NightlyUpdateResponse:
        """Return what a run did."""
        return to_response(*self.runs.get(run_id), now=self.runs.now())


def settings_of(folder: Path, address: str, **section: Any) -> Settings:
    """Return settings of a service that asks Polygon at an address, without waits."""
    return Settings(
        data_storage=DataStorageSettings(base_path=folder),
        trading_data_provider=TradingDataProviderSection(default_provider="polygon"),
        polygon=PolygonSection(
            base_url=address,
            api_key=SecretStr("a-key-nobody-may-see"),
            rate_limit="5000/s",
            max_concurrent_requests=2,
        ),
        nightly_update=NightlyUpdateSection(
            **{"retry_delay_seconds": 0.0, "retry_attempts": 1, **section}
        ),
    )


@contextmanager
def opened_nightly(
    folder: Path, address: str, *, now: datetime = AFTER_WEDNESDAY, **section: Any
) -> Iterator[Nightly]:
    """Open a service's store and database."""
    settings = settings_of(folder, address, **section)
    registry = AssetRegistry.default()
    with ParquetStore(folder) as store, opened_database(settings) as database:
        work = Work(settings, store, registry)
        kind = nightly_kind(lambda: nullcontext(work), now=lambda: now, patience=HASTY)
        jobs = Jobs(database, [kind])
        yield Nightly(NightlyRuns(jobs), jobs, store, settings)
