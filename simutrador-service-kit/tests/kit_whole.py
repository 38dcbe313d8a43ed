"""One service that mounts everything the kit has; run as a program it is a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import IO, Annotated, Any, Final

import httpx
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, SecretStr

from kit_auth import PASSWORD, SECRET, quick_passwords
from kit_forks import forked, serve_forks
from simutrador_core.errors import SimutradorError
from simutrador_service.auth import (
    Accounts,
    CallerLimits,
    Principal,
    Role,
    auth_routes,
    exposure,
    guard_exposure,
    open_accounts,
    require,
)
from simutrador_service.auth.users import principal_of
from simutrador_service.config import (
    AuthSection,
    DatabaseSection,
    RedisSection,
    ServerSection,
    ServiceSettings,
    load,
)
from simutrador_service.database import KIT, Database
from simutrador_service.database.base import utc_now
from simutrador_service.errors import UnavailableError
from simutrador_service.jobs import JobContext, Jobs, Worker, job
from simutrador_service.jobs.lifespan import run_workers
from simutrador_service.jobs.routes import job_routes
from simutrador_service.limits import RateLimiter
from simutrador_service.logging import configure_logging, setup
from simutrador_service.monitoring import HealthChecks
from simutrador_service.redis import connect_async
from simutrador_service.scheduler import Schedule, Schedules, cron
from simutrador_service.scheduler.routes import schedule_routes
from simutrador_service.web import PageRoute, ServiceInfo, create_app, serve
from simutrador_service.web.page_route import pages_of

FAULT: Final = "KIT_FAULT"
PEOPLE: Final = "KIT_PEOPLE"
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
    database_url: str | None = None,
    users: bool = True,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Whole]:
    """Open the service, with a user of each role; unless told otherwise it asks for a login."""
    server = server or ServerSection()
    database = Database(database_url or f"sqlite:///{folder / 'service.db'}")
    KIT.upgrade(database)
    settings = auth or AuthSection(enabled=True, jwt_secret=SecretStr(SECRET))
    accounts = open_accounts(
        database, settings, data=folder, passwords=quick_passwords(), clock=clock
    )
    try:
        if users and not accounts.users.list_users():
            for role, name in USERS.items():
                accounts.users.create(name, PASSWORD, role=role)
        exposed = guard_exposure(server, settings, keys=accounts.keys, data=folder)
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
            authenticator=accounts.authenticator(is_open=exposed.is_open),
            limits=CallerLimits(RateLimiter(redis)),
            exposure=exposed,
        )
        yield Whole(app, accounts, jobs, database)
    finally:
        accounts.close()
        database.close()


_hosts = count(1)


def next_address() -> str:
    """Return an address that nobody has called from yet."""
    number = next(_hosts)
    return f"198.18.{number // 256}.{number % 256}"


class Settings(ServiceSettings):
    """What the process reads from its environment."""

    server: ServerSection = ServerSection()
    auth: AuthSection = AuthSection()
    redis: RedisSection = RedisSection()
    database: DatabaseSection = DatabaseSection()


def main() -> None:
    """Serve from the folder named, as the environment says, until told to stop."""
    configure_logging("DEBUG", "json")
    plant(os.environ.get(FAULT, ""))
    try:
        settings = load(Settings)
        with opened(
            Path(sys.argv[1]),
            server=settings.server,
            auth=settings.auth,
            redis_url=said(settings.redis.url),
            database_url=said(settings.database.url),
            users=PEOPLE in os.environ,
        ) as whole:
            serve(whole.app, settings.server, announce=say)
    except SimutradorError as e:
        sys.exit(f"error: {e}")


def said(url: SecretStr | None) -> str | None:
    """Return what a setting holds."""
    return None if url is None else url.get_secret_value()


def say(address: str) -> None:
    """Tell the address to whoever started this process."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


def plant(fault: str) -> None:
    """Break this process in the way that is named."""
    if fault == "count-alone":
        setattr(RateLimiter, "_hit_shared", _count_alone)  # noqa: B010
    elif fault == "loopback-everywhere":
        setattr(exposure, "is_loopback", lambda _: True)  # noqa: B010
    elif fault == "key-for-all":
        setattr(exposure, "write_private", _write_for_all)  # noqa: B010
    elif fault == "bind-everywhere":
        listening = import_module("simutrador_service.web.serving")
        bind = listening.bind
        setattr(listening, "bind", lambda _, port: bind("0.0.0.0", port))  # noqa: B010
    elif fault == "wait-to-be-rung":
        setattr(Worker, "start", lambda _worker: None)  # noqa: B010
    elif fault == "no-mask":
        setup.hide_secrets.__code__ = _show_secrets.__code__


def _write_for_all(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)


async def _count_alone(*_: object) -> None:
    return None


def _show_secrets(_logger: Any, _method: str, event: Any) -> Any:
    return event


def process(folder: Path, **environment: str) -> AbstractContextManager[str]:
    """Run the service in a process of its own and give its address; it logs to `folder/log`.

    Raises:
        RuntimeError: it ended instead; the text is what it wrote.
    """
    return _process(forked, folder, environment)


def fresh_process(folder: Path, **environment: str) -> AbstractContextManager[str]:
    """Run it in an interpreter that has imported nothing yet."""
    return _process(started, folder, environment)


@contextmanager
def _process(start: Any, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    variables = {**os.environ, "SERVER__PORT": "0", **environment}
    with (folder / "log").open("ab") as log, start(__file__, folder, variables, log) as written:
        address = written.readline().strip()
        if not address:
            raise RuntimeError((folder / "log").read_text())
        yield address


@contextmanager
def started(
    script: str, folder: Path, environment: dict[str, str], log: IO[bytes]
) -> Iterator[IO[str]]:
    """Run a script in an interpreter of its own and give what it writes."""
    command = [sys.executable, script, str(folder)]
    begun = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    )
    assert begun.stdout is not None
    try:
        yield begun.stdout
    finally:
        begun.terminate()
        begun.communicate(timeout=20)


if __name__ == "__main__":
    if sys.argv[1] == "--forks":
        serve_forks(int(sys.argv[2]), main)
    else:
        main()
