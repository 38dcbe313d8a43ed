"""Settings of the SDK, read from the environment and the project's `.env`.

Names are `SECTION__FIELD` (`AUTH__SERVER_URL`); `SIMUTRADOR_API_KEY` is another name of
`AUTH__API_KEY`, which wins. Unknown names are ignored: the file belongs to the whole project.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from dotenv import load_dotenv
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class WebSocketSettings(BaseModel):
    """Where the venue listens; `/ws/simulate` is added when connecting."""

    model_config = ConfigDict(frozen=True)

    url: str = "ws://127.0.0.1:8003"


class ServerSettings(BaseModel):
    """The simulation server."""

    model_config = ConfigDict(frozen=True)

    websocket: WebSocketSettings = WebSocketSettings()


class AuthSettings(BaseModel):
    """Where tokens come from, and the key they are had with; the key is never shown."""

    model_config = ConfigDict(frozen=True)

    server_url: str = "http://127.0.0.1:8001"
    api_key: str = Field(default="", repr=False)


class SessionSettings(BaseModel):
    """Defaults of a simulation.

    Attributes:
        default_initial_capital: Starting cash, account currency.
        default_data_provider: Whose bars.
        default_commission_per_share: Fee a unit, account currency.
        default_slippage_bps: Worsening of market and stop fills, basis points.
        session_timeout_seconds: How long an answer may take.
        max_retry_attempts: How often a connection refused for too many requests is tried again.
        stall_timeout_seconds: How long a running simulation may stay silent before it has failed.
    """

    model_config = ConfigDict(frozen=True)

    default_initial_capital: Decimal = Decimal("100000.00")
    default_data_provider: str = "polygon"
    default_commission_per_share: Decimal = Decimal("0.005")
    default_slippage_bps: Decimal = Decimal(5)
    session_timeout_seconds: float = Field(default=30, gt=0)
    max_retry_attempts: int = Field(default=3, ge=0)
    stall_timeout_seconds: float = Field(default=120, gt=0)


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", frozen=True, extra="ignore")

    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    session: SessionSettings = SessionSettings()
    simutrador_api_key: str = Field(default="", repr=False)

    @model_validator(mode="before")
    @classmethod
    def _take_other_name(cls, values: dict[str, Any]) -> dict[str, Any]:
        auth: dict[str, Any] = values.get("auth", {})
        key = values.get("simutrador_api_key")
        if key and not auth.get("api_key"):
            auth = {**auth, "api_key": key}
        return {**values, "auth": auth}


@lru_cache
def get_settings() -> Settings:
    """Return the settings, read once; `get_settings.cache_clear()` reads them anew.

    The `.env` beside the nearest `.git` at or above the working directory is loaded into the
    environment of the process first. What is set there already stays.
    """
    env_file = _project_env(Path.cwd())
    if env_file is not None:
        load_dotenv(env_file)
    return Settings()


def _project_env(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            env_file = folder / ".env"
            return env_file if env_file.is_file() else None
    return None
