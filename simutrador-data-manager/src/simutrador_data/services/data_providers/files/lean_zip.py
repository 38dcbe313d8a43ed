"""Lean data files (QuantConnect): zips of one CSV without header, one a day or one a symbol.

Source: the LEAN engine's Data folder and its readme files, read 2026-11. Minute files: milliseconds
since midnight of the day in the file's name, local time; hour and daily files: `YYYYMMDD HH:MM`.
Then open, high, low, close, volume; or, for quotes, bid open to close, bid size, ask likewise.
A bar is labelled by its open. US and Indian equity prices are 10000 times the price, raw.
US hour bars stand on the clock's hours: the one of 09:00 holds 09:30 to 10:00. They keep that
instant, which is where the UTC grid (`Alignment.POLYGON`) puts them too.
FXCM's days are calendar days at UTC-5, so its Sunday rows belong to no session of `24/5`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simutrador_core.models.enums import Adjustment
from simutrador_data.services.data_providers.files.calendars import Calendars
from simutrador_data.services.data_providers.files.columns import PRICES, Role
from simutrador_data.services.data_providers.files.csv_file import TextBars, first_block
from simutrador_data.services.data_providers.files.dialect import Layout
from simutrador_data.services.data_providers.files.lean_paths import LeanPlace, lean_place
from simutrador_data.services.data_providers.files.model import (
    Facts,
    ImportOptions,
    Label,
    NotBarsError,
    Quotes,
)
from simutrador_data.services.data_providers.files.planning import Hints, Planner
from simutrador_data.services.data_providers.files.source import Source
from simutrador_data.services.data_providers.files.text_rows import TextFormat, to_raw

EQUITY_SCALE: Final = 10_000.0

_TRADE_WIDTH: Final = 6
_QUOTE_WIDTH: Final = 11
_MIDNIGHT_MS: Final = 86_400_000
_STAMP: Final = re.compile(r"\d{8} \d{2}:\d{2}")
_ROLES: Final = {
    role: at for at, role in enumerate((Role.TIME, *PRICES, Role.VOLUME))
}  # a quote file's bid comes first


def find_lean(source: Source, head: bytes) -> LeanPlace | None:
    """Return what a Lean file's path says, or None when the file is no Lean file."""
    lines = head[:4096].decode("utf-8", "replace").splitlines()
    cells = lines[0].split(",") if lines else [""]
    if len(cells) not in (_TRADE_WIDTH, _QUOTE_WIDTH):
        return None
    place = lean_place(source.path, source.member)
    if cells[0].isdigit():
        is_lean = place.day is not None and int(cells[0]) < _MIDNIGHT_MS
    else:
        is_lean = bool(_STAMP.fullmatch(cells[0])) and (
            len(cells) == _QUOTE_WIDTH or bool(place.asset_class) or _is_whole(lines)
        )
    return place if is_lean else None


def open_lean(
    source: Source,
    place: LeanPlace,
    head: bytes,
    options: ImportOptions,
    calendars: Calendars,
    *,
    now_us: int | None = None,
) -> TextBars:
    """Return a Lean file as bars.

    Raises:
        NotBarsError: it holds quotes of a market that has trades, and `quotes` is not given.
        ImportFileError: it is damaged, or its symbol is not known.
    """
    path = str(source.path)
    facts = Facts()
    lines = head[:65536].decode("utf-8", "replace").splitlines()
    width = len(lines[0].split(","))
    layout = Layout(",", 0, width, (), _ROLES)
    has_quotes = width == _QUOTE_WIDTH
    quotes = _quotes(place, options, facts, path=path) if has_quotes else None
    scale = _scale(place, lines, options, facts)
    has_clock = not _STAMP.match(lines[0])
    if has_clock:
        facts.note("day", place.day, "name")
    how = TextFormat(layout, scale=scale, day=place.day if has_clock else None, quotes=quotes)
    kind = "quotes" if has_quotes else "trades"
    planner = Planner(path, f"lean {kind}", options, _hints(place), calendars, facts)
    raw = to_raw(first_block(source, layout), how)
    decided = planner.decide(raw, now_us=now_us)
    if how.day is not None:
        whole = _day(how.day, decided.plan.zone)
        decided = replace(decided, description=replace(decided.description, whole=whole))
    return TextBars(source, how, decided, calendars)


def _day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the day that a minute file holds whole, be its last trade ever so early."""
    start, end = (datetime.combine(d, time(), tzinfo=zone) for d in (day, day + timedelta(days=1)))
    return start.astimezone(UTC), end.astimezone(UTC)


def _quotes(place: LeanPlace, options: ImportOptions, facts: Facts, *, path: str) -> Quotes:
    if options.quotes is not None:
        facts.note("quotes", options.quotes, "given")
        return options.quotes
    if place.asset_class == "forex":
        facts.note("quotes", Quotes.MID, "default for forex, which has no trades")
        return Quotes.MID
    raise NotBarsError(
        "holds quotes (bid and ask), and bars of trades exist for this market; "
        "to import one side as bars give --quotes mid, bid or ask",
        path=path,
    )


def _scale(place: LeanPlace, lines: list[str], options: ImportOptions, facts: Facts) -> float:
    if options.price_scale is not None:
        scale, how = options.price_scale, "given"
    elif place.asset_class:
        scale = EQUITY_SCALE if place.asset_class == "equity" else 1.0
        how = f"path: {place.asset_class}"
    elif _is_whole(lines):
        scale, how = EQUITY_SCALE, "assumed: all prices are whole numbers"
    else:
        scale, how = 1.0, "data: prices have decimals"
    facts.note("price scale", f"{scale:g}", how)
    return scale


def _is_whole(lines: list[str]) -> bool:
    return not any("." in cell for line in lines[:-1] or lines for cell in line.split(",")[1:5])


def _hints(place: LeanPlace) -> Hints:
    how = f"path: {place.market_name or place.asset_class}"
    zone, calendar = place.market.zone, place.market.calendar
    return Hints(
        symbol=(place.symbol, "path") if place.symbol else None,
        timeframe=(place.timeframe, "path") if place.timeframe else None,
        zone=(zone, how) if zone else None,
        calendar=(calendar, how) if calendar else None,
        label=(Label.OPEN, "format"),
        adjustment=(Adjustment.RAW, "format"),
    )
