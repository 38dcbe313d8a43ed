"""The classes settings are written with: one frozen object a service, nested by topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

MASK: Final = "********"


class Section(BaseModel):
    """One topic; each field has a type, its unit in its name or docstring, and a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SecretUrl(SecretStr):
    """A URL whose password is never shown: `redis://:********@host/0`."""

    def _display(self) -> str:
        return masked_url(self.get_secret_value())


class ServiceSettings(BaseSettings):
    """Base of every service's settings; read them with `load`.

    Calling the class reads nothing: it gives the defaults and what it is called with.

    Attributes:
        aliases: Other names that are accepted, each with the setting it stands for:
            `{"API_HOST": "API__HOST"}`. In one layer the setting's own name wins.
        later_sections: Documented sections of features this release lacks: accepted, so that one
            env file serves several releases, and reported by `config show` as not read.
        env_files: Where an env file is looked for, in this order; the first one counts.
        config_files: The same for TOML files.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    aliases: ClassVar[Mapping[str, str]] = {}
    later_sections: ClassVar[frozenset[str]] = frozenset()
    env_files: ClassVar[Sequence[Path]] = (Path(".env"), Path("environments/.env.dev"))
    config_files: ClassVar[Sequence[Path]] = (Path("simutrador.toml"),)

    _sources: Any = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what is passed: `load` reads the layers and remembers their places."""
        return (init_settings,)


def masked_url(url: str) -> str:
    """Return a URL without its password; one that cannot be read is masked whole."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return MASK
    if password is not None:
        user, _, place = parts.netloc.rpartition("@")
        url = url.replace(parts.netloc, f"{user.partition(':')[0]}:{MASK}@{place}", 1)
    if "password" in parts.query.lower():
        url = url.replace(parts.query, MASK, 1)
    return url
