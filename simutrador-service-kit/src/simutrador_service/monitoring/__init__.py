"""What a service tells of itself: request ids, metrics, health, traces."""

from simutrador_service.monitoring.checks import (
    Check,
    CheckFailedError,
    CheckResult,
    HealthChecks,
    HealthReport,
    HealthStatus,
)
from simutrador_service.monitoring.metrics import Metrics, metrics_routes
from simutrador_service.monitoring.probes import check_database, check_disk, check_redis
from simutrador_service.monitoring.requests import REQUEST_ID_HEADER, ObserveRequests
from simutrador_service.monitoring.routes import health_routes
from simutrador_service.monitoring.tracing import Tracing, trace_requests

__all__ = [
    "Check",
    "CheckFailedError",
    "CheckResult",
    "HealthChecks",
    "HealthReport",
    "HealthStatus",
    "Metrics",
    "ObserveRequests",
    "REQUEST_ID_HEADER",
    "Tracing",
    "check_database",
    "check_disk",
    "check_redis",
    "health_routes",
    "metrics_routes",
    "trace_requests",
]
