"""Write what pandas-market-calendars says into the package: `data/sessions.zip`.

Run it after the library, `KNOWN_RANGES` or time zone data changed; a test says when. Our
corrections (`data/overrides.toml`) are applied on reading and need no new record.
"""

from __future__ import annotations

from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

from simutrador_core.sessions.draft import Draft
from simutrador_core.sessions.exchange import KNOWN_FROM, KNOWN_RANGES, KNOWN_UNTIL, OWN
from simutrador_core.sessions.library import library_names, library_sessions
from simutrador_core.sessions.recorded import pack

TARGET: Final = (
    Path(__file__).resolve().parents[1] / "src/simutrador_core/sessions/data/sessions.zip"
)
LIBRARIES: Final = ("pandas-market-calendars", "exchange-calendars")
"""Whose versions stand in the file."""

# The library lists these, but fails to compute them.
BROKEN: Final = frozenset(
    {"ASEX", "CMEGlobex_Grains", "CMEGlobex_Oilseeds", "XBEL", "XBSE", "XCYS", "XSGO"}
)


def recorded() -> bytes:
    """Return the file as the installed library would have it."""
    drafts: dict[str, tuple[date, date, Draft]] = {}
    for name in library_names():
        if name.upper() in OWN or name in BROKEN:
            continue
        start, end = KNOWN_RANGES.get(name, (KNOWN_FROM, KNOWN_UNTIL))
        drafts[name] = (start, end, library_sessions(name, start, end))
    return pack(drafts, libraries={name: version(name) for name in LIBRARIES})


if __name__ == "__main__":
    TARGET.write_bytes(recorded())
