"""Serves one trivial route, bare or with all the kit puts around it, in a process of its own.

`python kit_bench_server.py bare|kit FOLDER` writes a line of JSON: address and key.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import APIRouter, FastAPI

from simutrador_service.auth import Authenticator, Principal, require
from simutrador_service.auth.exposure import Exposure
from simutrador_service.auth.keys import KeyStore
from simutrador_service.config import ServerSection
from simutrador_service.database import KIT, Database
from simutrador_service.logging import configure_logging
from simutrador_service.web import ServiceInfo, bind, create_app, serve
from simutrador_service.web.serving import loop_factory


def bare() -> None:
    """Serve FastAPI as it comes, on the same loop and parser."""
    app = FastAPI(openapi_url=None)

    @app.get("/trivial")
    async def trivial() -> dict[str, bool]:
        return {"ok": True}

    listening = bind("127.0.0.1", 0)
    tell(f"http://127.0.0.1:{listening.getsockname()[1]}", "none")
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listening]))


def kit(folder: Path) -> None:
    """Serve the same route with auth, metrics, the access log and everything else."""
    router = APIRouter()

    @router.get("/trivial")
    async def trivial(caller: Annotated[Principal, require("bench:read")]) -> dict[str, bool]:
        return {"ok": bool(caller.id)}

    database = Database(f"sqlite:///{folder / 'bench.db'}")
    KIT.upgrade(database)
    keys = KeyStore(database)
    key = keys.create("bench", scopes=["bench:read"]).key
    configure_logging("INFO", "json", stream=(folder / "log").open("w", encoding="utf-8"))
    app = create_app(
        ServiceInfo("bench", "1", "Bench"),
        ServerSection(),
        routers=[router],
        authenticator=Authenticator(keys),
        exposure=Exposure(is_open=False, hosts=frozenset()),
    )
    serve(app, ServerSection(port=0), announce=lambda address: tell(address, key))
    database.close()


def tell(address: str, key: str) -> None:
    sys.stdout.write(json.dumps({"address": address, "key": key}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.captureWarnings(capture=True)
    if sys.argv[1] == "bare":
        bare()
    else:
        kit(Path(sys.argv[2]))
