"""Prometheus metrics of one application, in a registry of its own.

Labels are bounded: an endpoint is a route's template, never the path a client sent, and a metric of
yours should hold to that too (no user, symbol or id).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from fastapi.params import Depends
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS_S: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The metrics every service has; register its own ones with `registry=metrics.registry`."""

    def __init__(self, service: str, version: str) -> None:
        """Begin to count.

        Args:
            service: For instance `simutrador-data-manager`.
            version: Its version.
        """
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        build = Gauge(
            "service_info",
            "Always 1; the labels say what runs",
            ["service", "version"],
            registry=self.registry,
            multiprocess_mode="max",
        )
        build.labels(service, version).set(1)
        self.in_progress: Final = Gauge(
            "http_requests_in_progress",
            "Requests being answered",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.websockets: Final = Gauge(
            "websocket_connections_open",
            "WebSocket connections that are open",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.health: Final = Gauge(
            "system_health",
            "1 while the component answers its health check, else 0",
            ["component"],
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._requests = Counter(
            "http_requests_total",
            "Requests answered",
            ["method", "endpoint", "status"],
            registry=self.registry,
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time from the request's first byte to the answer's last",
            ["method", "endpoint"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        # Looking up labels takes a lock and a check of each; requests repeat a few combinations.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def request(self, method: str, endpoint: str, status: int, *, duration_s: float) -> None:
        """Count one answered request; `endpoint` is a route's template."""
        known = self._known.get((method, endpoint, status))
        if known is None:
            known = self._labelled(method, endpoint, status)
        known[0].inc()
        known[1].observe(duration_s)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return all metrics as Prometheus reads them, and the type of that text.

        Where several processes serve one application (`PROMETHEUS_MULTIPROC_DIR` names a folder
        they share, empty at the start) they are added up.
        """
        encode, content_type = choose_encoder(accept)
        if _SHARED_FOLDER not in os.environ:
            return encode(self.registry), content_type
        shared = CollectorRegistry()
        MultiProcessCollector(shared)
        return encode(shared), content_type

    def _labelled(self, method: str, endpoint: str, status: int) -> tuple[Counter, Histogram]:
        word = method if method in _METHODS else "OTHER"
        found = (
            self._requests.labels(word, endpoint, str(status)),
            self._durations.labels(word, endpoint),
        )
        if word == method:
            self._known[method, endpoint, status] = found
        return found


def metrics_routes(metrics: Metrics, *, dependencies: Sequence[Depends] = ()) -> APIRouter:
    """Return the route `/metrics`; `dependencies` say who may read it."""
    router = APIRouter(tags=["Monitoring"])

    @router.get("/metrics", dependencies=dependencies, response_class=Response)
    def read_metrics(accept: Annotated[str, Header()] = "") -> Response:
        """Return the metrics of this service for Prometheus."""
        body, content_type = metrics.render(accept)
        return Response(body, headers={"Content-Type": content_type})

    return router
