"""Corrections to an exchange's sessions, each with its source, from a TOML file. Pure.

The file holds tables of five kinds; every one needs `calendar` and `source`, dates and times are
TOML dates and times, times are the exchange's wall times:

    [[closed]]        # no session on a date the library has one
    calendar = "XHKG"
    date = 2023-09-08
    name = "Black rainstorm"
    source = "HKEX notice 2309083news"

    [[open]]          # a session the library lacks: open, close, and break_start with break_end
    [[early_close]]   # date, close; a break that would begin later falls away
    [[late_open]]     # date, open; an open inside or after the break takes the break away
    [[hours]]         # from, until (exclusive): any of open, close, break_start, break_end, and
                      # half_day_close for the sessions of that time that close early

`open` may lie on the evening before: write `open_previous_day = true`. A later table wins over an
earlier one; the user's file is applied after the one that ships with the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Final

import numpy as np

from simutrador_core.models.bars import I64
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.sessions.draft import ONE_DAY, Draft, instants, local_us
from simutrador_core.utils.toml_tables import Table, parse_tables

_COMMON: Final = frozenset({"calendar", "source"})
_TIMES: Final = ("open", "close", "break_start", "break_end")
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "closed": _COMMON | {"date", "name"},
    "open": _COMMON | {"date", "name", "open_previous_day", *_TIMES},
    "early_close": _COMMON | {"date", "name", "close"},
    "late_open": _COMMON | {"date", "name", "open"},
    "hours": _COMMON | {"from", "until", "half_day_close", *_TIMES},
}
_REQUIRED: Final[Mapping[str, Sequence[tuple[str, type]]]] = {
    "closed": (("date", date), ("name", str)),
    "open": (("date", date), ("open", time), ("close", time)),
    "early_close": (("date", date), ("close", time)),
    "late_open": (("date", date), ("open", time)),
    "hours": (("from", date), ("until", date)),
}


@dataclass(frozen=True, slots=True)
class Override:
    """One correction. `start` is its date, or the first of the range that ends before `end`."""

    kind: str
    calendar: str
    source: str
    start: date
    end: date | None = None
    name: str = ""
    open: time | None = None
    close: time | None = None
    break_start: time | None = None
    break_end: time | None = None
    half_day_close: time | None = None
    opens_day_before: bool = False


def parse_overrides(text: str, *, source: str) -> list[Override]:
    """Return the corrections of a TOML text in order; `source` is what errors call it.

    Raises:
        InputError: the text breaks the format; the message names file, line and field.
    """
    return [_to_override(table) for table in parse_tables(text, source=source, kinds=_FIELDS)]


def apply_overrides(
    draft: Draft, overrides: Iterable[Override], *, start: date, end: date
) -> Draft:
    """Return the draft with each correction dated in `[start, end)` made, in order."""
    for one in overrides:
        if one.kind == "hours":
            draft = _change_hours(draft, one)
        elif start <= one.start < end:
            draft = _change_day(draft, one)
    return draft


def _to_override(table: Table) -> Override:
    table.allow_only(_FIELDS[table.kind])
    for name, wanted in _REQUIRED[table.kind]:
        table.require(name, wanted)
    hours = {name: table.find(name, time) for name in _TIMES}
    half_a_break = (hours["break_start"] is None) != (hours["break_end"] is None)
    if half_a_break and table.kind == "open":
        raise table.refuse("break_start", "and 'break_end' go together")
    start = table.find("date", date) or table.require("from", date)
    end = table.find("until", date)
    if end is not None and end <= start:
        raise table.refuse("until", f"{end} must be after 'from' {start}")
    return Override(
        kind=table.kind,
        calendar=table.require("calendar", str),
        source=table.require("source", str),
        start=start,
        end=end,
        name=table.find("name", str) or "",
        half_day_close=table.find("half_day_close", time),
        opens_day_before=table.find("open_previous_day", bool) or False,
        **hours,
    )


def _change_day(draft: Draft, one: Override) -> Draft:
    """Return the draft with one date's session closed, opened, shortened or delayed."""
    closures, early = dict(draft.closures), dict(draft.early_closes)
    row, found = _find(draft.schedule, one.start)
    early.pop(one.start, None)
    if one.kind == "closed":
        schedule = _delete(draft.schedule, row) if found else draft.schedule
        closures[one.start] = one.name
    elif one.kind == "open":
        plan = _delete(draft.schedule, row) if found else draft.schedule
        schedule = _insert(plan, row, _instants(draft, one), one.start)
        closures.pop(one.start, None)
        if one.name:
            early[one.start] = one.name
    elif not found:
        return draft
    elif one.kind == "early_close":
        schedule = _shorten(draft, row, _instants(draft, one)[1])
        early[one.start] = one.name or "early close"
    else:
        schedule = _delay(draft, row, _instants(draft, one)[0])
        early = dict(draft.early_closes)
    return replace(draft, schedule=schedule, closures=closures, early_closes=early)


