"""Reads the places settings stand in; each gives text or plain values by name."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic_settings import DotEnvSettingsSource

from simutrador_service.config.base import ServiceSettings
from simutrador_service.config.names import OF_THE_SDK, Leaf, Names
from simutrador_service.errors import SettingsError

CONFIG_NAME: Final = "SIMUTRADOR_CONFIG"
COMMAND_LINE: Final = "command line"
ENVIRONMENT: Final = "environment"
Values = Mapping[str, object]
"""Setting name in capitals -> value."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place sets.

    Attributes:
        origin: The place: `environment`, `.env`, `command line`.
        values: By the setting's own name.
        given_as: Settings that stand there under an alias.
        names: Every name that stands there, ours or not, but for the client SDK's.
    """

    origin: str
    values: Values
    given_as: Mapping[str, str]
    names: tuple[str, ...]

    @property
    def place(self) -> str:
        """The place as a sentence has it: `the environment`."""
        is_file = self.origin not in (COMMAND_LINE, ENVIRONMENT)
        return self.origin if is_file else f"the {self.origin}"

    def origin_of(self, name: str) -> str:
        """Return the place of a setting, with the alias it stands under."""
        alias = self.given_as.get(name)
        return self.origin if alias is None else f"{self.origin} as {alias}"


def text_layer(origin: str, values: Mapping[str, str], names: Names) -> Layer:
    """Return the layer of texts by name; an empty text counts as not set."""
    found: dict[str, object] = {}
    given_as: dict[str, str] = {}
    upper = {name.upper(): value for name, value in values.items()}
    for alias, name in names.aliases.items():
        if upper.get(alias) and not upper.get(name):
            found[name] = _parsed(names.known[name], upper[alias], alias, origin)
            given_as[name] = alias
    for name, leaf in names.known.items():
        if upper.get(name):
            found[name] = _parsed(leaf, upper[name], name, origin)
    ours = tuple(name for name in upper if name not in OF_THE_SDK)
    return Layer(origin, found, given_as, ours)


def plain_layer(origin: str, document: Mapping[str, object], names: Names) -> Layer:
    """Return the layer of a nested document such as TOML; a None counts as not set.

    Raises:
        SettingsError: a section of ours is no table.
    """
    flat = {name: value for name, value in _flat(document, names, ()) if value is not None}
    for section in names.sections & flat.keys():
        raise SettingsError(
            f"{section} in {origin} is a section, not a value; write [{section.lower()}] above its "
            "settings"
        )
    found = {name: value for name, value in flat.items() if name in names.known}
    given_as: dict[str, str] = {}
    for alias, name in names.aliases.items():
        if alias in flat and name not in found:
            found[name] = flat[alias]
            given_as[name] = alias
    return Layer(origin, found, given_as, tuple(flat))


def find_env_file(environ: Mapping[str, str], candidates: Sequence[Path]) -> Path | None:
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
    return next((file for file in candidates if file.is_file()), None)


def find_config_file(environ: Mapping[str, str], candidates: Sequence[Path]) -> Path | None:
    """Return the TOML file to read, or None.

    Raises:
        SettingsError: `SIMUTRADOR_CONFIG` names a file that does not exist.
    """
    named = environ.get(CONFIG_NAME)
    if named:
        if not Path(named).is_file():
            raise SettingsError(
                f"{CONFIG_NAME} names {named}, which does not exist; create it or unset the name"
            )
        return Path(named)
    return next((file for file in candidates if file.is_file()), None)


def read_env_file(file: Path) -> dict[str, str]:
    """Return what an env file sets, by name in capitals.

    Raises:
        SettingsError: there is no such file, or it is not text.
    """
    if not file.is_file():
        raise SettingsError(f"the env file {file} does not exist; create it or name another")
    try:
        source = DotEnvSettingsSource(
            ServiceSettings, env_file=file, env_file_encoding="utf-8", case_sensitive=False
        )
    except (OSError, UnicodeDecodeError) as e:
        raise SettingsError(f"the env file {file} cannot be read: {e}; write it as UTF-8") from e
    return {name.upper(): text for name, text in source.env_vars.items() if text is not None}


def read_config_file(file: Path) -> dict[str, object]:
    """Return the document of a TOML file.

    Raises:
        SettingsError: there is no such file, or it is not TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"the file {file} does not exist; create it or name another") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise SettingsError(f"the file {file} cannot be read as TOML: {e}; correct it") from e


def _flat(
    document: Mapping[str, object], names: Names, path: tuple[str, ...]
) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in document.items():
        name = "__".join((*path, key)).upper()
        inner = _table(value)
        if inner is not None and name not in names.known:
            found += _flat(inner, names, (*path, key))
        else:
            found.append((name, value))
    return found


def _table(value: object) -> Mapping[str, object] | None:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in value.model_fields_set}
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def _parsed(leaf: Leaf, text: str, name: str, origin: str) -> object:
    """Return a list or table for a setting that holds one; pydantic parses everything else."""
    annotation: Any = leaf.field.annotation
    kinds = {get_origin(kind) or kind for kind in (annotation, *get_args(annotation))}
    lists = kinds & {tuple, list, set, frozenset}
    if not lists and dict not in kinds:
        return text
    is_json = text.lstrip().startswith("[") and '"' in text
    if lists and not is_json:  # older env files write [a,b]
        return [part.strip() for part in text.strip().strip("[]").split(",") if part.strip()]
    try:
        return json.loads(text)
    except json.JSONDecodeError as e:
        shape = '["a", "b"] or a,b' if lists else '{"a": "b"}'
        raise SettingsError(
            f"{name} in {origin} is not JSON ({e.msg} at character {e.pos}); write {shape}"
        ) from None
