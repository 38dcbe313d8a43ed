"""Typed settings in layers: command line, environment, `.env`, TOML file, default.

The command group is `simutrador_service.config.commands`, so that a service that only reads its
settings loads no command line.
"""

from __future__ import annotations

from simutrador_service.config.base import SecretUrl, Section, ServiceSettings
from simutrador_service.config.describing import SettingRow, describe
from simutrador_service.config.loading import Sources, load, sources_of
from simutrador_service.config.sections import (
    AuthSection,
    DatabaseSection,
    JobsSection,
    LogSection,
    RedisSection,
    ServerSection,
    WebSection,
)
from simutrador_service.errors import SettingsError

__all__ = [
    "ServiceSettings",
    "Section",
    "SecretUrl",
    "ServerSection",
    "DatabaseSection",
    "RedisSection",
    "AuthSection",
    "LogSection",
    "JobsSection",
    "WebSection",
    "SettingsError",
    "load",
    "Sources",
    "sources_of",
    "describe",
    "SettingRow",
]
