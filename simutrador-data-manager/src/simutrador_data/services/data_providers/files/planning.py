"""From what the user said, what the name says and what a sample shows: one plan for a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.errors import ImportFileError, InputError
from simutrador_core.models.bars import I64, from_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.services.data_providers.files.calendars import Calendars
from simutrador_data.services.data_providers.files.inference import (
    infer_label,
    infer_timeframe,
    infer_zone,
)
from simutrador_data.services.data_providers.files.instants import SECOND_US
from simutrador_data.services.data_providers.files.model import (
    Description,
    Facts,
    ImportOptions,
    Label,
)
from simutrador_data.services.data_providers.files.placing import to_utc
from simutrador_data.services.data_providers.files.rows import Plan, RawRows
from simutrador_data.services.data_providers.files.zones import find_zone

_DST_US: Final = 3600 * SECOND_US
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of a file before its rows are looked at, each with how; None is unknown."""

    symbol: tuple[str, str] | None = None
    timeframe: tuple[Timeframe, str] | None = None
    zone: tuple[str, str] | None = None
    calendar: tuple[str, str] | None = None
    label: tuple[Label, str] | None = None
    adjustment: tuple[Adjustment, str] | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The plan of a file; `symbol` is None where a column names it, `calendar` for the asset's."""

    plan: Plan
    symbol: str | None
    calendar: str | None
    description: Description


