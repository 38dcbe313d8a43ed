"""A running data manager on loopback for tests of its readers elsewhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InvalidSymbolError
from simutrador_core.interfaces.storage import Change
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.api.dependencies import Services
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.corporate_actions.adjusted_store import AdjustedStore
from simutrador_data.services.corporate_actions.opening import adjusting
from simutrador_data.services.storage.parquet_store import ParquetStore


class Served:
    """A store, and the address at which it is served."""

    def __init__(self, store: ParquetStore, url: str) -> None:
        self.store = store
        self.url = url


class Site:
    """One real server for many tests: each store is served below a number of its own."""

    def __init__(self) -> None:
        self.url = ""
        self._services: list[Services] = []
        self._app = create_app(Settings())

    def add(self, store: ParquetStore, adjusted: AdjustedStore) -> Served:
        self._services.append(Services(Settings(), store, AssetRegistry.default(), adjusted))
        return Served(store, f"{self.url}/{len(self._services) - 1}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": (await receive())["type"] + ".complete"})
            return
        number, _, path = scope["path"].removeprefix("/").partition("/")
        # Tests ask one after the other, so the services of this request are those of the app.
        self._app.state.services = self._services[int(number)]
        inner = {**scope, "path": f"/{path}", "raw_path": f"/{path}".encode()}
        await self._app(inner, receive, send)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Return a running server without any store."""
    made = Site()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            made, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield made
        finally:
            server.should_exit = True
            thread.join()


Serve = Callable[[Path, Sequence[Change]], Served]


@pytest.fixture
def serve(site: Site) -> Iterator[Serve]:
    """Return what stores changes in a folder and serves them until the test ends.

    The REST interface takes canonical symbols; another one is refused before it is stored.
    """
    with ExitStack() as opened:

        def start(folder: Path, changes: Sequence[Change]) -> Served:
            for page in (page for change in changes for page in change.pages):
                if parse_symbol(page.symbol) != page.symbol:
                    raise InvalidSymbolError(f"{page.symbol!r} is not canonical", field="symbol")
            store = opened.enter_context(ParquetStore(folder))
            for change in changes:
                store.commit(change)
            adjusted = opened.enter_context(adjusting(store, AssetRegistry.default()))
            return site.add(store, adjusted)

        yield start
