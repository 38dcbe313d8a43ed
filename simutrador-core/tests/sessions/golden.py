"""What exchanges published, read the slow and obvious way: for tests only, no library inside."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from simutrador_core.models.bars import to_us
from simutrador_core.sessions.calendar import Calendar

Spans = tuple[tuple[int, int], ...]

HERE = Path(__file__).parent / "data"
ZONES = {
    "XNYS": "America/New_York",
    "XLON": "Europe/London",
    "XHKG": "Asia/Hong_Kong",
    "XTKS": "Asia/Tokyo",
    "CMES": "America/Chicago",
}
REGULAR = {
    "XNYS": ("09:30-16:00", "09:30-13:00"),
    "XLON": ("08:00-16:30", "08:00-12:30"),
    "XHKG": ("09:30-12:00 13:00-16:00", "09:30-12:00"),
}


def spans_of(calendar: Calendar, start: date, end: date) -> dict[date, Spans]:
    """Return the trading time of each session dated in `[start, end)`, microseconds UTC."""
    plan = calendar.between(start, end)
    rows = zip(
        plan.sessions.tolist(),
        plan.opens.tolist(),
        plan.breaks_start.tolist(),
        plan.breaks_end.tolist(),
        plan.closes.tolist(),
        strict=True,
    )
    return {
        day: tuple((a, b) for a, b in ((opens, pause), (back, closes)) if a < b)
        for day, opens, pause, back, closes in rows
    }


def published_spans(name: str, data: Path, start: date, end: date) -> dict[date, Spans]:
    """Return the same from the recorded calendar, the published lists and the decided days."""
    found = dict(_recorded(data / "calendars" / "exchange_calendars" / f"{name.lower()}.csv"))
    zone = ZoneInfo(ZONES[name])
    for one in published_lists(name):
        found |= _from_list(name, one, zone)
    for era in _decided("era", name):
        for day in [day for day in found if era["from"] <= day < era["until"]]:
            half = len(found[day]) == 1  # no afternoon
            found[day] = parse_spans(day, era["half" if half and era["half"] else "full"], zone)
    for one in _decided("day", name):
        found[one["date"]] = parse_spans(one["date"], one["spans"], zone)
    return {day: spans for day, spans in found.items() if start <= day < end and spans}


def published_lists(name: str) -> list[Mapping[str, Any]]:
    """Return the published lists of closed weekdays of an exchange."""
    document = tomllib.loads((HERE / "published.toml").read_text(encoding="utf-8"))
    return [one for one in document["list"] if one["calendar"] == name]


def parse_spans(day: date, text: str, zone: ZoneInfo) -> Spans:
    """Return `09:30-12:00 13:00-16:00` of a date as microseconds; `<` is the evening before."""
    return tuple(
        (_instant(day, first, zone), _instant(day, last, zone))
        for first, _, last in (span.partition("-") for span in text.split())
    )


def _instant(day: date, text: str, zone: ZoneInfo) -> int:
    evening = day - timedelta(days=1) if text.startswith("<") else day
    return to_us(datetime.combine(evening, time.fromisoformat(text.removeprefix("<")), zone))


def _decided(kind: str, name: str) -> list[Mapping[str, Any]]:
    document = tomllib.loads((HERE / "decided.toml").read_text(encoding="utf-8"))
    return [one for one in document[kind] if one["calendar"] == name]


def _recorded(path: Path) -> Iterator[tuple[date, Spans]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            opens, closes = (to_us(datetime.fromisoformat(row[c])) for c in ("open", "close"))
            pauses = [row["break_start"] or row["close"], row["break_end"] or row["close"]]
            pause, back = (to_us(datetime.fromisoformat(text)) for text in pauses)
            spans = ((opens, min(pause, closes)), (back, closes))
            yield date.fromisoformat(row[""][:10]), tuple((a, b) for a, b in spans if a < b)


def _from_list(name: str, one: Mapping[str, Any], zone: ZoneInfo) -> dict[date, Spans]:
    full, half = REGULAR[name]
    days = [one["from"] + timedelta(days=k) for k in range((one["until"] - one["from"]).days)]
    return {
        day: parse_spans(day, half if day in one["half_days"] else full, zone)
        for day in days
        if day.weekday() < 5 and day not in one["closed"]
    }
