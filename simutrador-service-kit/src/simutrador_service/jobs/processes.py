"""Workers in processes of their own: one that dies is replaced, its jobs go to the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from threading import Event, Thread
from typing import Final

from simutrador_service.jobs.worker import Worker
from simutrador_service.logging.loggers import get_logger

_log = get_logger(__name__)
_CONTEXT: Final = multiprocessing.get_context("spawn")  # a fork would copy locks and connections
_LOOK_S: Final = 0.2


class WorkerProcesses:
    """A fixed number of worker processes."""

    def __init__(self, make: Callable[[], Worker], *, count: int) -> None:
        """Prepare them.

        Args:
            make: Importable function that builds a process's worker, its database included.
            count: How many processes.
        """
        self._make = make
        self._count = count
        self._processes: list[SpawnProcess] = []
        self._stopping = Event()
        self._guard = Thread(target=self._replace_dead, name="job-guard", daemon=True)

    @property
    def pids(self) -> list[int]:
        """Process ids of those alive."""
        return [p.pid for p in list(self._processes) if p.pid is not None and p.is_alive()]

    def start(self) -> None:
        """Start all of them."""
        self._processes = [self._spawn() for _ in range(self._count)]
        self._guard.start()

    def stop(self, *, timeout_s: float = 30.0) -> None:
        """Let runs end, then end the processes; those that do not are killed."""
        self._stopping.set()
        self._guard.join()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(timeout_s)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        self._processes = []

    def _spawn(self) -> SpawnProcess:
        process = _CONTEXT.Process(target=work, args=(self._make, os.getpid()), daemon=True)
        process.start()
        return process

    def _replace_dead(self) -> None:
        while not self._stopping.is_set():
            wait([process.sentinel for process in self._processes], timeout=_LOOK_S)
            for place, process in enumerate(self._processes):
                if not process.is_alive() and not self._stopping.is_set():
                    _log.warning("worker_died", exit_code=process.exitcode)
                    self._processes[place] = self._spawn()
                    process.close()
                    self._stopping.wait(_LOOK_S)  # one that dies at once must not spin


def work(make: Callable[[], Worker], parent: int) -> None:
    """Work until asked to end, or until the process that started this one is gone."""
    asked = Event()

    def ask(_number: int, _frame: object) -> None:
        asked.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    worker = make()
    worker.start()
    while not asked.wait(_LOOK_S) and os.getppid() == parent:
        pass
    worker.stop()
