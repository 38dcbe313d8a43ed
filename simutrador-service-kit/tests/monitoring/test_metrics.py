"""Metrics: one registry an application, readable by Prometheus, summed over processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from kit_web import client
from simutrador_service.monitoring import Metrics, metrics_routes


async def test_prometheus_reads_what_the_route_answers() -> None:
    metrics, app = Metrics("test", "1.2.3"), FastAPI()
    metrics.request("GET", "/bars/{symbol}", 200, duration_s=0.02)
    app.include_router(metrics_routes(metrics))
    async with client(app) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = {f.name: f.samples for f in text_string_to_metric_families(answer.text)}
    assert found["service_info"][0].labels == {"service": "test", "version": "1.2.3"}
    assert found["http_requests"][0].value == 1.0
    within = {
        s.labels["le"]: s.value for s in found["http_request_duration_seconds"] if "le" in s.labels
    }
    assert (within["0.01"], within["0.025"]) == (0.0, 1.0)
    assert "process_resident_memory_bytes" in found


async def test_open_metrics_are_given_to_who_asks() -> None:
    app = FastAPI()
    app.include_router(metrics_routes(Metrics("test", "1.2.3")))
    async with client(app) as http:
        answer = await http.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_two_applications_of_one_process_do_not_mix() -> None:
    one, other = Metrics("one", "1"), Metrics("other", "1")
    one.request("GET", "/", 200, duration_s=0.1)
    assert b'endpoint="/"' in one.render()[0]
    assert b'endpoint="/"' not in other.render()[0]


def test_processes_that_share_a_folder_are_added_up(tmp_path: Path) -> None:
    program = """
from simutrador_service.monitoring import Metrics
metrics = Metrics("test", "1")
metrics.request("GET", "/", 200, duration_s=0.1)
print(metrics.render()[0].decode())
"""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for expected in (1.0, 2.0):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        line = 'http_requests_total{endpoint="/",method="GET",status="200"}'
        assert f"{line} {expected}" in done.stdout
