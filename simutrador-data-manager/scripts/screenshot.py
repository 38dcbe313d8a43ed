"""Make the picture of the README: the page of AAPL over the real bars of the demo.

    uv run --group browser python scripts/screenshot.py ../docs/images/data-manager.png

Needs Chromium on the path.
"""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn
from playwright.sync_api import Page, sync_playwright

from simutrador_core.assets.registry import AssetRegistry
from simutrador_data.core.settings import Settings
from simutrador_data.demo.tour import run_tour
from simutrador_data.main import create_app
from simutrador_data.services.progress.progress import QuietProgress
from simutrador_data.services.storage.parquet_store import ParquetStore

WIDTH: Final = 1280
PATH: Final = "/symbols/AAPL?timeframe=daily"
PLACES: Final = ("#chart", "#heatmap", "#gaps")


def main(target: Path) -> None:
    """Fill a store with the demo, serve it, and take the picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("error: no Chromium on the path (Debian: apt-get install chromium)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(folder) as address, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": WIDTH, "height": 800}, color_scheme="light")
        take(page, address + PATH, target)
        browser.close()
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


def take(page: Page, url: str, target: Path) -> None:
    """Save what the page shows from its top to the end of the coverage."""
    page.goto(url)
    for place in PLACES:
        page.wait_for_selector(f'{place}[data-state="ready"]')
    page.wait_for_selector("#chart .main-svg")
    box = page.locator("section", has=page.locator("#heatmap")).bounding_box()
    assert box is not None
    height = box["y"] + box["height"] + 16
    page.screenshot(
        path=target, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height}
    )


@contextmanager
def served(folder: str) -> Iterator[str]:
    """Fill a store with the demo and serve it; gives the address."""
    with (
        ParquetStore(Path(folder)) as store,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        registry = AssetRegistry.default()
        run_tour(store, registry, now=datetime.now(UTC), progress=QuietProgress())
        app = create_app(Settings(), store=store, registry=registry)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            # The socket listens already: a browser that comes early waits for the server.
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
