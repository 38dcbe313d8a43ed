"""Traces for OpenTelemetry (extra `[otel]`): off until a service asks for them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from fastapi import FastAPI

from simutrador_core.errors import MissingExtraError
from simutrador_service.logging.secrets import mask_text

_QUIET_ROUTES: Final = "/health,/health/.*,/metrics"
_ADDRESSES: Final = ("http.url", "http.target", "url.full", "url.query", "url.path")


class Tracing:
    """The traces of one application; shut it down, or the last ones are lost."""

    def __init__(self, provider: Any, app: FastAPI, instrumentor: Any) -> None:
        """Keep what is to be undone."""
        self.provider: Final = provider
        self._app = app
        self._instrumentor = instrumentor

    def shutdown(self) -> None:
        """Send what is waiting and leave the application as it was."""
        self._instrumentor.uninstrument_app(self._app)
        self.provider.shutdown()


def trace_requests(
    app: FastAPI,
    service: str,
    version: str,
    *,
    endpoint: str | None = None,
    processor: Any | None = None,
) -> Tracing:
    """Make a span of every request; its ids then stand on every log line written inside.

    Args:
        app: Before it serves its first request.
        service: Name of the service in the traces.
        version: Its version.
        endpoint: Collector's URL, OTLP over HTTP, for instance `http://127.0.0.1:4318/v1/traces`;
            None leaves it to `OTEL_EXPORTER_OTLP_ENDPOINT`.
        processor: An OpenTelemetry span processor to use instead of sending.

    Raises:
        MissingExtraError: the extra is not installed.
    """
    try:
        resources = import_module("opentelemetry.sdk.resources")
        sdk = import_module("opentelemetry.sdk.trace")
        fastapi = import_module("opentelemetry.instrumentation.fastapi")
        processor = processor or _sending_to(endpoint)
    except ModuleNotFoundError as e:
        raise MissingExtraError(
            "opentelemetry", extra="otel", package="simutrador-service-kit"
        ) from e
    resource = resources.Resource.create({"service.name": service, "service.version": version})
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    fastapi.FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls=_QUIET_ROUTES,
        server_request_hook=_mask_addresses,
    )
    return Tracing(provider, app, fastapi.FastAPIInstrumentor)


def _sending_to(endpoint: str | None) -> Any:
    export = import_module("opentelemetry.sdk.trace.export")
    otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    return export.BatchSpanProcessor(otlp.OTLPSpanExporter(endpoint=endpoint))


def _mask_addresses(span: Any, _scope: dict[str, Any]) -> None:
    """A query may hold a token: keep it out of the collector."""
    if span is None or not span.is_recording():
        return
    for name in _ADDRESSES:
        value = span.attributes.get(name)
        if isinstance(value, str):
            span.set_attribute(name, mask_text(value))
