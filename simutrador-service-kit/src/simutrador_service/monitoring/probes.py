"""Checks of what most services need: their database, Redis, room on the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simutrador_service.database import Database
from simutrador_service.monitoring.checks import Check, CheckFailedError
from simutrador_service.redis import ping, ping_async

if TYPE_CHECKING:
    from simutrador_service.redis import AnyRedis

LEAST_FREE_BYTES: Final = 256 * 2**20


def check_database(database: Database) -> Check:
    """Return a check that the database answers."""

    def check() -> None:
        database.ping()

    return check


def check_redis(client: AnyRedis) -> Check:
    """Return a check that Redis answers and takes writes; what it refuses is told apart."""
    from redis.asyncio import Redis as AsyncRedis

    if isinstance(client, AsyncRedis):

        async def check_awaited() -> None:
            await ping_async(client)

        return check_awaited

    def check() -> None:
        ping(client)

    return check


def check_disk(folder: Path, *, least_free_bytes: int = LEAST_FREE_BYTES) -> Check:
    """Return a check that files can be written in `folder` and some room is left.

    Args:
        folder: Where the service keeps its files.
        least_free_bytes: Less than this is a failure; 256 MiB by default.
    """

    def check() -> dict[str, Any]:
        try:
            free = shutil.disk_usage(folder).free
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(os.urandom(512))
                probe.flush()
        except OSError as e:
            raise CheckFailedError(
                f"{folder} cannot be written: {e.strerror}; free or mount its disk, or correct "
                "its owner"
            ) from e
        if free < least_free_bytes:
            raise CheckFailedError(
                f"{folder} has {free:,} bytes left, at least {least_free_bytes:,} are needed; "
                "free some"
            )
        return {"free_bytes": free}

    return check


__all__ = ["LEAST_FREE_BYTES", "check_database", "check_disk", "check_redis"]
