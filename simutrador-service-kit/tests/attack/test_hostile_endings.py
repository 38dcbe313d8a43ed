"""Jobs that end with what no database keeps or nobody may read: they end all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from kit_web import Log, logged
from simutrador_core.errors import SimutradorError
from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, Retry, Worker, job
from simutrador_service.jobs.models import JobView

KEY = "sk_0123456789ab.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-AbCdE"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJlc2lnbmF0dXJl"
SECRETS = (KEY, TOKEN, "hunter2hunter2")


class Says(BaseModel):
    way: str


class SaidError(SimutradorError):
    """An error of a service's own, whose text the client reads."""

    code = "said"


async def _in_error(ctx: JobContext) -> Any:
    raise SaidError("the file caf\udce9\x00.csv is missing")


async def _in_foreign_error(ctx: JobContext) -> Any:
    raise ValueError("\udce9\x00" * 10_000)


async def _in_long_error(ctx: JobContext) -> Any:
    raise SaidError("x" * 1_000_000)


async def _with_secrets(ctx: JobContext) -> Any:
    raise SaidError(f"GET https://u:{SECRETS[2]}@vendor.example/?token={TOKEN} said no to {KEY}")


async def _in_result(ctx: JobContext) -> Any:
    return {"files": ["caf\udce9.csv"]}


async def _in_step(ctx: JobContext) -> Any:
    ctx.progress(1, 2, "caf\udce9\x00.csv " * 1000)
    return "done"


async def _in_checkpoint(ctx: JobContext) -> Any:
    ctx.checkpoint({"file": "caf\udce9.csv"})


async def _as_error_that_cannot_be_shown(ctx: JobContext) -> Any:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    raise MuteError


WAYS = {
    "error": (_in_error, "failed", "said"),
    "foreign error": (_in_foreign_error, "failed", "unexpected_error"),
    "long error": (_in_long_error, "failed", "said"),
    "secrets": (_with_secrets, "failed", "said"),
    "result": (_in_result, "failed", "invalid_input"),
    "step": (_in_step, "completed", None),
    "checkpoint": (_in_checkpoint, "failed", "invalid_input"),
    "mute error": (_as_error_that_cannot_be_shown, "failed", "unexpected_error"),
}


@job("says", version=1, retry=Retry(attempts=1))
async def says(params: Says, ctx: JobContext) -> Any:
    return await WAYS[params.way][0](ctx)


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    with logged() as stream:
        yield stream


def test_each_ends_after_one_run_and_can_be_read(database: Database, log: Log) -> None:
    jobs = Jobs(database, [says])
    for way, (_, state, code) in WAYS.items():
        asked = jobs.submit(says, Says(way=way))
        assert Worker(jobs).run_until_idle() == 1
        found = JobView.of(jobs.get(asked.id), now=jobs.clock())
        assert (found.state, found.error_code, found.attempt) == (state, code, 1), way
        told = found.model_dump_json()
        assert len(told) < 5_000, way
        assert not [secret for secret in SECRETS if secret in told + log.getvalue()], way
