"""Traces: off by default; when on, their ids stand in the log and no secret leaves in a span."""

from __future__ import annotations

import subprocess
import sys

import structlog
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit_web import client, logged
from simutrador_service.monitoring import trace_requests

TRACE = "0af7651916cd43dd8448eb211c80319c"


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


async def test_a_request_is_a_span_whose_ids_stand_in_the_log() -> None:
    app, spans = FastAPI(), InMemorySpanExporter()

    @app.get("/bars/{symbol}")
    async def read_bars(symbol: str) -> str:
        structlog.get_logger("service").info("reading")
        return symbol

    @app.get("/health/live")
    async def live() -> str:
        return "alive"

    tracing = trace_requests(app, "test", "1.0.0", processor=SimpleSpanProcessor(spans))
    with logged() as log:
        async with client(app) as http:
            await http.get(
                "/bars/AAPL?token=hunter2hunter2",
                headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
            )
            await http.get("/health/live")
    tracing.shutdown()
    (line,) = log.lines
    finished = spans.get_finished_spans()
    assert {ids(span)[0] for span in finished} == {TRACE}
    server = next(span for span in finished if span.name == "GET /bars/{symbol}")
    assert (line["trace_id"], line["span_id"]) == ids(server)
    assert server.resource.attributes["service.name"] == "test"
    assert "hunter2" not in "".join(span.to_json() for span in finished)


def test_without_the_extra_it_says_what_to_install() -> None:
    program = """
import sys
sys.modules["opentelemetry.instrumentation.fastapi"] = None
from fastapi import FastAPI
from simutrador_service.monitoring import trace_requests
try:
    trace_requests(FastAPI(), "test", "1")
except ImportError as e:
    print(e)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "pip install 'simutrador-service-kit[otel]'" in done.stdout


def test_nothing_of_it_is_imported_until_it_is_asked_for() -> None:
    program = (
        "import sys, simutrador_service.monitoring; "
        "print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
