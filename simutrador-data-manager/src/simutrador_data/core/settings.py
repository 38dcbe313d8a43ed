"""Settings of the data manager: one frozen object, nested by topic.

Precedence: command line, environment, env file, default. Names are `SECTION__FIELD`
(`API__PORT=8002`); the flat names `API_HOST` and `API_PORT` are accepted too. The env file is the
one that `ENV` names, else `.env`, else `environments/.env.dev`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from simutrador_data.core.setting_names import FLAT_NAMES, SettingsError, check_names

ENV_FILES: Final = (Path(".env"), Path("environments/.env.dev"))


class ApiSettings(BaseModel):
    """Where the service listens and who may call it from a browser.

    Attributes:
        host: Address to bind. Only loopback: the service has no login yet.
        port: TCP port; 0 takes any free one.
        debug: Log at debug level.
        cors_origins: Origins of other sites whose pages may read answers, scheme and port included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8002, ge=0, le=65_535)
    debug: bool = False
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Accept `https://a.example,https://b.example`."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _listed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a wildcard: the list is explicit."""
        for origin in value:
            if "*" in origin or not origin.startswith(("http://", "https://")):
                raise ValueError(
                    f"{origin!r} is not an origin; name each one, for instance http://localhost:4200"
                )
        return value


class DataStorageSettings(BaseModel):
    """Where bars are kept.

    Attributes:
        base_path: Folder of the store; a relative one is taken from the working directory.
        candles_path: Folder inside `base_path` that holds the bars; `.` is `base_path` itself.
        keep_versions: How long older versions of the bars are kept before `store vacuum` may drop
            them, ISO 8601 (`P90D`) or `90 days`; None keeps them for good.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_path: Path = Path("storage")
    candles_path: Path = Path()
    keep_versions: timedelta | None = Field(default=None, ge=timedelta(0))

    @property
    def root(self) -> Path:
        """The folder the store lives in, absolute."""
        return (self.base_path.expanduser() / self.candles_path).absolute()

    @property
    def assets_file(self) -> Path:
        """Where users describe assets of their own (`assets.toml`); it need not exist."""
        return self.root / "assets.toml"


class LoggingSettings(BaseModel):
    """How the service logs.

    Attributes:
        level: Least severe level that is written.
        format: `auto` writes JSON unless standard error is a terminal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = "auto"


class Settings(BaseSettings):
    """Everything that can be set; build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__", frozen=True, extra="ignore", env_file_encoding="utf-8"
    )

    api: ApiSettings = ApiSettings()
    data_storage: DataStorageSettings = DataStorageSettings()
    logging: LoggingSettings = LoggingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put each layer's flat names right after its nested ones."""
        return (
            init_settings,
            env_settings,
            _FlatNames(settings_cls, os.environ),
            dotenv_settings,
            _FlatNames(settings_cls, _file_values(dotenv_settings)),
        )


class _FlatNames(PydanticBaseSettingsSource):
    """The documented names without a double underscore, of one layer."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: object, field_name: str) -> tuple[object, str, bool]:
        """Not asked: `__call__` gives everything at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, dict[str, str]]:
        """Return `{section: {field: text}}` of the flat names that are set."""
        found: dict[str, dict[str, str]] = {}
        for flat, (section, name) in FLAT_NAMES.items():
            if flat in self._values:
                found.setdefault(section, {})[name] = self._values[flat]
        return found


def load_settings(
    overrides: Mapping[str, Mapping[str, object]] | None = None,
    *,
    env_file: Path | None = None,
) -> Settings:
    """Read the settings anew.

    Args:
        overrides: Values of the command line, `{section: {field: value}}`; they win.
        env_file: The file to read instead of the one found by the rule above.

    Raises:
        SettingsError: a name of ours is unknown, a value is out of bounds, or the file is absent.
    """
    file = env_file or find_env_file(os.environ)
    check_names(os.environ, where="the environment", sections=_sections(), ours_only=True)
    if file is not None:
        check_names(names_in(file), where=str(file), sections=_sections())
    try:
        # pyright sees neither `_env_file` nor that values are parsed from nested mappings.
        return Settings(_env_file=file, **(overrides or {}))  # pyright: ignore[reportCallIssue]
    except ValidationError as e:
        raise SettingsError(_explain(e)) from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return load_settings()


def find_env_file(environ: Mapping[str, str]) -> Path | None:
    """Return the env file to read, or None.

    `ENV` counts only when it looks like a path: elsewhere it often says `production`.

    Raises:
        SettingsError: `ENV` names a file that does not exist.
    """
    named = environ.get("ENV", "")
    if os.sep in named or ".env" in named:
        if not Path(named).is_file():
            raise SettingsError(f"ENV names {named}, which does not exist; create it or unset ENV")
        return Path(named)
    return next((file for file in ENV_FILES if file.is_file()), None)


def names_in(file: Path) -> list[str]:
    """Return the names an env file sets, in capitals.

    Raises:
        SettingsError: there is no such file.
    """
    if not file.is_file():
        raise SettingsError(f"the env file {file} does not exist")
    return list(_file_values(DotEnvSettingsSource(Settings, env_file=file)))


def _file_values(source: PydanticBaseSettingsSource) -> dict[str, str]:
    if not isinstance(source, DotEnvSettingsSource):
        return {}
    return {name.upper(): value for name, value in source.env_vars.items() if value is not None}


def _sections() -> dict[str, frozenset[str]]:
    """Return our sections and their fields, in capitals as the environment writes them."""
    return {
        "API": frozenset(name.upper() for name in ApiSettings.model_fields),
        "DATA_STORAGE": frozenset(name.upper() for name in DataStorageSettings.model_fields),
        "LOGGING": frozenset(name.upper() for name in LoggingSettings.model_fields),
    }


def _explain(error: ValidationError) -> str:
    """Return one line naming each setting, what it holds and what it may hold."""
    lines: list[str] = []
    for detail in error.errors(include_url=False):
        name = "__".join(str(part) for part in detail["loc"]).upper()
        lines.append(f"{name}={detail['input']!s}: {detail['msg']}")
    return "; ".join(lines)


__all__ = [
    "ApiSettings",
    "DataStorageSettings",
    "LoggingSettings",
    "Settings",
    "SettingsError",
    "find_env_file",
    "get_settings",
    "load_settings",
    "names_in",
]
