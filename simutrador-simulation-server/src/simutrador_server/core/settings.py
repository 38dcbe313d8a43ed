"""Settings of the venue: one frozen object, nested by topic.

Precedence: command line, environment, env file, default. Names are `SECTION__FIELD`
(`VENUE__WS_PORT=8003`); the flat name `JWT_SECRET_KEY` is accepted too. The env file is `.env` in
the working directory unless another is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from simutrador_core.errors import InputError

LEAST_KEY_BYTES: Final = 32
ENV_FILE: Final = Path(".env")
_FLAT: Final = "JWT_SECRET_KEY"


class SettingsError(InputError):
    """A setting is unknown or its value cannot be used; the text names it."""

    code = "invalid_settings"


class VenueSettings(BaseModel):
    """Where the venue listens, what it keeps and which bars it replays.

    Attributes:
        host: Address to bind both ports to. Every address is fine: a key is always asked for.
        auth_port: TCP port of the sign-in service; 0 takes any free one.
        ws_port: TCP port of the WebSocket service; 0 takes any free one.
        data_path: Folder of keys and secrets, made with mode 700 when absent.
        bars: Where bars are read: `local:FOLDER`, a store of the data manager.
        jwt_secret_key: Key that signs tokens, at least 32 bytes; made at random and kept in
            `data_path` when absent.
        token_lifetime_s: Seconds a token is valid.
        max_message_bytes: Largest message a client may send.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    auth_port: int = Field(default=8001, ge=0, le=65_535)
    ws_port: int = Field(default=8003, ge=0, le=65_535)
    data_path: Path = Path("venue")
    bars: str = "local:storage"
    jwt_secret_key: SecretStr | None = None
    token_lifetime_s: int = Field(default=3600, ge=1, le=86_400)
    max_message_bytes: int = Field(default=262_144, ge=1024)

    @field_validator("jwt_secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse a key that can be guessed."""
        length = 0 if value is None else len(value.get_secret_value().encode())
        if value is not None and length < LEAST_KEY_BYTES:
            raise ValueError(f"{length} bytes are too few; give at least {LEAST_KEY_BYTES}")
        return value

    @field_validator("bars")
    @classmethod
    def _is_local(cls, value: str) -> str:
        """Refuse a source this release cannot read."""
        kind, _, place = value.partition(":")
        if kind != "local" or not place:
            raise ValueError("write local:FOLDER; other sources come with a later release")
        return value

    @property
    def store(self) -> Path:
        """The folder of the bar store, absolute."""
        return Path(self.bars.partition(":")[2]).expanduser().absolute()


class SimulationSettings(BaseModel):
    """What a simulation gets when its client asks for nothing else.

    Attributes:
        commission_per_share: Money a unit.
        slippage_bps: Worsening of market and stop fills, basis points.
        leverage: Gross exposure allowed, as a multiple of equity.
        short_selling: Whether positions may become negative.
        policy: What is assumed where a bar does not tell what happened.
        tick_interval_ms: Least milliseconds between ticks without flow control, so that a client
            that never acknowledges can still trade; 0 is full speed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commission_per_share: Decimal = Field(default=Decimal("0.005"), ge=0)
    slippage_bps: Decimal = Field(default=Decimal(5), ge=0, le=10_000)
    leverage: Decimal = Field(default=Decimal(1), gt=0)
    short_selling: Literal["allowed", "forbidden"] = "allowed"
    policy: Literal["pessimistic", "optimistic"] = "pessimistic"
    tick_interval_ms: float = Field(default=5.0, ge=0, le=60_000)


class LoggingSettings(BaseModel):
    """How the venue logs.

    Attributes:
        level: Least severe level that is written.
        format: `auto` writes JSON unless standard error is a terminal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = "auto"


_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "VENUE": VenueSettings,
    "SIMULATION": SimulationSettings,
    "LOGGING": LoggingSettings,
}


class Settings(BaseSettings):
    """Everything that can be set; build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__", frozen=True, extra="ignore", env_file_encoding="utf-8"
    )

    venue: VenueSettings = VenueSettings()
    simulation: SimulationSettings = SimulationSettings()
    logging: LoggingSettings = LoggingSettings()
    flat_secret: Annotated[SecretStr | None, Field(validation_alias=_FLAT, exclude=True)] = None


def load_settings(
    overrides: Mapping[str, Mapping[str, object]] | None = None, *, env_file: Path | None = None
) -> Settings:
    """Read the settings anew.

    Args:
        overrides: Values of the command line, `{section: {field: value}}`; they win.
        env_file: The file to read instead of `.env`.

    Raises:
        SettingsError: a name of ours is unknown, a value is out of bounds, or the file is absent.
    """
    if env_file is not None and not env_file.is_file():
        raise SettingsError(f"the env file {env_file} does not exist")
    _check_names(os.environ)
    try:
        # pyright sees neither `_env_file` nor that values are parsed from nested mappings.
        read = Settings(_env_file=env_file or ENV_FILE, **(overrides or {}))  # pyright: ignore[reportCallIssue]
        if read.flat_secret is None or read.venue.jwt_secret_key is not None:
            return read
        values = {**dict(read.venue), "jwt_secret_key": read.flat_secret}
        return read.model_copy(update={"venue": VenueSettings.model_validate(values)})
    except ValidationError as e:
        raise SettingsError(_explain(e)) from None


def _check_names(names: Iterable[str]) -> None:
    """Refuse a name in one of our sections that we do not know, with the nearest one we do."""
    for name in sorted(name.upper() for name in names):
        section, separator, field = name.partition("__")
        if not separator or section not in _SECTIONS:
            continue
        known = [known.upper() for known in _SECTIONS[section].model_fields]
        if field not in known:
            near = get_close_matches(field, known, n=1, cutoff=0.5) or sorted(known)
            hint = ", ".join(f"{section}__{one}" for one in near)
            raise SettingsError(f"unknown setting {name}; known: {hint}")


def _explain(error: ValidationError) -> str:
    """Return one line naming each setting and what it may hold; never what a secret held."""
    lines: list[str] = []
    for detail in error.errors(include_url=False, include_input=False):
        name = "__".join(str(part) for part in detail["loc"]).upper()
        lines.append(f"{name}: {detail['msg']}")
    return "; ".join(lines)
