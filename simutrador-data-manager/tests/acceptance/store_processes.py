"""Writers and readers in processes of their own, for the tests of S1, S4, S5, S11.

    python store_processes.py kill FAULT       one writer after another, each killed when asked
    python store_processes.py contend FAULT ROOT WORKERS COMMITS
    python store_processes.py watch ROOT SEED  read until the standard input ends
    python store_processes.py restate ROOT     make versions until the standard input ends

The process imports once and forks, so that a hundred kills cost seconds. FAULT is `none`, or the
name of a mistake planted in these processes: see `plant`.
"""

from __future__ import annotations

import json
import os
import queue
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet  # noqa: F401 - imported once, before the forks
from store_steps import (
    BASE_US,
    MINUTE_US,
    NOW,
    Model,
    change,
    change_to_version,
    flat,
    rows_of_version,
)

from simutrador_core.errors import ConflictError
from simutrador_core.interfaces.storage import Change, Commit
from simutrador_core.models.bars import BarQuery, from_us
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import query_all
from simutrador_data.services.storage.parquet_store import ParquetStore


@contextmanager
def plant(fault: str) -> Iterator[None]:
    """Plant a mistake for as long as the context lasts; `none` plants nothing."""
    mistakes: dict[str, Callable[[], Any]] = {
        "none": lambda: patch.dict({}),
        "write behind": lambda: patch.object(ParquetStore, "commit", _write_behind()),
        "ignore base": lambda: patch.object(ParquetStore, "commit", _deaf_to_base()),
    }
    with mistakes[fault]():
        yield


def _deaf_to_base() -> Callable[..., Commit]:
    """Return a `commit` that does not look at the writer's base version."""
    whole = ParquetStore.commit

    def deaf(self: ParquetStore, given: Change, *, base: int | None = None) -> Commit:
        return whole(self, given)

    return deaf


def _write_behind() -> Callable[..., Commit]:
    """Return a `commit` that answers at once and writes later."""
    waiting: queue.Queue[Callable[[], object]] = queue.Queue()
    whole = ParquetStore.commit

    def work() -> None:
        while True:
            waiting.get()()

    def later(self: ParquetStore, given: Change, *, base: int | None = None) -> Commit:
        if waiting.empty() and threading.active_count() == 1:
            threading.Thread(target=work, daemon=True).start()
        waiting.put(lambda: whole(self, given, base=base))
        return Commit(0, NOW, (), 0, 0, 0)

    return later


