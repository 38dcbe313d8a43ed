"""Which setting names exist, and what to say about one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from simutrador_service.config.base import ServiceSettings
from simutrador_service.errors import SettingsError

OF_THE_SDK: Final = frozenset({"AUTH__API_KEY", "AUTH__SERVER_URL", "SERVER__WEBSOCKET__URL"})
"""Settings of the client SDK in sections that services have too.

The SDK reads them from the environment and from the project's `.env`.
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: its name as the environment writes it, and where it stands in the object."""

    name: str
    path: tuple[str, ...]
    field: FieldInfo

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        annotation: Any = self.field.annotation
        kinds = (annotation, *get_args(annotation))
        return any(isinstance(kind, type) and issubclass(kind, SecretStr) for kind in kinds)


@lru_cache(maxsize=32)
def leaves(cls: type[ServiceSettings]) -> Mapping[str, Leaf]:
    """Return every setting of a class by its name, `SERVER__PORT`."""
    return {leaf.name: leaf for leaf in _walk(cls, ())}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one class of settings."""

    known: Mapping[str, Leaf]
    aliases: Mapping[str, str]
    later_sections: frozenset[str]

    @classmethod
    def of(cls, settings: type[ServiceSettings]) -> Names:
        """Return those of a class."""
        aliases = {alias.upper(): name.upper() for alias, name in settings.aliases.items()}
        return cls(leaves(settings), aliases, settings.later_sections)

    @property
    def sections(self) -> frozenset[str]:
        """Our sections, in capitals."""
        return frozenset(name.partition("__")[0] for name in self.known if "__" in name)

    def check(self, names: Iterable[str], *, where: str, ours_only: bool = False) -> None:
        """Refuse a name in one of our sections that we do not know.

        Args:
            names: What is set there.
            where: Where it is set, for the message: `.env`.
            ours_only: True for the environment, which belongs to every program: a section that
                merely resembles one of ours is left alone there.

        Raises:
            SettingsError: with the nearest known name.
        """
        for name in sorted(name.upper() for name in names):
            section, separator, _ = name.partition("__")
            if not separator or section in self.later_sections:
                continue
            if name in self.known or name in self.aliases:
                continue
            if section in self.sections:
                known = [one for one in self.known if one.startswith(f"{section}__")]
                raise SettingsError(_unknown(name, where, known))
            rivals = [*self.sections, *self.later_sections]
            if not ours_only and get_close_matches(section, rivals, n=1, cutoff=0.8):
                raise SettingsError(_unknown(name, where, list(self.known)))

    def later(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those among these that belong to a feature of a later release, sorted."""
        upper = {name.upper() for name in names}
        return tuple(
            sorted(name for name in upper if name.partition("__")[0] in self.later_sections)
        )


def _walk(model: type[BaseModel], path: tuple[str, ...]) -> Iterable[Leaf]:
    for name, field in model.model_fields.items():
        inner = _section(field.annotation)
        if inner is not None:
            yield from _walk(inner, (*path, name))
        else:
            here = (*path, name)
            yield Leaf("__".join(here).upper(), here, field)


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _unknown(name: str, where: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
    return f"unknown setting {name} in {where}: {hint}"
