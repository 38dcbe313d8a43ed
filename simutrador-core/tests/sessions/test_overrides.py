"""Corrections from TOML: each kind, on a small calendar with a lunch break."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, time
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.errors import InputError
from simutrador_core.sessions.draft import Draft
from simutrador_core.sessions.overrides import apply_overrides, parse_overrides
from simutrador_core.testing.calendars import make_calendar

from .golden import parse_spans

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
START, END = date(2024, 1, 1), date(2024, 1, 13)  # Monday to Friday of the week after
TUESDAY, WEDNESDAY, SATURDAY = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 6)


def draft() -> Draft:
    made = make_calendar(
        START,
        END,
        zone="Asia/Hong_Kong",
        lunch=(time(12), time(13)),
        holidays={START: "New Year's Day"},
        early_closes={WEDNESDAY: time(12)},
    )
    return Draft(
        HONG_KONG, made.schedule, {START: "New Year's Day"}, {WEDNESDAY: "Invented half day"}
    )


@dataclass(frozen=True)
class Corrected:
    draft: Draft

    def spans(self, day: date) -> tuple[tuple[int, int], ...]:
        plan = self.draft.schedule
        at = np.flatnonzero(plan.sessions == np.datetime64(day))
        if not len(at):
            return ()
        k = int(at[0])
        pairs = ((plan.opens[k], plan.breaks_start[k]), (plan.breaks_end[k], plan.closes[k]))
        return tuple((int(a), int(b)) for a, b in pairs if a < b)


def corrected(text: str) -> Corrected:
    overrides = parse_overrides(text, source="test.toml")
    return Corrected(apply_overrides(draft(), overrides, start=START, end=END))


def table(kind: str, **fields: str) -> str:
    lines = {"calendar": '"XHKG"', "source": '"test"'} | fields
    return f"[[{kind}]]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items())


def wall(day: date, text: str) -> tuple[tuple[int, int], ...]:
    return parse_spans(day, text, HONG_KONG)


def test_closed_removes_the_session_and_names_it() -> None:
    result = corrected(table("closed", date="2024-01-02", name='"Typhoon"'))
    assert result.spans(TUESDAY) == ()
    assert result.draft.closures[TUESDAY] == "Typhoon"


def test_closed_names_a_day_that_had_no_session() -> None:
    result = corrected(table("closed", date="2024-01-01", name='"Renamed"'))
    assert result.draft.closures[START] == "Renamed"
    assert len(result.draft.schedule) == 9


def test_open_adds_a_session_in_its_place() -> None:
    result = corrected(table("open", date="2024-01-06", open="10:00:00", close="11:30:00"))
    assert result.spans(SATURDAY) == wall(SATURDAY, "10:00-11:30")
    assert np.all(np.diff(result.draft.schedule.opens) > 0)


def test_open_takes_the_day_out_of_the_closures() -> None:
    text = table(
        "open", date="2024-01-01", open="17:00:00", close="08:15:00", open_previous_day="true"
    )
    result = corrected(text)
    assert result.spans(START) == wall(START, "<17:00-08:15")
    assert START not in result.draft.closures


def test_open_replaces_a_session_and_may_have_a_break() -> None:
    hours = {"open": "09:00:00", "close": "15:00:00", "name": '"Short"'}
    lunch = {"break_start": "11:00:00", "break_end": "12:30:00"}
    result = corrected(table("open", date="2024-01-02", **hours, **lunch))
    assert result.spans(TUESDAY) == wall(TUESDAY, "09:00-11:00 12:30-15:00")
    assert result.draft.early_closes[TUESDAY] == "Short"


@pytest.mark.parametrize(
    ("close", "left"),
    [
        ("14:00:00", "09:30-12:00 13:00-14:00"),
        ("13:00:00", "09:30-12:00"),
        ("12:00:00", "09:30-12:00"),
        ("10:15:00", "09:30-10:15"),
    ],
)
def test_early_close_cuts_the_afternoon_then_the_morning(close: str, left: str) -> None:
    result = corrected(table("early_close", date="2024-01-02", close=close))
    assert result.spans(TUESDAY) == wall(TUESDAY, left)
    assert result.draft.early_closes[TUESDAY] == "early close"


@pytest.mark.parametrize(
    ("opens", "left"),
    [
        ("11:00:00", "11:00-12:00 13:00-16:00"),
        ("12:00:00", "12:00-16:00"),
        ("13:00:00", "13:00-16:00"),
        ("14:00:00", "14:00-16:00"),
    ],
)
def test_late_open_cuts_the_morning_then_the_afternoon(opens: str, left: str) -> None:
    result = corrected(table("late_open", date="2024-01-02", open=opens))
    assert result.spans(TUESDAY) == wall(TUESDAY, left)


def test_late_open_keeps_the_early_close_of_the_day() -> None:
    result = corrected(table("late_open", date="2024-01-03", open="10:00:00"))
    assert result.spans(WEDNESDAY) == wall(WEDNESDAY, "10:00-12:00")
    assert result.draft.early_closes[WEDNESDAY] == "Invented half day"


@pytest.mark.parametrize("kind", ["early_close", "late_open"])
def test_other_hours_of_a_day_without_session_change_nothing(kind: str) -> None:
    field = "close" if kind == "early_close" else "open"
    result = corrected(table(kind, date="2024-01-01", **{field: "10:00:00"}))
    assert len(result.draft.schedule) == 9
    assert dict(result.draft.closures) == {START: "New Year's Day"}


def test_day_outside_the_range_is_left_out() -> None:
    result = corrected(table("open", date="2030-01-01", open="10:00:00", close="11:00:00"))
    assert len(result.draft.schedule) == 9


def test_hours_of_an_era_change_full_and_half_days() -> None:
    era = {"from": "2024-01-02", "until": "2024-01-05"}
    hours = {"open": "10:00:00", "break_start": "12:30:00", "break_end": "14:30:00"}
    rest = {"close": "16:30:00", "half_day_close": "12:30:00"}
    result = corrected(table("hours", **era, **hours, **rest))
    assert result.spans(TUESDAY) == wall(TUESDAY, "10:00-12:30 14:30-16:30")
    assert result.spans(WEDNESDAY) == wall(WEDNESDAY, "10:00-12:30")
    friday = date(2024, 1, 5)
    assert result.spans(friday) == wall(friday, "09:30-12:00 13:00-16:00")


def test_later_table_wins() -> None:
    first = table("closed", date="2024-01-02", name='"Typhoon"')
    second = table("open", date="2024-01-02", open="13:00:00", close="16:00:00")
    assert corrected(f"{first}\n{second}").spans(TUESDAY) == wall(TUESDAY, "13:00-16:00")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[shut]]\n", r"test\.toml: 'shut' is unknown; known are \[\[closed\]\]"),
        ("closed = 1\n", "'closed' is unknown"),
        ("[[closed]\n", "not valid TOML: .*line 1"),
        ('[[closed]]\ndate = 2024-01-02\nname = "x"\nsource = "x"', "'calendar' is required"),
        ('[[closed]]\ncalendar = "X"\ndate = 2024-01-02\nname = "x"\nsource = ""', "'source' is"),
        (table("closed", date='"2024-01-02"', name='"x"'), "'date' must be a date, not '2024"),
        (table("closed", date="2024-01-02T00:00:00", name='"x"'), "'date' must be a date, not"),
        (table("closed", date="2024-01-02", nam='"x"'), "'nam' is unknown; known are calendar"),
        (table("early_close", date="2024-01-02"), "line 1: early_close: field 'close' is required"),
        (table("hours", **{"from": "2024-01-02", "until": "2024-01-02"}), "must be after 'from'"),
        (
            table("open", date="2024-01-02", open="9:00:00".zfill(8), close="16:00:00")
            + "\nbreak_start = 12:00:00",
            "'break_end' go together",
        ),
    ],
)
def test_broken_file_is_refused_with_the_cause(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_overrides(text, source="test.toml")


def test_every_shipped_correction_names_its_source() -> None:
    folder = files("simutrador_core.sessions") / "data"
    document = tomllib.loads((folder / "overrides.toml").read_text(encoding="utf-8"))
    tables = [one for kind in document.values() for one in kind]
    assert len(tables) > 60
    assert [one for one in tables if len(one["source"]) < 20] == []
