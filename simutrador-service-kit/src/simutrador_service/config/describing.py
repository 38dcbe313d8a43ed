"""Shows settings to people: every name, its value with secrets masked, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from simutrador_service.config.base import MASK, SecretUrl, ServiceSettings
from simutrador_service.config.loading import DEFAULT, sources_of
from simutrador_service.config.names import leaves


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting.

    Attributes:
        name: As the environment writes it.
        value: A plain value; a secret is masked, a URL keeps all but its password.
        origin: The place it came from, or `default`.
    """

    name: str
    value: object
    origin: str


def describe(settings: ServiceSettings) -> list[SettingRow]:
    """Return every setting in the order of its class."""
    origins = sources_of(settings).origins
    return [
        SettingRow(name, _shown(settings, leaf.path), origins.get(name, DEFAULT))
        for name, leaf in leaves(type(settings)).items()
    ]


def _shown(settings: ServiceSettings, path: tuple[str, ...]) -> object:
    value: Any = settings
    for name in path[:-1]:
        value = getattr(value, name)
    held: object = getattr(value, path[-1])
    if isinstance(held, SecretUrl):
        return str(held)
    if isinstance(held, SecretStr):
        return MASK
    plain: dict[str, object] = value.model_dump(mode="json", include={path[-1]})
    return plain[path[-1]]
