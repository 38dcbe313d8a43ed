"""Read TOML files that people write, with errors that name the file, the line and the field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar, cast

from simutrador_core.errors import InputError

T = TypeVar("T")

_ARRAY_HEADER: Final = re.compile(r"^\s*\[\[\s*([A-Za-z0-9_-]+)\s*\]\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Table:
    """One `[[kind]]` table: its values, and where it stands (`overrides.toml line 12`)."""

    kind: str
    values: Mapping[str, object]
    where: str

    def require(self, field: str, wanted: type[T]) -> T:
        """Return a value that must be there.

        Raises:
            InputError: it is absent, an empty text, or of another type; `field` names it.
        """
        value = self.find(field, wanted)
        if value is None or value == "":
            raise self.refuse(field, "is required")
        return value

    def find(self, field: str, wanted: type[T]) -> T | None:
        """Return a value of that type, or None when it is absent.

        Raises:
            InputError: it is of another type; a date with a time is no date, true is no number.
        """
        value = self.values.get(field)
        if value is None:
            return None
        known: type = bool if isinstance(value, bool) else type(value)
        disguised = known in {bool, datetime} and known is not wanted
        if disguised or not isinstance(value, wanted):
            raise self.refuse(field, f"must be a {wanted.__name__}, not {value!r}")
        return value

    def allow_only(self, fields: Collection[str]) -> None:
        """Refuse a field outside `fields`: a misspelt one would silently do nothing.

        Raises:
            InputError: there is one; the text lists those that are known.
        """
        for name in self.values:
            if name not in fields:
                raise self.refuse(name, f"is unknown; known are {', '.join(sorted(fields))}")

    def refuse(self, field: str, problem: str) -> InputError:
        """Return the error that says what is wrong with a field, and where."""
        return InputError(f"{self.where}: {self.kind}: field {field!r} {problem}", field=field)


def parse_tables(text: str, *, source: str, kinds: Collection[str]) -> Iterator[Table]:
    """Yield the `[[kind]]` tables of a TOML text in the order of the file.

    Args:
        text: The TOML text.
        source: What errors call it, usually its path.
        kinds: The kinds of table it may hold.

    Raises:
        InputError: it is not TOML, or holds anything but such tables.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise InputError(f"{source}: not valid TOML: {e}") from e
    for name, value in document.items():
        if name not in kinds or not isinstance(value, list):
            known = ", ".join(f"[[{kind}]]" for kind in sorted(kinds))
            raise InputError(f"{source}: {name!r} is unknown; known are {known}", field=name)
    rows = {name: iter(cast("list[object]", value)) for name, value in document.items()}
    for header in _ARRAY_HEADER.finditer(text):
        kind, line = header[1], text.count("\n", 0, header.start(1)) + 1
        values = next(rows.get(kind, iter(())), None)
        if isinstance(values, dict):
            yield Table(kind, cast("Mapping[str, object]", values), f"{source} line {line}")
