"""Sections that services share; one that needs another default subclasses the section."""

from __future__ import annotations

import re
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator

from simutrador_service.config.base import SecretUrl, Section

LEAST_KEY_BYTES: Final = 32
_ADDRESS: Final = re.compile(r"https?://[^\s/]|/(?!/)", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"https?://[^/\s*?#@]+", re.IGNORECASE)


class ServerSection(Section):
    """Where a service listens, and how much one client may ask of it.

    Attributes:
        host: Address to bind; anything but this machine's own needs a login.
        port: TCP port; 0 takes any free one.
        allowed_origins: Origins of other sites whose pages may read answers, scheme and port
            included. There is no wildcard.
        public_url: Address people reach the service by, when a proxy stands before it.
        max_body_bytes: Largest request body.
        max_header_bytes: Largest request line and headers together.
        max_headers: Most header lines in a request.
        max_message_bytes: Largest message over a WebSocket.
        max_connections: Most connections open at once.
        header_timeout_s: Seconds in which the headers of a request must arrive.
        body_timeout_s: Seconds in which a body must arrive; one that comes at 1 KB/s or more may
            take longer.
        request_timeout_s: Seconds until an answer must begin; a stream may go on longer.
        shutdown_timeout_s: Seconds that requests under way have to end when the service stops.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    allowed_origins: tuple[str, ...] = ()
    public_url: str | None = None
    max_body_bytes: int = Field(default=10_485_760, ge=0)
    max_header_bytes: int = Field(default=32_768, ge=1024)
    max_headers: int = Field(default=100, ge=10)
    max_message_bytes: int = Field(default=262_144, ge=1024)
    max_connections: int = Field(default=1000, ge=1)
    header_timeout_s: float = Field(default=10.0, gt=0)
    body_timeout_s: float = Field(default=20.0, gt=0)
    request_timeout_s: float = Field(default=30.0, gt=0)
    shutdown_timeout_s: int = Field(default=5, ge=0)

    @field_validator("allowed_origins")
    @classmethod
    def _listed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a wildcard and whatever a browser never sends as its origin."""
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is not an origin; name each one, for instance http://localhost:4200"
                )
        return value


class DatabaseSection(Section):
    """Where a service keeps its rows.

    Attributes:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; None lets the service put
            an SQLite file into its data folder.
    """

    url: SecretUrl | None = None


class RedisSection(Section):
    """The Redis or Valkey server that processes share, where there is one.

    Attributes:
        url: `redis://HOST:6379/0`, `rediss://` or `unix://`; None keeps everything in the process.
    """

    url: SecretUrl | None = None


class AuthSection(Section):
    """Who may call.

    Attributes:
        enabled: None is the safe default: open on this machine's own addresses, on elsewhere.
        jwt_secret: Key that signs tokens, at least 32 bytes; None makes one and keeps it in the
            data folder.
        access_token_s: Seconds an access token of a user is valid.
        refresh_token_s: Seconds a refresh token is valid.
    """

    enabled: bool | None = None
    jwt_secret: SecretStr | None = None
    access_token_s: int = Field(default=900, ge=1, le=86_400)
    refresh_token_s: int = Field(default=30 * 86_400, ge=1)

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse a key that can be guessed."""
        length = 0 if value is None else len(value.get_secret_value().encode())
        if value is not None and length < LEAST_KEY_BYTES:
            raise ValueError(f"{length} bytes are too few; give at least {LEAST_KEY_BYTES}")
        return value


class LogSection(Section):
    """How a service logs.

    Attributes:
        level: Least severe level that is written.
        format: `auto` writes JSON unless standard error is a terminal.
    """

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = "auto"

    @field_validator("level", mode="before")
    @classmethod
    def _capitals(cls, value: object) -> object:
        """Accept `info`."""
        return value.upper() if isinstance(value, str) else value


class JobsSection(Section):
    """How long tasks are worked on.

    Attributes:
        threads: Jobs this process runs at once; 0 leaves them to other workers.
        broker_url: Redis server that rings Celery workers; None works in the process itself.
        lease_s: Seconds of silence after which another worker takes a job over; an hour at most.
        keep_days: Days that ended jobs stay in the list.
    """

    threads: int = Field(default=2, ge=0, le=256)
    broker_url: SecretUrl | None = None
    lease_s: float = Field(default=30.0, gt=0, le=3600)
    keep_days: int = Field(default=30, ge=1)


class WebSection(Section):
    """What pages show besides their own content.

    Attributes:
        services: Other services by name, each with the address a browser reaches it by; every page
            links to them. As JSON: `{"Data": "http://127.0.0.1:8002"}`.
    """

    services: dict[str, str] = Field(default_factory=dict[str, str])

    @field_validator("services")
    @classmethod
    def _addresses(cls, value: dict[str, str]) -> dict[str, str]:
        """Refuse what is no address of a page, such as a script."""
        for name, address in value.items():
            if not _ADDRESS.match(address):
                raise ValueError(
                    f"{name} has {address!r}; write http://HOST:PORT, https://HOST or /PATH"
                )
        return value


__all__ = [
    "AuthSection",
    "DatabaseSection",
    "JobsSection",
    "LogSection",
    "RedisSection",
    "ServerSection",
    "WebSection",
]