@dataclass(slots=True)
class Planner:
    """Decides one thing after another, each from the user's word, a hint, or the sample."""

    path: str
    format: str
    options: ImportOptions
    hints: Hints
    calendars: Calendars
    facts: Facts
    cautions: list[str] = field(default_factory=list[str])

    def decide(self, sample: RawRows, *, now_us: int | None) -> Decided:
        """Return the plan.

        Raises:
            ImportFileError: something that is needed cannot be told; the text names the option.
        """
        symbol, rows = self._symbol(sample)
        calendar = self._calendar(symbol or first_symbol(sample))
        readable = rows[sample.moments.ok[rows]]
        if not len(readable):
            raise ImportFileError(
                f"no date or time can be read, for instance in {sample.texts(rows[:1])}; "
                "name its column with --columns time=COLUMN",
                path=self.path,
            )
        is_aware = self._offsets(sample, readable)
        timeframe = self._timeframe(sample, readable)
        newest_first = _runs_backwards(sample, readable)
        self.facts.note("order", "newest first" if newest_first else "oldest first", "data")
        zone = self._zone(sample, readable, timeframe, calendar, is_aware=is_aware)
        draft = Plan(
            timeframe, self._adjustment(), zone, Label.OPEN, is_aware, newest_first, now_us
        )
        label = self._label(sample, readable, draft, calendar)
        plan = Plan(timeframe, draft.adjustment, zone, label, is_aware, newest_first, now_us)
        chosen = calendar if self.options.calendar or self.hints.calendar else None
        self._compare_calendars(symbol, chosen)
        return Decided(plan, symbol, chosen, self._describe(sample, symbol, plan))

    def _symbol(self, sample: RawRows) -> tuple[str | None, I64]:
        everything = np.arange(len(sample))
        if self.options.symbol is not None:
            symbol = parse_symbol(self.options.symbol)
            self.facts.note("symbol", symbol, "given")
            return symbol, everything
        if sample.symbols is not None:
            codes, names = sample.symbols
            self.facts.note("symbol", f"a column: {', '.join(names[:5])}", "header")
            return None, np.flatnonzero(codes == codes[0]) if len(codes) else everything
        if self.hints.symbol is not None:
            self.facts.note("symbol", *self.hints.symbol)
            return self.hints.symbol[0], everything
        raise ImportFileError(
            "the file's name does not say one symbol, and no column does; give --symbol",
            path=self.path,
        )

    def _calendar(self, symbol: str) -> str:
        if self.options.calendar is not None:
            name, how = self.options.calendar, "given"
        elif self.hints.calendar is not None:
            name, how = self.hints.calendar
        else:
            name, how = self.calendars.name_of(symbol), f"of {symbol}"
        self.facts.note("calendar", name, how)
        return name

    def _offsets(self, sample: RawRows, rows: I64) -> bool:
        aware = sample.moments.aware[rows]
        if not aware.any():
            return False
        if not aware.all():
            with_offset, without = int(np.argmax(aware)), int(np.argmin(aware))
            raise ImportFileError(
                f"mixed time zones: line {sample.lines[rows[with_offset]]} has an offset from UTC, "
                f"line {sample.lines[rows[without]]} has none; write all times the same way",
                path=self.path,
            )
        offsets = np.unique(sample.moments.offset_us[rows])
        if int(offsets[-1] - offsets[0]) > _DST_US and self.options.zone is None:
            hours = ", ".join(f"{us / _DST_US:+g} h" for us in offsets.tolist())
            raise ImportFileError(
                f"mixed time zones: offsets {hours} cannot be one zone in summer and winter; "
                "give --zone UTC to take each row's own offset",
                path=self.path,
            )
        return True

    def _timeframe(self, sample: RawRows, rows: I64) -> Timeframe:
        if self.options.timeframe is not None:
            self.facts.note("timeframe", self.options.timeframe, "given")
            return self.options.timeframe
        found = infer_timeframe(sample.moments.local_us[rows])
        if self.hints.timeframe is not None and (
            found is None or self.hints.timeframe[1] != "name"
        ):
            self.facts.note("timeframe", *self.hints.timeframe)
            return self.hints.timeframe[0]
        if found is None and not sample.moments.has_clock[rows].any():
            found = Timeframe.DAILY
        if found is None:
            raise ImportFileError(
                "the spacing of its times fits no timeframe; give --timeframe", path=self.path
            )
        self.facts.note("timeframe", found, "data: the spacing of the times")
        return found

    def _zone(
        self, sample: RawRows, rows: I64, timeframe: Timeframe, calendar: str, *, is_aware: bool
    ) -> ZoneInfo:
        home = self.calendars.get(calendar).zone
        if self.options.zone is not None:
            zone, how = find_zone(self.options.zone), "given"
        elif is_aware:
            zone, how = home, "data: each time has its offset"
        elif self.hints.zone is not None:
            zone, how = find_zone(self.hints.zone[0]), self.hints.zone[1]
        elif not timeframe.is_intraday:
            zone, how = home, "dates are the exchange's sessions"
        else:
            schedule = self._schedule(sample, rows, calendar)
            local = sample.moments.local_us[rows]
            zone, how = infer_zone(local, sample.prices["volume"][rows], schedule, home)
        shown = "offsets in the data" if is_aware and how.startswith("data") else zone.key
        self.facts.note("zone", shown, how)
        return zone

    def _label(self, sample: RawRows, rows: I64, plan: Plan, calendar: str) -> Label:
        if self.options.label is not None:
            label, how = self.options.label, "given"
        elif self.hints.label is not None:
            label, how = self.hints.label
        elif not plan.timeframe.is_intraday:
            return Label.OPEN
        else:
            utc, exists = to_utc(sample.moments, rows, plan.zone, newest_first=plan.newest_first)
            volume = sample.prices["volume"][rows[exists]]
            schedule = self._schedule(sample, rows, calendar)
            label, how = infer_label(utc[exists], volume, schedule, timeframe_us(plan.timeframe))
        self.facts.note("label", label, how)
        return label

    def _adjustment(self) -> Adjustment:
        if self.options.adjustment is not None:
            self.facts.note("adjustment", self.options.adjustment, "given")
            return self.options.adjustment
        value, how = self.hints.adjustment or (Adjustment.RAW, "assumed")
        self.facts.note("adjustment", value, how)
        return value

    def _first_day(self, sample: RawRows, rows: I64) -> date:
        return from_us(int(sample.moments.local_us[rows].min())).date() - _WEEK

    def _schedule(self, sample: RawRows, rows: I64, calendar: str) -> Schedule:
        """Return the sessions around the sample."""
        first = self._first_day(sample, rows)
        known = self.calendars.get(calendar)
        last = from_us(int(sample.moments.local_us[rows].max())).date() + _WEEK
        start, end = max(first, known.start), min(last, known.end)
        return known.between(start, max(start, end))

    def _compare_calendars(self, symbol: str | None, chosen: str | None) -> None:
        """Note when the import follows another calendar than validation will."""
        if symbol is None or chosen is None:
            return
        own = self.calendars.name_of(symbol)
        if self.calendars.get(own).name != self.calendars.get(chosen).name:
            self.cautions.append(
                f"{symbol} is known to trade on {own}, not {chosen}; describe it in assets.toml, "
                "so that validation follows the same calendar"
            )

    def _describe(self, sample: RawRows, symbol: str | None, plan: Plan) -> Description:
        adjustments = (plan.adjustment,)
        if sample.adjusted and plan.adjustment is not Adjustment.TOTAL:
            adjustments = (plan.adjustment, Adjustment.TOTAL)
        return Description(
            self.format,
            symbol,
            plan.timeframe,
            adjustments,
            tuple(self.facts.found),
            tuple(self.cautions),
        )


def first_symbol(sample: RawRows) -> str:
    """Return the symbol of the first row; an unreadable one is judged later, row by row."""
    if sample.symbols is None or not sample.symbols[1]:
        return ""
    codes, names = sample.symbols
    try:
        return parse_symbol(names[int(codes[0])].strip())
    except InputError:
        return names[int(codes[0])]


def _runs_backwards(sample: RawRows, rows: I64) -> bool:
    steps = np.diff(sample.moments.local_us[rows])
    return int((steps < 0).sum()) > int((steps > 0).sum())
