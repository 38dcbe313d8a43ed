"""Halts and special closures that no calendar has: built in, and in a store's `halts.toml`.

    [[halt]]
    symbol = "ACME"                 # or calendar = "XNYS", for all that trades there
    start = 2024-03-05T15:00:00Z
    end = 2024-03-05T15:05:00Z
    source = "https://exchange.example/halts/2024-03-05"

`[[closure]]` says the same of a time in which the exchange itself was closed (reason `closed`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from simutrador_core.assets.registry import Asset
from simutrador_core.errors import InputError
from simutrador_core.models.enums import GapReason
from simutrador_data.services.validation.reasons import Explanation

HALTS_FILE: Final = "halts.toml"
_BUILT_IN: Final = "market_halts.toml"


class Halt(BaseModel):
    """A time `[start, end)` without trading, of one symbol or of a whole exchange."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str | None = None
    calendar: str | None = None
    start: AwareDatetime
    end: AwareDatetime
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Halt:
        if (self.symbol is None) == (self.calendar is None):
            raise ValueError("name either a symbol or a calendar")
        if self.end <= self.start:
            raise ValueError(f"it ends at {self.end}, not after its start {self.start}")
        return self

    def concerns(self, asset: Asset) -> bool:
        """Return whether it stopped this asset from trading."""
        return asset.symbol == self.symbol or asset.calendar == self.calendar

    def explains(self, reason: GapReason) -> Explanation:
        """Return what it says about absent bars."""
        return Explanation(self.start, self.end, reason, f"{reason}: {self.source}")


class Halts(BaseModel):
    """Every halt and special closure of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    halt: tuple[Halt, ...] = ()
    closure: tuple[Halt, ...] = ()

    def of(self, asset: Asset) -> list[Explanation]:
        """Return what is known about one asset."""
        halted = [one.explains(GapReason.HALTED) for one in self.halt if one.concerns(asset)]
        return halted + [
            one.explains(GapReason.CLOSED) for one in self.closure if one.concerns(asset)
        ]


@runtime_checkable
class InFolder(Protocol):
    """A store that lives in a folder, where people may put files beside the bars."""

    @property
    def root(self) -> Path:
        """The folder."""
        ...


def halts_of(store: object, asset: Asset) -> Sequence[Explanation]:
    """Return the halts of one asset: the built-in ones, and those beside the bars of a store.

    Raises:
        InputError: the file of the store cannot be understood; the text names the place.
    """
    found = _built_in().of(asset)
    if isinstance(store, InFolder):
        found += _beside(store.root / HALTS_FILE).of(asset)
    return found


def parse_halts(text: str, *, name: str) -> Halts:
    """Return the halts of a TOML text.

    Raises:
        InputError: it cannot be understood; the text names the entry and what is wrong.
    """
    try:
        return Halts.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as e:
        raise InputError(f"{name} is no TOML: {e}", field=HALTS_FILE) from None
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{name}: {place}: {first['msg']}; an entry has symbol or calendar, start and end "
            "with a time zone, and source",
            field=HALTS_FILE,
        ) from None


def _beside(path: Path) -> Halts:
    try:
        found = path.stat()
    except OSError:
        return Halts()
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, _changed_ns: int, _size: int) -> Halts:
    """Return the halts of a file; one that was not changed is not read again."""
    return parse_halts(path.read_text("utf-8"), name=str(path))


@lru_cache(maxsize=1)
def _built_in() -> Halts:
    text = files("simutrador_data.services.validation").joinpath(_BUILT_IN).read_text("utf-8")
    return parse_halts(text, name=_BUILT_IN)
