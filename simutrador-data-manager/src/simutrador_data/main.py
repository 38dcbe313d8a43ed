"""The application: wires settings, store and routes together.

Run it with `uvicorn simutrador_data.main:app` or `python -m simutrador_data.main`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import SimutradorError
from simutrador_core.interfaces.storage import BarStore
from simutrador_data import __version__
from simutrador_data.api import (
    bars,
    chart,
    dataset_id,
    gaps,
    health,
    pages,
    problems,
    root,
    trading_data,
)
from simutrador_data.api.dependencies import Services
from simutrador_data.api.docs import docs_router
from simutrador_data.api.head import HeadMiddleware
from simutrador_data.api.middleware import LoopbackMiddleware, RequestIdMiddleware
from simutrador_data.api.openapi import correct_openapi
from simutrador_data.core.addresses import check_host
from simutrador_data.core.settings import Settings, get_settings
from simutrador_data.services.opening import load_registry, open_store, probe
from simutrador_service.logging import configure_logging

if TYPE_CHECKING:
    app: FastAPI


def create_app(
    settings: Settings | None = None,
    *,
    store: BarStore | None = None,
    registry: AssetRegistry | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        settings: Settings to use; those of the process when None.
        store: A store to serve, which its owner closes; None opens the one the settings name when
            the application starts, and closes it when it ends.
        registry: Assets; None takes the built-in ones and those of the store's `assets.toml`.

    Raises:
        SettingsError: a setting is wrong, or names an address other than loopback.
    """
    chosen = settings or get_settings()
    check_host(chosen.api.host)
    app = FastAPI(
        title="SimuTrador Data Manager",
        description="Complete, explained and versioned OHLCV bars.",
        version=__version__,
        lifespan=_lifespan(chosen, store, registry),
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    # A request is compared with the routes in their order: those asked most often stand first.
    for module in (bars, trading_data, dataset_id, chart, gaps, health):
        app.include_router(module.router)
    # The page of `/` stands before the document of `/`, which programs get.
    for router in (pages.shared_router, root.router, pages.router):
        app.include_router(router)
    app.include_router(docs_router(app))
    correct_openapi(app)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(LoopbackMiddleware)
    if chosen.api.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(chosen.api.allowed_origins),
            allow_methods=["GET", "HEAD"],
            expose_headers=["ETag", "X-As-Of", "X-Dataset-Id", "X-Request-ID"],
        )
    app.add_middleware(RequestIdMiddleware)
    return app


def serve(settings: Settings) -> None:
    """Serve until interrupted.

    Raises:
        SettingsError: the settings name an address other than loopback.
    """
    import uvicorn

    configure_logging(settings.log_level, settings.logging.format)
    uvicorn.run(
        create_app(settings),
        host=settings.api.host,
        port=settings.api.port,
        log_config=None,
        access_log=False,
        server_header=False,
    )


def _lifespan(
    settings: Settings, store: BarStore | None, registry: AssetRegistry | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        assets = registry or await asyncio.to_thread(load_registry, settings.data_storage)
        if store is not None:
            app.state.services = Services(settings, store, assets)
            yield
            return
        opened = await asyncio.to_thread(open_store, settings.data_storage)
        try:
            app.state.services = Services(settings, opened, assets)
            yield
        finally:
            await asyncio.to_thread(opened.close)

    return lifespan


def __getattr__(name: str) -> FastAPI:
    """Build `app` when a server first asks for it, so that importing this module is cheap."""
    if name == "app":
        built = create_app()
        globals()["app"] = built
        return built
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    try:
        probe(get_settings().data_storage)
        serve(get_settings())
    except SimutradorError as e:
        sys.exit(f"error: {e}")
