"""A service's settings, as a service writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from simutrador_service.config import (
    AuthSection,
    DatabaseSection,
    LogSection,
    RedisSection,
    Section,
    ServerSection,
    ServiceSettings,
)


class VendorSection(Section):
    api_key: SecretStr | None = None
    plan: dict[str, int] = Field(default_factory=dict[str, int])


class ApiSection(ServerSection):
    port: int = Field(default=8002, ge=0, le=65_535)


class Settings(ServiceSettings):
    aliases: ClassVar[Mapping[str, str]] = {
        "API_HOST": "API__HOST",
        "API_PORT": "API__PORT",
        "API__CORS_ORIGINS": "API__ALLOWED_ORIGINS",
    }
    later_sections: ClassVar[frozenset[str]] = frozenset({"NIGHTLY_UPDATE"})

    api: ApiSection = ApiSection()
    database: DatabaseSection = DatabaseSection()
    redis: RedisSection = RedisSection()
    auth: AuthSection = AuthSection()
    logging: LogSection = LogSection()
    vendor: VendorSection = VendorSection()
    data_path: Path = Path("data")
