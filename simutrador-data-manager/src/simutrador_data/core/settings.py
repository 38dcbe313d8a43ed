"""Settings of the data manager: one frozen object, nested by topic.

Names are `SECTION__FIELD` (`API__PORT=8002`); the flat names `API_HOST` and `API_PORT` are accepted
too. The service kit reads them: command line, environment, env file, TOML file, default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field

from simutrador_data.core.nightly_settings import NightlyUpdateSection
from simutrador_data.core.vendor_settings import (
    AlpacaSection,
    BinanceSection,
    FilesSection,
    FmpSection,
    PolygonSection,
    TiingoSection,
    TradingDataProviderSection,
    YahooSection,
)
from simutrador_service.config import (
    AuthSection,
    DatabaseSection,
    JobsSection,
    LogSection,
    RedisSection,
    Section,
    ServerSection,
    ServiceSettings,
    WebSection,
    load,
)

SERVICE_FOLDER: Final = "service"
DATABASE_FILE: Final = "service.db"


class ApiSettings(ServerSection):
    """Where the service listens and who may call it from a browser.

    Attributes:
        port: TCP port; 0 takes any free one.
        debug: Log at debug level.
    """

    port: int = Field(default=8002, ge=0, le=65_535)
    debug: bool = False


class DataStorageSettings(Section):
    """Where bars are kept.

    Attributes:
        base_path: Folder of the store; a relative one is taken from the working directory.
        candles_path: Folder inside `base_path` that holds the bars; `.` is `base_path` itself.
        keep_versions: How long older versions of the bars are kept before `store vacuum` may drop
            them, ISO 8601 (`P90D`) or `90 days`; None keeps them for good.
        service_path: Folder of keys and secrets, made with mode 700 when absent; None is `service`
            inside the store. A store that is only read needs one elsewhere to be served.
    """

    base_path: Path = Path("storage")
    candles_path: Path = Path()
    keep_versions: timedelta | None = Field(default=None, ge=timedelta(0))
    service_path: Path | None = None

    @property
    def root(self) -> Path:
        """The folder the store lives in, absolute."""
        return _absolute(self.base_path / self.candles_path)

    @property
    def assets_file(self) -> Path:
        """Where users describe assets of their own (`assets.toml`); it need not exist."""
        return self.root / "assets.toml"


class Settings(ServiceSettings):
    """Everything that can be set; read it with `load_settings`."""

    aliases: ClassVar[Mapping[str, str]] = {
        "API_HOST": "API__HOST",
        "API_PORT": "API__PORT",
        "API__CORS_ORIGINS": "API__ALLOWED_ORIGINS",
    }

    api: ApiSettings = ApiSettings()
    data_storage: DataStorageSettings = DataStorageSettings()
    auth: AuthSection = AuthSection()
    database: DatabaseSection = DatabaseSection()
    redis: RedisSection = RedisSection()
    jobs: JobsSection = JobsSection()
    logging: LogSection = LogSection()
    web: WebSection = WebSection()
    trading_data_provider: TradingDataProviderSection = TradingDataProviderSection()
    polygon: PolygonSection = PolygonSection()
    financial_modeling_prep: FmpSection = FmpSection()
    tiingo: TiingoSection = TiingoSection()
    alpaca: AlpacaSection = AlpacaSection()
    binance: BinanceSection = BinanceSection()
    yahoo: YahooSection = YahooSection()
    files: FilesSection = FilesSection()
    nightly_update: NightlyUpdateSection = NightlyUpdateSection()

    @property
    def service_folder(self) -> Path:
        """Where the service keeps keys and secrets, absolute; made when first needed."""
        named = self.data_storage.service_path
        return self.data_storage.root / SERVICE_FOLDER if named is None else _absolute(named)

    @property
    def database_url(self) -> str:
        """Where keys, users and jobs are kept: the database that is set, else a file of our own."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.service_folder / DATABASE_FILE}"

    @property
    def log_level(self) -> str:
        """Least severe level that is written."""
        return "DEBUG" if self.api.debug else self.logging.level


def load_settings(
    *, env_file: Path | None = None, config_file: Path | None = None, **overrides: object
) -> Settings:
    """Read the settings anew.

    Args:
        env_file: The file to read instead of the one `ENV` names, else `.env`, else that of
            `environments`.
        config_file: The TOML file to read instead of `simutrador.toml`.
        overrides: Values of the command line by section, `api={"port": 8002}`; they win.

    Raises:
        SettingsError: a name of ours is unknown, a value is out of bounds, or the file is absent.
    """
    return load(Settings, env_file=env_file, config_file=config_file, **overrides)


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return load_settings()


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()
