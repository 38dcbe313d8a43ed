"""`get_calendar`: when an exchange trades, by its name.

Three kinds of source, in this order: our own rules (`24/7`, `24/5`, `XTAE`), else what
pandas-market-calendars said when this release was made (`sessions.recorded`), then the corrections
of `data/overrides.toml` and the user's own file over both. The library itself (extra `calendars`)
is asked for names that are not recorded. What it says is a claim: the corrections carry the
published source that decided against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from simutrador_core.errors import CalendarError, MissingExtraError
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_core.sessions.draft import Draft
from simutrador_core.sessions.library import library_names, library_sessions
from simutrador_core.sessions.overrides import apply_overrides, parse_overrides
from simutrador_core.sessions.recorded import find_recorded, recorded_names
from simutrador_core.sessions.round_the_clock import every_day, fx_week
from simutrador_core.sessions.tel_aviv import tel_aviv
from simutrador_core.sessions.us_holidays import name_us_holidays

KNOWN_FROM: Final = date(1990, 1, 1)
"""First date of every calendar that has no later one of its own."""

KNOWN_UNTIL: Final = date(2031, 1, 1)
"""First date no longer known. Exchanges publish two or three years ahead; later years are rules."""

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NYSE": "XNYS",
        "NASDAQ": "XNYS",
        "XNAS": "XNYS",
        "ARCX": "XNYS",
        "XASE": "XNYS",
        "BATS": "XNYS",
        "IEX": "XNYS",
        "LSE": "XLON",
        "HKEX": "XHKG",
        "JPX": "XTKS",
        "TSE": "XTKS",
        "XJPX": "XTKS",
        "TASE": "XTAE",
        "NSE": "XNSE",
        "BSE": "XBOM",
        "CME": "CMES",
        "FX": "24/5",
        "FOREX": "24/5",
        "CRYPTO": "24/7",
    }
)
"""Other names of calendars; US exchanges share one."""

KNOWN_RANGES: Final[Mapping[str, tuple[date, date]]] = MappingProxyType(
    {
        "XTAE": (date(2005, 1, 1), date(2028, 1, 1)),  # published up to 2027
        "XTKS": (date(1997, 1, 1), KNOWN_UNTIL),
        "XNSE": (date(2010, 10, 18), date(2027, 1, 1)),  # other hours before; lunar dates after
        "XBOM": (date(2010, 10, 18), date(2027, 1, 1)),
        "XSHG": (date(1990, 12, 3), date(2027, 1, 1)),
        "SSE": (date(1990, 12, 3), date(2027, 1, 1)),
        "XSES": (KNOWN_FROM, date(2027, 1, 1)),
        "XSAU": (date(2021, 1, 1), date(2030, 1, 1)),
        "AIXK": (date(2017, 1, 1), KNOWN_UNTIL),
    }
)
"""Where the source of a calendar does not reach from `KNOWN_FROM` to `KNOWN_UNTIL`."""

OWN: Final[Mapping[str, Callable[[date, date], Draft]]] = MappingProxyType(
    {"24/7": every_day, "24/5": fx_week, "XTAE": tel_aviv}
)
"""Calendars that follow our own rules: no library is asked for them."""


@dataclass(frozen=True, slots=True)
class _Corrections:
    """The text of an override file: part of the cache key, so an edit is seen."""

    source: str
    text: str


def get_calendar(
    name: str,
    start: date = KNOWN_FROM,
    end: date | None = None,
    *,
    overrides: Path | None = None,
) -> Calendar:
    """Return the calendar of an exchange for the sessions dated in `[start, end)`.

    The same arguments give the same object; its columns are read-only.

    Args:
        name: `XNYS`, `XLON`, `XHKG`, `XTKS`, `XTAE`, `CMES`, `XNSE`, `24/7`, `24/5`, an alias
            (`ALIASES`), or any name pandas-market-calendars knows; upper or lower case. One
            that is not recorded imports that library, about a second.
        start: First date; the default stands for the first that is known (`KNOWN_RANGES`).
        end: First date left out; None stands for the first that is no longer known.
        overrides: The user's own TOML file of corrections (`sessions.overrides` has the format).

    Raises:
        CalendarError: the name is unknown, or the range reaches beyond what is known.
        InputError: the user's file breaks the format; the text names line and field.
    """
    texts = [_Corrections("overrides.toml", shipped_overrides())]
    if overrides is not None:
        texts.append(_Corrections(str(overrides), overrides.read_text(encoding="utf-8")))
    upper = name.upper()
    whole = _whole_calendar(ALIASES.get(upper, upper), tuple(texts))
    first = whole.start if start == KNOWN_FROM else start
    last = whole.end if end is None else end
    return whole if (first, last) == (whole.start, whole.end) else _cut(whole, first, last)


@lru_cache(maxsize=1)
def shipped_overrides() -> str:
    """Return the text of the corrections that ship with the package."""
    path = files("simutrador_core.sessions") / "data" / "overrides.toml"
    return path.read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def _whole_calendar(name: str, texts: tuple[_Corrections, ...]) -> Calendar:
    name = name if name in OWN else _library_name(name)
    start, end = KNOWN_RANGES.get(name, (KNOWN_FROM, KNOWN_UNTIL))
    draft = _draft(name, start, end)
    every = [one for file in texts for one in parse_overrides(file.text, source=file.source)]
    mine = [one for one in every if ALIASES.get(one.calendar, one.calendar) == name]
    if name == "XNYS":
        draft = name_us_holidays(draft)
    draft = apply_overrides(draft, mine, start=start, end=end)
    return Calendar(
        name,
        draft.zone,
        _frozen(draft.schedule),
        start,
        end,
        MappingProxyType(dict(draft.closures)),
        MappingProxyType(dict(draft.early_closes)),
    )


def _draft(name: str, start: date, end: date) -> Draft:
    """Return the sessions before corrections."""
    make = OWN.get(name)
    if make is not None:
        return make(start, end)
    return find_recorded(name, start, end) or library_sessions(name, start, end)


def _library_name(name: str) -> str:
    """Return the name as the library spells it."""
    known = {one.upper(): one for one in recorded_names()}
    if name not in known:
        with suppress(MissingExtraError):
            known |= {one.upper(): one for one in library_names()}
    if name not in known:
        near = get_close_matches(name, [*known, *ALIASES, *OWN], n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise CalendarError(f"no exchange calendar is called {name!r}{hint}")
    return known[name]


@lru_cache(maxsize=256)
def _cut(whole: Calendar, start: date, end: date) -> Calendar:
    return replace(
        whole,
        schedule=whole.between(start, end),
        start=start,
        end=end,
        closures=_between(whole.closures, start, end),
        early_closes=_between(whole.early_closes, start, end),
    )


def _between(names: Mapping[date, str], start: date, end: date) -> Mapping[date, str]:
    return MappingProxyType({day: name for day, name in names.items() if start <= day < end})


def _frozen(plan: Schedule) -> Schedule:
    columns = (plan.sessions, plan.opens, plan.closes, plan.breaks_start, plan.breaks_end)
    for column in columns:
        column.flags.writeable = False
    return plan
