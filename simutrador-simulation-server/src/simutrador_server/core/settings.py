"""Settings of the venue: one frozen object, nested by topic.

Names are `SECTION__FIELD` (`VENUE__WS_PORT=8003`); the flat name `JWT_SECRET_KEY` is accepted too.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from simutrador_core.remote.asking import check_url
from simutrador_service.config import DatabaseSection, LogSection, Section, ServiceSettings, load
from simutrador_service.config.sections import LEAST_KEY_BYTES

DATABASE_FILE = "venue.db"
LOCAL, REMOTE = "local", "remote"


class VenueSettings(Section):
    """Where the venue listens, what it keeps and which bars it replays.

    Attributes:
        host: Address to bind both ports to. Every address is fine: a key is always asked for.
        auth_port: TCP port of the sign-in service; 0 takes any free one.
        ws_port: TCP port of the WebSocket service; 0 takes any free one.
        data_path: Folder of keys and secrets, made with mode 700 when absent.
        bars: Where bars are read: `local:FOLDER`, a store of the data manager, or `remote:URL`,
            a data manager that is running (`remote:http://127.0.0.1:8002`).
        bars_api_key: Key for a data manager that asks for one.
        jwt_secret_key: Key that signs tokens, at least 32 bytes; made at random and kept in
            `data_path` when absent.
        token_lifetime_s: Seconds a token is valid.
        max_message_bytes: Largest message a client may send.
        max_connections: Most connections open at once on each port.
        allowed_origins: Sites whose pages may connect, scheme and port included; programs may
            anyway.
    """

    host: str = "127.0.0.1"
    auth_port: int = Field(default=8001, ge=0, le=65_535)
    ws_port: int = Field(default=8003, ge=0, le=65_535)
    data_path: Path = Path("venue")
    bars: str = "local:storage"
    bars_api_key: SecretStr | None = None
    jwt_secret_key: SecretStr | None = None
    token_lifetime_s: int = Field(default=3600, ge=1, le=86_400)
    max_message_bytes: int = Field(default=262_144, ge=1024)
    max_connections: int = Field(default=1000, ge=1)
    allowed_origins: tuple[str, ...] = ()

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
    def _is_readable(cls, value: str) -> str:
        """Refuse what names no source."""
        kind, _, place = value.partition(":")
        if kind == REMOTE:
            check_url(place)
        elif kind != LOCAL or not place:
            raise ValueError("write local:FOLDER, or remote:http://127.0.0.1:8002")
        return value

    @property
    def service(self) -> str | None:
        """The address of the data manager that serves the bars; None where they are local."""
        kind, _, place = self.bars.partition(":")
        return place if kind == REMOTE else None

    @property
    def store(self) -> Path:
        """The folder of the bar store, absolute; of remote bars, the venue's own folder."""
        folder = Path(self.bars.partition(":")[2]) if self.service is None else self.data_path
        return folder.expanduser().absolute()


class SimulationSettings(Section):
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

    commission_per_share: Decimal = Field(default=Decimal("0.005"), ge=0)
    slippage_bps: Decimal = Field(default=Decimal(5), ge=0, le=10_000)
    leverage: Decimal = Field(default=Decimal(1), gt=0)
    short_selling: Literal["allowed", "forbidden"] = "allowed"
    policy: Literal["pessimistic", "optimistic"] = "pessimistic"
    tick_interval_ms: float = Field(default=5.0, ge=0, le=60_000)


class Settings(ServiceSettings):
    """Everything that can be set; read it with `load_settings`."""

    aliases: ClassVar[Mapping[str, str]] = {"JWT_SECRET_KEY": "VENUE__JWT_SECRET_KEY"}

    venue: VenueSettings = VenueSettings()
    simulation: SimulationSettings = SimulationSettings()
    database: DatabaseSection = DatabaseSection()
    logging: LogSection = LogSection()

    @property
    def database_url(self) -> str:
        """Where keys are kept: the database that is set, else a file in the data folder."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.venue.data_path.expanduser().absolute() / DATABASE_FILE}"


def load_settings(
    *, env_file: Path | None = None, config_file: Path | None = None, **overrides: object
) -> Settings:
    """Read the settings anew.

    Args:
        env_file: The file to read instead of `.env`.
        config_file: The TOML file to read instead of `simutrador.toml`.
        overrides: Values of the command line by section, `venue={"ws_port": 8003}`; they win.

    Raises:
        SettingsError: a name of ours is unknown, a value is out of bounds, or the file is absent.
    """
    return load(Settings, env_file=env_file, config_file=config_file, **overrides)
