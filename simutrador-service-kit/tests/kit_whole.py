"""One service that mounts everything the kit has; run as a program it is a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, SecretStr

from kit_auth import PASSWORD, SECRET, quick_passwords
from simutrador_service.auth import (
    Accounts,
    CallerLimits,
    Principal,
    Role,
    auth_routes,
    guard_exposure,
    open_accounts,
    require,
)
from simutrador_service.auth.users import principal_of
from simutrador_service.config import AuthSection, ServerSection
from simutrador_service.database import KIT, Database
from simutrador_service.database.base import utc_now
from simutrador_service.errors import UnavailableError
from simutrador_service.jobs import JobContext, Jobs, job
from simutrador_service.jobs.lifespan import run_workers
from simutrador_service.jobs.routes import job_routes
from simutrador_service.limits import RateLimiter
from simutrador_service.logging import configure_logging
from simutrador_service.monitoring import HealthChecks
from simutrador_service.redis import connect_async
from simutrador_service.scheduler import Schedule, Schedules, cron
from simutrador_service.scheduler.routes import schedule_routes
from simutrador_service.web import PageRoute, ServiceInfo, create_app, serve
from simutrador_service.web.page_route import pages_of

INFO = ServiceInfo("simutrador-whole", "1.0.0", "SimuTrador Whole")
USERS = {role: f"{role}@example.com" for role in Role}


class Told(BaseModel):
    text: str


@job("repeat", version=1)
async def repeat(params: Told, ctx: JobContext) -> str:
    """Give back what was told, or fail with it."""
    if params.text.startswith("fail"):
        raise RuntimeError(params.text)
    return params.text


@dataclass(frozen=True)
class Whole:
    """The service and its parts."""

    app: FastAPI
    accounts: Accounts
    jobs: Jobs
    database: Database

    def client(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """Return a client that calls from this address; crashes become answers."""
        transport = httpx.ASGITransport(
            self.app, client=(address, 1234), raise_app_exceptions=False
        )
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", trust_env=False)

    def key(self, scopes: str, *, owner: str = "ann", tenant: str | None = None) -> str:
        """Return a new API key."""
        return self.accounts.keys.create(owner, scopes=scopes.split(), tenant=tenant).key

    def token(self, role: Role) -> str:
        """Return an access token of the user with this role."""
        user = self.accounts.users.get(USERS[role])
        return self.accounts.tokens.issue(principal_of(user))


def own_routes() -> APIRouter:
    """Return what a service adds of its own: a page, a socket, and what fails."""
    router = APIRouter()

    @router.get("/crash", dependencies=[require("bars:read")])
    async def crash(request: Request, said: str = "") -> None:
        """Fail as a bug does, with what was sent in the text of the error."""
        raise RuntimeError(f"{said} {request.headers.raw}")

    @router.get("/away", dependencies=[require("bars:read")])
    async def away() -> None:
        """Fail as when a server is down."""
        raise UnavailableError("the vendor does not answer; try again later")

    @router.websocket("/ws/echo")
    async def echo(socket: WebSocket, caller: Annotated[Principal, require("bars:read")]) -> None:
        await socket.accept()
        await socket.send_text(caller.id)
        await socket.close()

    pages = APIRouter(route_class=PageRoute)

    @pages.get("/overview", dependencies=[require("bars:read")])
    def overview(request: Request) -> HTMLResponse:
        """Show a page."""
        return pages_of(request).page(
            "kit/docs.html", here="/overview", info={"title": "All", "version": "1"}, operations=[]
        )

    router.include_router(pages)
    return router


@contextmanager
def opened(
    folder: Path,
    *,
    server: ServerSection | None = None,
    auth: AuthSection | None = None,
    redis_url: str | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Whole]:
    """Open the service with a user of each role; it asks for a credential wherever it is bound."""
    server = server or ServerSection()
    database = Database(f"sqlite:///{folder / 'service.db'}")
    KIT.upgrade(database)
    settings = auth or AuthSection(enabled=True, jwt_secret=SecretStr(SECRET))
    accounts = open_accounts(
        database, settings, data=folder, passwords=quick_passwords(), clock=clock
    )
    try:
        for role, name in USERS.items():
            if not any(user.name == name for user in accounts.users.list_users()):
                accounts.users.create(name, PASSWORD, role=role)
        exposure = guard_exposure(server, settings, keys=accounts.keys, data=folder)
        jobs = Jobs(database, [repeat])
        nightly = Schedule("nightly", cron("0 22 * * *", "UTC"), repeat, Told(text="night"))
        redis = None if redis_url is None else connect_async(redis_url, timeout_s=2, retries=0)

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
            async with run_workers(jobs):
                yield
            if redis is not None:
                await redis.aclose()

        checks = HealthChecks(INFO.name, INFO.version)
        checks.add("database", database.ping)
        app = create_app(
            INFO,
            server,
            routers=[
                auth_routes(accounts, registration=Role.VIEWER),
                job_routes(jobs),
                schedule_routes(Schedules(jobs, [nightly])),
                own_routes(),
            ],
            lifespan=lifespan,
            checks=checks,
            authenticator=accounts.authenticator(is_open=exposure.is_open),
            limits=CallerLimits(RateLimiter(redis)),
            exposure=exposure,
        )
        yield Whole(app, accounts, jobs, database)
    finally:
        accounts.close()
        database.close()


def main() -> None:
    """Serve from the folder named, on any free port, until told to stop."""
    configure_logging("DEBUG", "json")
    server = ServerSection(port=0, shutdown_timeout_s=1)
    with opened(Path(sys.argv[1]), server=server, redis_url=os.environ.get("KIT_REDIS")) as whole:
        serve(whole.app, server, announce=say)


def say(address: str) -> None:
    """Tell the address to whoever started this process."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
