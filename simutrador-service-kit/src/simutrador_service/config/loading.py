"""Reads settings: layers over each other, names checked, values checked, origins remembered."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticUndefined

from simutrador_service.config.base import ServiceSettings, masked_url
from simutrador_service.config.layers import (
    COMMAND_LINE,
    ENVIRONMENT,
    Layer,
    find_config_file,
    find_env_file,
    plain_layer,
    read_config_file,
    read_env_file,
    text_layer,
)
from simutrador_service.config.names import Leaf, Names
from simutrador_service.errors import SettingsError

S = TypeVar("S", bound=ServiceSettings)

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the values of one settings object came from.

    Attributes:
        origins: Setting name to place; one that is absent has its default.
        env_file: The env file read, if any.
        config_file: The TOML file read, if any.
        not_read: Names that are set for features of a later release.
    """

    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    env_file: Path | None = None
    config_file: Path | None = None
    not_read: tuple[str, ...] = ()


def load(
    cls: type[S],
    *,
    env_file: Path | None = None,
    config_file: Path | None = None,
    **overrides: object,
) -> S:
    """Read settings anew: command line, then environment, env file, TOML file, default.

    Args:
        cls: The class of the service.
        env_file: The env file to read instead of the one found: the file `ENV` names, else the
            first of `cls.env_files` that exists.
        config_file: The TOML file to read instead of the one found: the file `SIMUTRADOR_CONFIG`
            names, else the first of `cls.config_files` that exists.
        overrides: Values of the command line by section, `server={"port": 8002}`; a None counts
            as not given.

    Raises:
        SettingsError: a name in one of our sections is unknown, a value cannot be used, or a file
            that is named cannot be read. The text names the setting, its place and what to write.
    """
    names = Names.of(cls)
    env_file = env_file or find_env_file(os.environ, cls.env_files)
    config_file = config_file or find_config_file(os.environ, cls.config_files)
    layers = [
        plain_layer(COMMAND_LINE, overrides, names),
        text_layer(ENVIRONMENT, dict(os.environ), names),
    ]
    if env_file is not None:
        layers.append(text_layer(str(env_file), read_env_file(env_file), names))
    if config_file is not None:
        layers.append(plain_layer(str(config_file), read_config_file(config_file), names))
    for layer in layers:
        is_environment = layer.origin == ENVIRONMENT
        where = (
            f"the {layer.origin}" if layer.origin in (ENVIRONMENT, COMMAND_LINE) else layer.origin
        )
        names.check(layer.names, where=where, ours_only=is_environment)
    settings = _build(cls, names, layers)
    settings._sources = Sources(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        origins=_origins(layers),
        env_file=env_file,
        config_file=config_file,
        not_read=names.later(name for layer in layers for name in layer.names),
    )
    return settings


def sources_of(settings: ServiceSettings) -> Sources:
    """Return where the values came from; nothing is known of settings that were not loaded."""
    return settings._sources or Sources()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _build(cls: type[S], names: Names, layers: Sequence[Layer]) -> S:
    nested: dict[str, Any] = {}
    for layer in reversed(layers):
        for name, value in layer.values.items():
            *sections, last = names.known[name].path
            place = nested
            for section in sections:
                place = place.setdefault(section, {})
            place[last] = value
    try:
        return cls(**nested)
    except ValidationError as e:
        raise SettingsError(_explain(e, names.known, _origins(layers))) from None


def _origins(layers: Sequence[Layer]) -> dict[str, str]:
    return {name: layer.origin_of(name) for layer in reversed(layers) for name in layer.values}


def _explain(error: ValidationError, known: Mapping[str, Leaf], origins: Mapping[str, str]) -> str:
    """Return one line naming each setting, where it is set and what it may hold."""
    details = error.errors(include_url=False)
    return "; ".join(_explained(detail, known, origins) for detail in details)


def _explained(detail: ErrorDetails, known: Mapping[str, Leaf], origins: Mapping[str, str]) -> str:
    parts = [str(part).upper() for part in detail["loc"]]
    whole = "__".join(parts)
    name = next(
        (one for end in range(len(parts), 0, -1) if (one := "__".join(parts[:end])) in known), whole
    )
    message = detail["msg"].removeprefix("Value error, ")
    leaf = known.get(name)
    if leaf is None:
        return f"{whole}: {message}" if whole else message
    if detail["type"] == "missing":
        return f"{name} is not set and has no default; set it in the environment or a .env file"
    given = str(detail["input"])
    shown = masked_url(given) if "://" in given else given
    value = "" if leaf.is_secret else f"={shown:.100}"
    place = origins.get(name, DEFAULT)
    return f"{name}{value} ({place}): {message}{_default(leaf)}"


def _default(leaf: Leaf) -> str:
    default = leaf.field.get_default(call_default_factory=False)
    if leaf.is_secret or default is None or default is PydanticUndefined or default == ():
        return ""
    return f"; the default is {default}"