def say(line: str) -> None:
    """Tell the test one line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serve_kills() -> None:
    """Answer each line `{root, done, after, delay}` with what a writer did before its death.

    It is killed `delay` seconds after it acknowledged `after` steps.
    """
    for line in sys.stdin:
        order = json.loads(line)
        say(json.dumps(_kill_one(order)))


def _kill_one(order: dict[str, Any]) -> dict[str, Any]:
    receive, send = os.pipe()
    writer = os.fork()
    if writer == 0:
        os.close(receive)
        _write_until_killed(Path(order["root"]), order["done"], send)
    os.close(send)
    acknowledged = _read_some(receive, order["after"])
    acknowledged += _read_until(receive, time.monotonic() + order["delay"])
    os.kill(writer, signal.SIGKILL)
    acknowledged += _read_until(receive, None)
    os.close(receive)
    _, status = os.waitpid(writer, 0)
    return {"acknowledged": len(acknowledged), "killed": os.WIFSIGNALED(status)}


def _write_until_killed(root: Path, done: int, send: int) -> None:
    """Do the steps after the first `done`; one byte on the pipe acknowledges each."""
    try:
        model = Model()
        for number in range(done):
            model.step(number)
        with ParquetStore(root) as store:
            for number in range(done, done + 100_000):
                for deed in model.step(number):
                    _do(store, deed)
                os.write(send, b".")
    except BaseException:  # noqa: BLE001 - shown, then the process ends
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)


def _do(store: ParquetStore, deed: Change | Maintenance) -> None:
    if isinstance(deed, Maintenance):
        store.maintain(deed)
    else:
        store.commit(deed)


def _read_some(pipe: int, least: int) -> bytes:
    """Return what arrives, at least so many bytes unless nobody writes any more."""
    found = b""
    while len(found) < least:
        part = os.read(pipe, 65_536)
        if not part:
            return found
        found += part
    return found


def _read_until(pipe: int, deadline: float | None) -> bytes:
    """Return what arrives until a deadline, or until nobody writes any more."""
    found = b""
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([pipe], [], [], left)
        if not ready:
            return found
        part = os.read(pipe, 65_536)
        if not part:
            return found
        found += part


def contend(root: Path, workers: int, commits: int) -> None:
    """Let forked workers commit to one series at once; print what each did."""
    pipes: list[int] = []
    for worker in range(workers):
        receive, send = os.pipe()
        if os.fork() == 0:
            result = _contend(root, worker, workers, commits)
            os.write(send, json.dumps(result).encode())
            os._exit(0)
        os.close(send)
        pipes.append(receive)
    results = [json.loads(_read_until(pipe, None) or b'{"error": "died"}') for pipe in pipes]
    say(json.dumps(results))


def counter_query() -> BarQuery:
    """Return the query for the one bar that every worker counts up."""
    return BarQuery("AAPL", Timeframe.MINUTE_1, from_us(BASE_US), from_us(BASE_US + MINUTE_US))


def _contend(root: Path, worker: int, workers: int, commits: int) -> dict[str, Any]:
    most = conflicts = 0
    try:
        with ParquetStore(root) as store:
            counter = Counter(store, random.Random(worker), workers)
            for number in range(commits):
                retries = counter.count(1 + number * workers + worker)  # neighbours interleave
                conflicts += retries
                most = max(most, retries)
    except BaseException as error:  # noqa: BLE001 - handed to the test
        return {"error": f"{type(error).__name__}: {error}"}
    return {"conflicts": conflicts, "most": most}


class Counter:
    """A writer that counts one shared bar up, and writes a bar of its own in the same commit.

    It fetches before it commits and steps back after a conflict, both for a random while that is
    measured in its own commits, so that the test means the same on a slow machine.
    """

    def __init__(self, store: ParquetStore, chance: random.Random, workers: int) -> None:
        self._store = store
        self._chance = chance
        self._workers = workers
        self._took = 0.002

    def count(self, minute: int) -> int:
        """Commit until no other writer was first; return how often it was retried."""
        for attempt in range(100):
            pause = 12 * self._workers * self._took * 2**attempt
            time.sleep(self._chance.random() * pause)
            begun = time.monotonic()
            is_done = self._try(minute)
            self._took += 0.2 * (time.monotonic() - begun - self._took)
            if is_done:
                return attempt
        raise AssertionError("100 conflicts in a row")

    def _try(self, minute: int) -> bool:
        base = self._store.segments(counter_query())[0].commit
        count = float(self._store.read(counter_query()).volume[0]) + 1
        times = BASE_US + np.array([0, minute], dtype=np.int64) * MINUTE_US
        page = flat("AAPL", Timeframe.MINUTE_1, times, 1.0)
        page = replace(page, volume=np.array([count, 1.0]))
        try:
            self._store.commit(change(page, on_conflict=OnConflict.REPLACE), base=base)
        except ConflictError:
            return False
        return True


def watch(root: Path, seed: int) -> None:
    """Read newest, streamed and older versions until the standard input ends."""
    chance = random.Random(seed)
    reads, seen, errors = 0, 0, list[str]()
    with ParquetStore(root, mirror_limit_bytes=0 if seed % 2 else 2**30) as store:
        say("ready")
        while not select.select([sys.stdin], [], [], 0)[0] and len(errors) < 5:
            try:
                seen = max(seen, _look(store, chance, seen))
            except Exception as error:  # noqa: BLE001 - handed to the test
                errors.append(f"{type(error).__name__}: {error}")
            reads += 1
    say(json.dumps({"reads": reads, "last": seen, "errors": errors}))


def _look(store: ParquetStore, chance: random.Random, seen: int) -> int:
    """Return the version one read shows; raise when it shows a mix, or goes back in time."""
    query = query_all("AAPL")
    way = chance.randrange(3)
    wanted = chance.randint(1, seen) if way == 1 and seen else None
    if way == 0:
        closes = [price for part in store.stream(query, rows=7) for price in part.close.tolist()]
    else:
        closes = store.read(replace(query, as_of=wanted)).close.tolist()
    assert len(set(closes)) == 1, f"not one version but {sorted(set(closes))}"
    version = int(closes[0])
    assert len(closes) == rows_of_version(version), f"version {version} has {len(closes)} bars"
    assert wanted in (None, version), f"version {wanted} reads as {version}"
    assert wanted or version >= seen, f"version {version} after {seen}"
    return version


def restate(root: Path) -> None:
    """Make version after version, compact and vacuum, until the standard input ends."""
    with ParquetStore(root) as store:
        version = store.status().latest_commit
        say("ready")
        while not select.select([sys.stdin], [], [], 0)[0]:
            version = store.commit(change_to_version(version + 1)).id
            if version % 40 == 0:
                store.maintain(Maintenance.COMPACT)
                store.maintain(Maintenance.VACUUM)
        say(str(version))


def main(arguments: list[str]) -> None:
    """Run what the command line asks for."""
    command, *rest = arguments
    if command == "restate":
        restate(Path(rest[0]))
        return
    if command == "watch":
        watch(Path(rest[0]), int(rest[1]))
        return
    with plant(rest[0]):
        if command == "kill":
            serve_kills()
        else:
            contend(Path(rest[1]), int(rest[2]), int(rest[3]))


if __name__ == "__main__":
    main(sys.argv[1:])
