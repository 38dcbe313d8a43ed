"""The application: wires settings, store, accounts and routes together.

`simutrador-data serve` and `python -m simutrador_data.main` serve it with limits on every socket;
`uvicorn simutrador_data.main:app` has them on requests alone.
"""

from __future__ import annotations

import asyncio
import atexit
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    nullcontext,
)
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from fastapi import FastAPI

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import SimutradorError
from simutrador_core.interfaces.storage import BarStore
from simutrador_data import __version__
from simutrador_data.api import (
    actions,
    analysis,
    bars,
    chart,
    dataset_id,
    documented,
    gaps,
    nightly_update,
    pages,
    trading_data,
    versions,
)
from simutrador_data.api.dependencies import Services
from simutrador_data.api.health import health_checks
from simutrador_data.core.settings import Settings, get_settings
from simutrador_data.services.accounts import admission, opened_accounts
from simutrador_data.services.corporate_actions.opening import adjusting
from simutrador_data.services.jobs.kinds import job_kinds
from simutrador_data.services.jobs.running import running_jobs
from simutrador_data.services.jobs.work import Work
from simutrador_data.services.nightly.schedule import SCHEDULER, nightly_schedules
from simutrador_data.services.opening import load_registry, open_store, probe
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.web.site import data_pages
from simutrador_service.auth import Accounts, CallerLimits, auth_routes
from simutrador_service.jobs import Jobs
from simutrador_service.jobs.health import check_workers
from simutrador_service.jobs.routes import job_routes
from simutrador_service.limits import RateLimiter
from simutrador_service.logging import configure_logging
from simutrador_service.monitoring import Metrics, check_database, check_disk
from simutrador_service.redis import connect_async
from simutrador_service.scheduler import Scheduler, Schedules, run_scheduler
from simutrador_service.scheduler.routes import schedule_routes
from simutrador_service.web import ServiceInfo
from simutrador_service.web import create_app as create_service
from simutrador_service.web import serve as serve_app

if TYPE_CHECKING:
    import redis.asyncio

    app: FastAPI

INFO: Final = ServiceInfo(
    "simutrador-data-manager",
    __version__,
    "SimuTrador Data Manager",
    "Complete, explained and versioned OHLCV bars.",
    expose_headers=("X-As-Of", "X-Dataset-Id"),
)

# A request is compared with the routes in their order: those asked most often stand first, and the
# page of `/` before the service kit's document of `/`, which programs get.
_ROUTERS: Final = (
    bars.router,
    trading_data.router,
    dataset_id.router,
    actions.router,
    chart.router,
    gaps.router,
    versions.router,
    nightly_update.router,
    analysis.router,
    documented.router,
    pages.shared_router,
    pages.router,
)

_REDIS_TIMEOUT_S: Final = 0.25


def create_app(
    settings: Settings | None = None,
    *,
    store: BarStore | None = None,
    registry: AssetRegistry | None = None,
    accounts: Accounts | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        settings: Settings to use; those of the process when None.
        store: A store to serve, which its owner closes; None opens the one the settings name when
            the application starts, and closes it when it ends.
        registry: Assets; None takes the built-in ones and those of the store's `assets.toml`.
        accounts: Who may call it, which their owner closes; jobs are kept in their database.
            Without them it is open, to this machine alone, and takes no jobs.

    Raises:
        SettingsError: a setting is wrong, or would open the service to other machines.
    """
    chosen = settings or get_settings()
    exposure, authenticator = admission(chosen, accounts)
    url = chosen.redis.url
    client = None if url is None else connect_async(url, timeout_s=_REDIS_TIMEOUT_S, retries=0)
    limiter = RateLimiter(client)
    metrics = Metrics(INFO.name, INFO.version)
    checks = health_checks(INFO.name, INFO.version, metrics, lambda: made.state.services.store)
    if store is None:  # what is stored can still be read from a full disk
        checks.add("disk", check_disk(chosen.data_storage.root), critical=False)
    if client is not None:
        checks.add("limits", limiter.check, critical=False)
    routers, jobs, schedules = list(_ROUTERS), None, None
    if accounts is not None:
        database = accounts.keys.database
        checks.add("database", check_database(database))
        jobs = Jobs(database, job_kinds(lambda: _shared_work(made)))
        checks.add("jobs", check_workers(jobs), critical=False)
        schedules = nightly_schedules(jobs, chosen.nightly_update)
        routers += [auth_routes(accounts), job_routes(jobs), schedule_routes(schedules)]
    made = create_service(
        INFO,
        chosen.api,
        routers=routers,
        lifespan=partial(_lifespan, chosen, store, registry, client, jobs, schedules),
        checks=checks,
        metrics=metrics,
        authenticator=authenticator,
        limits=CallerLimits(limiter),
        exposure=exposure,
        pages=data_pages(chosen.web.services),
    )
    return made


def serve(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve until interrupted or terminated.

    Args:
        settings: How it runs.
        announce: Told the address once it listens, `http://127.0.0.1:8002`.

    Raises:
        SettingsError: a setting is wrong, or would open the service to everybody.
        PortTakenError: another program listens there.
        StoreError: the store cannot be opened.
    """
    # The system's allocator gives memory back after a long stream; Arrow's own keeps it.
    pa.set_memory_pool(pa.system_memory_pool())
    configure_logging(settings.log_level, settings.logging.format)
    with opened_accounts(settings) as accounts:
        serve_app(create_app(settings, accounts=accounts), settings.api, announce=announce)


@asynccontextmanager
async def _lifespan(
    settings: Settings,
    store: BarStore | None,
    registry: AssetRegistry | None,
    client: redis.asyncio.Redis | None,
    jobs: Jobs | None,
    schedules: Schedules | None,
    app: FastAPI,
) -> AsyncGenerator[None]:
    """Open what the routes need, and close what was opened."""
    async with AsyncExitStack() as opened:
        if client is not None:
            opened.push_async_callback(client.aclose)
        assets = registry or await asyncio.to_thread(load_registry, settings.data_storage)
        if store is None:
            made = await asyncio.to_thread(open_store, settings.data_storage)
            opened.push_async_callback(asyncio.to_thread, made.close)
            store = made
        adjusted = None
        if isinstance(store, ParquetStore):
            adjusted = opened.enter_context(adjusting(store, assets))
        services = Services(settings, store, assets, adjusted, jobs=jobs)
        opened.push_async_callback(asyncio.to_thread, services.turns.close)
        app.state.services = services
        if jobs is not None:
            await opened.enter_async_context(running_jobs(jobs, settings.jobs))
        if schedules is not None and schedules.schedules:
            scheduler = Scheduler(schedules, name=SCHEDULER)
            await opened.enter_async_context(run_scheduler(scheduler))
        yield


def _shared_work(app: FastAPI) -> AbstractContextManager[Work]:
    """Lend a job the store that is being served."""
    services: Services = app.state.services
    return nullcontext(Work(services.settings, services.store, services.registry))


def __getattr__(name: str) -> FastAPI:
    """Build `app` when a server first asks for it, so that importing this module is cheap."""
    if name == "app":
        settings, opened = get_settings(), ExitStack()
        accounts = opened.enter_context(opened_accounts(settings))
        atexit.register(opened.close)
        built = create_app(settings, accounts=accounts)
        globals()["app"] = built
        return built
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    try:
        probe(get_settings().data_storage)
        serve(get_settings())
    except SimutradorError as e:
        sys.exit(f"error: {e}")