def _change_hours(draft: Draft, one: Override) -> Draft:
    """Return the draft with other hours for every session of a span of dates."""
    plan = draft.schedule
    first, last = (_find(plan, day)[0] for day in (one.start, one.end or one.start))
    columns = [column.copy() for column in _columns(plan)]
    opens, closes, breaks_start, breaks_end = (column[first:last] for column in columns)
    days = plan.sessions[first:last]
    early = np.isin(days, np.array(sorted(draft.early_closes), dtype="datetime64[D]"))

    def put(column: I64, at: time | None, *, where: slice | np.ndarray = slice(None)) -> None:
        if at is not None:
            column[where] = local_us(days[where], at, draft.zone)

    put(opens, one.open)
    put(closes, one.close, where=~early)
    put(breaks_start, one.break_start)
    put(breaks_end, one.break_end)
    put(closes, one.half_day_close, where=early)
    np.minimum(breaks_start, closes, out=breaks_start)
    breaks_end[breaks_start == closes] = closes[breaks_start == closes]
    return replace(draft, schedule=Schedule(plan.sessions, *columns))


def _instants(draft: Draft, one: Override) -> tuple[int, int, int, int]:
    """Return open, close, break start and break end of a day's correction, microseconds UTC."""
    close = one.close or time(0)
    evening = one.start if not one.opens_day_before else _day_before(one.start)
    walls = [
        (evening, one.open or time(0)),
        (one.start, close),
        (one.start, one.break_start or close),
        (one.start, one.break_end or close),
    ]
    opens, closes, breaks_start, breaks_end = instants(walls, draft.zone).tolist()
    return opens, closes, breaks_start, breaks_end


def _day_before(day: date) -> date:
    return (np.datetime64(day, "D") - ONE_DAY).item()


def _shorten(draft: Draft, row: int, close: int) -> Schedule:
    columns = [column.copy() for column in _columns(draft.schedule)]
    _, closes, breaks_start, breaks_end = columns
    if breaks_start[row] == closes[row] or breaks_end[row] >= close:  # no afternoon is left
        breaks_start[row] = breaks_end[row] = min(int(breaks_start[row]), close)
        close = int(breaks_start[row])
    closes[row] = close
    return Schedule(draft.schedule.sessions, *columns)


def _delay(draft: Draft, row: int, opened: int) -> Schedule:
    columns = [column.copy() for column in _columns(draft.schedule)]
    opens, closes, breaks_start, breaks_end = columns
    opens[row] = opened
    if opened >= breaks_start[row]:
        breaks_start[row] = breaks_end[row] = closes[row]
    return Schedule(draft.schedule.sessions, *columns)


def _columns(plan: Schedule) -> tuple[I64, I64, I64, I64]:
    return plan.opens, plan.closes, plan.breaks_start, plan.breaks_end


def _find(plan: Schedule, day: date) -> tuple[int, bool]:
    wanted = np.datetime64(day, "D")
    row = int(np.searchsorted(plan.sessions, wanted))
    return row, row < len(plan) and bool(plan.sessions[row] == wanted)


def _delete(plan: Schedule, row: int) -> Schedule:
    columns = (np.delete(column, row) for column in _columns(plan))
    return Schedule(np.delete(plan.sessions, row), *columns)


def _insert(plan: Schedule, row: int, values: tuple[int, int, int, int], day: date) -> Schedule:
    columns = (
        np.insert(column, row, value) for column, value in zip(_columns(plan), values, strict=True)
    )
    return Schedule(np.insert(plan.sessions, row, np.datetime64(day, "D")), *columns)
