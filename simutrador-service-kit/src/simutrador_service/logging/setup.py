"""One stream and one form for every log of a process: JSON lines, or text at a terminal.

Request and job ids come from `structlog.contextvars`: whoever begins a piece of work binds them,
and every line written inside carries them. Trace ids come from OpenTelemetry where it is on.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, Final, Literal, TextIO, TypeAlias

import structlog

from simutrador_service.logging.secrets import MASK, is_secret_name, mask, mask_text

LogFormat: TypeAlias = Literal["auto", "json", "console"]
Event: TypeAlias = MutableMapping[str, Any]

_QUIET: Final = ("uvicorn.access", "httpx", "httpcore", "asyncio", "watchfiles", "alembic")
_WITH_OWN_HANDLERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "py.warnings")
_PLAIN: Final = frozenset({"level", "timestamp"})


class MaskingHandler(logging.StreamHandler[TextIO]):
    """Writes lines; says in one line that a line could not be made, without what it held."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Name the logger, the place and the error; the standard library would print the values."""
        error = sys.exc_info()[0]
        kind = "Error" if error is None else error.__name__
        place = f"{record.name} {record.pathname}:{record.lineno}"
        try:
            line = json.dumps({"event": "log_failed", "place": place, "error": kind})
            self.stream.write(f"{line}\n")
        except (OSError, ValueError):
            return  # nowhere left to say it


def configure_logging(
    level: str = "INFO", log_format: LogFormat = "auto", *, stream: TextIO | None = None
) -> None:
    """Send every log of this process, ours and other libraries', to one stream; call it once.

    Warnings and exceptions that nobody caught are written there too. Secrets are masked in fields,
    texts and tracebacks. Start uvicorn with `log_config=None`, else it takes its logs back.

    Args:
        level: Least severe level that is written: DEBUG, INFO, WARNING or ERROR.
        log_format: `auto` writes JSON unless the stream is a terminal.
        stream: Where to write; standard error when None.
    """
    out = stream or sys.stderr
    as_json = log_format == "json" or (log_format == "auto" and not out.isatty())
    shared = _shared_steps()
    handler = MaskingHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _drop_uvicorn_colours, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                hide_secrets,
                _renderer(as_json),
            ],
        )
    )
    _take_over(handler, level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """Mask every field whose name says that it is a secret, and every secret inside a text."""
    for name, value in event.items():
        if name in _PLAIN:
            continue
        if isinstance(value, str):
            event[name] = MASK if is_secret_name(name) else mask_text(value)
        else:
            event[name] = mask(value, name=name)
    return event


def add_trace(_logger: Any, _method: str, event: Event) -> Event:
    """Add the ids of OpenTelemetry's current span; nothing where it was never imported."""
    tracing = sys.modules.get("opentelemetry.trace")
    if tracing is None:
        return event
    span = tracing.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
        event["span_id"] = f"{span.span_id:016x}"
    return event


def _shared_steps() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
    ]


def _renderer(as_json: bool) -> Any:
    if as_json:
        return structlog.processors.JSONRenderer()
    # The prettier tracebacks show local variables, secrets among them.
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def _drop_uvicorn_colours(_logger: Any, _method: str, event: Event) -> Event:
    event.pop("color_message", None)
    return event


def _take_over(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in _WITH_OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught(sys.__excepthook__)
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(
    otherwise: Callable[[type[BaseException], BaseException, TracebackType | None], object],
) -> Callable[[type[BaseException], BaseException, TracebackType | None], object]:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            otherwise(kind, error, trace)
        else:
            structlog.get_logger("uncaught").critical("uncaught", exc_info=(kind, error, trace))

    return hook


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    structlog.get_logger("uncaught").critical(
        "uncaught",
        thread=args.thread.name if args.thread else None,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )
