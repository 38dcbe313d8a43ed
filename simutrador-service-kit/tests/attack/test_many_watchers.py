"""Two hundred watchers of one job: all hear its end, and the table is asked as if by one."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from sqlalchemy import event

from kit_jobs import KINDS, Steps, steps
from kit_service import SERVICE, served
from simutrador_service.database import Database
from simutrador_service.jobs import Jobs
from simutrador_service.jobs.routes import job_routes
from simutrador_service.web import create_app

WATCHERS = 200
PATIENCE_S = 30


class Watcher:
    """A client that keeps a stream open."""

    def __init__(self, address: str, job_id: str) -> None:
        self._address = urlsplit(address)
        self._job_id = job_id

    async def begin(self) -> None:
        """Ask, and read the first event."""
        self._reader, self._writer = await asyncio.open_connection(
            self._address.hostname, self._address.port
        )
        asked = f"GET /jobs/{self._job_id}/events HTTP/1.1\r\nHost: {self._address.netloc}\r\n\r\n"
        self._writer.write(asked.encode())
        await self._reader.readuntil(b"event: progress")

    async def end(self) -> bytes:
        """Read to the end of the stream; return the last event."""
        await self._reader.readuntil(b"event: end")
        last = await self._reader.readuntil(b"\r\n\r\n")
        self._writer.close()
        await self._writer.wait_closed()
        return last


async def test_all_hear_the_end_of_the_job_and_the_table_is_asked_once_a_turn(
    sqlite: Database,
) -> None:
    jobs = Jobs(sqlite, KINDS)
    asked = jobs.submit(steps, Steps(name="a"))

    with served(lambda server: create_app(SERVICE, server, routers=[job_routes(jobs)])) as address:
        watchers = [Watcher(address, asked.id) for _ in range(WATCHERS)]
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(watcher.begin() for watcher in watchers))
            looks: list[object] = []

            def count(*asked: object) -> None:
                looks.append(asked)

            event.listen(
                sqlite.engine, "before_cursor_execute", lambda *told: looks.append(told[2])
            )
            began = asyncio.get_running_loop().time()
            await asyncio.to_thread(jobs.cancel, asked.id)
            last = await asyncio.gather(*(watcher.end() for watcher in watchers))
            took_s = asyncio.get_running_loop().time() - began
    assert all(b'"state":"cancelled"' in told for told in last)
    assert len(looks) < 20 + 20 * took_s  # each look is a few statements, two looks a second
