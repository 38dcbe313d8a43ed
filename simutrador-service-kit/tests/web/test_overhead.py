"""What the kit costs: time added to a request, and requests one core can serve."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit_service import connect
from simutrador_core.testing.acceptance import at_scale

SERVER = Path(__file__).parents[1] / "kit_bench_server.py"
ROUNDS, REQUESTS = at_scale(3, 20), 200
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Running:
    address: str
    key: str
    pid: int

    def cpu_s(self) -> float:
        """Return the processor time the server has used, which other programs do not lengthen."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Running]:
    command = [sys.executable, str(SERVER), kind, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(**json.loads(process.stdout.readline()), pid=process.pid)
        finally:
            process.terminate()


def ask(server: Running, *, times: int) -> list[float]:
    """Return the seconds each of these requests took, one after the other on one connection."""
    request = f"GET /trivial HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {server.key}\r\n\r\n"
    took: list[float] = []
    with closing(connect(server.address)) as connection:
        for _ in range(times):
            begun = time.perf_counter()
            connection.sendall(request.encode())
            answer = b""
            while not answer.endswith(b'{"ok":true}'):  # head and body may come one by one
                part = connection.recv(65_536)
                assert part, answer
                answer += part
            took.append(time.perf_counter() - begun)
    return took


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_the_kit_adds_little_and_one_core_serves_a_thousand_a_second(
    tmp_path: Path,
) -> None:
    added: list[float] = []
    with running("bare", tmp_path) as bare, running("kit", tmp_path) as kit:
        for server in (bare, kit):
            ask(server, times=REQUESTS)  # warm
        before = kit.cpu_s(), bare.cpu_s()
        for _ in range(ROUNDS):
            plain, whole = ask(bare, times=REQUESTS), ask(kit, times=REQUESTS)
            added.append(statistics.median(whole) - statistics.median(plain))
        used, used_bare = kit.cpu_s() - before[0], bare.cpu_s() - before[1]
    served = ROUNDS * REQUESTS
    sys.stderr.write(
        f"\n{statistics.median(added) * 1000:.2f} ms added at p50; requests a second of processor "
        f"time: {served / used:.0f}, bare FastAPI {served / used_bare:.0f}\n"
    )
    assert statistics.median(added) < 0.005
    assert served / used > 1000
