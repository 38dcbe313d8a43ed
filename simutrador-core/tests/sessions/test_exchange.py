"""`get_calendar`: names, known ranges, cache, names of holidays, user's corrections."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.errors import CalendarError, InputError, MissingExtraError
from simutrador_core.sessions import library
from simutrador_core.sessions.exchange import KNOWN_FROM, KNOWN_UNTIL, get_calendar

NAMES = ("XNYS", "XLON", "XHKG", "XTKS", "XTAE", "CMES", "XNSE", "24/7", "24/5", "EUREX")


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_ordered_read_only_and_inside_the_known_range(name: str) -> None:
    calendar = get_calendar(name)
    plan = calendar.schedule
    assert np.all(plan.opens < plan.breaks_start)
    assert np.all(plan.breaks_start <= plan.breaks_end)
    assert np.all(plan.breaks_end <= plan.closes)
    assert np.all(plan.opens[1:] >= plan.closes[:-1])
    assert plan.sessions[0] >= np.datetime64(calendar.start)
    assert plan.sessions[-1] < np.datetime64(calendar.end)
    assert not plan.opens.flags.writeable


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("NYSE", "XNYS"),
        ("nasdaq", "XNYS"),
        ("XNAS", "XNYS"),
        ("LSE", "XLON"),
        ("HKEX", "XHKG"),
        ("JPX", "XTKS"),
        ("TASE", "XTAE"),
        ("NSE", "XNSE"),
        ("fx", "24/5"),
        ("crypto", "24/7"),
    ],
)
def test_alias_is_the_same_calendar(alias: str, name: str) -> None:
    assert get_calendar(alias) is get_calendar(name)


def test_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(CalendarError, match=r"'XNYSE'; did you mean .*XNYS"):
        get_calendar("XNYSE")


def test_name_like_no_other_is_refused_without_a_suggestion() -> None:
    with pytest.raises(CalendarError, match=r"no exchange calendar is called '\?\?'$"):
        get_calendar("??")


def test_range_beyond_what_is_known_is_refused_and_named() -> None:
    with pytest.raises(CalendarError, match="XNYS is known from 1990-01-01 to 2031-01-01"):
        get_calendar("XNYS", end=date(2031, 1, 2))
    with pytest.raises(CalendarError, match="XTKS is known from 1997-01-01"):
        get_calendar("XTKS", start=date(1996, 12, 31))


def test_day_outside_the_known_range_is_an_error_not_a_closed_day() -> None:
    calendar = get_calendar("XNYS", date(2024, 1, 1), date(2025, 1, 1))
    with pytest.raises(CalendarError, match="known from 2024-01-01 to 2025-01-01, not on 2025"):
        calendar.is_session(date(2025, 1, 2))
    with pytest.raises(CalendarError, match="not on 2023-12-29"):
        calendar.minutes(date(2023, 12, 29))


def test_a_lunch_break_that_was_abolished_is_gone() -> None:
    # The Korea Exchange trades through lunch since 22 May 2000.
    calendar = get_calendar("XKRX")
    assert calendar.hours(date(2000, 5, 19)).break_start is not None
    assert calendar.hours(date(2000, 5, 22)).break_start is None
    assert len(calendar.minutes(date(2024, 6, 12))) == 390  # 9:00 to 15:30


def test_default_range_is_fixed_and_cached() -> None:
    calendar = get_calendar("XNYS")
    assert (calendar.start, calendar.end) == (KNOWN_FROM, KNOWN_UNTIL)
    assert get_calendar("XNYS", end=KNOWN_UNTIL) is calendar


def test_part_of_a_calendar_holds_its_own_names_only() -> None:
    part = get_calendar("XNYS", date(2012, 10, 1), date(2012, 12, 1))
    assert dict(part.closures) == {
        date(2012, 10, 29): "Hurricane Sandy",
        date(2012, 10, 30): "Hurricane Sandy",
        date(2012, 11, 22): "Thanksgiving Day",
    }
    assert dict(part.early_closes) == {date(2012, 11, 23): "Day after Thanksgiving"}
    assert get_calendar("XNYS", date(2012, 10, 1), date(2012, 12, 1)) is part


@pytest.mark.parametrize(
    ("name", "day", "reason"),
    [
        ("XNYS", date(2001, 9, 11), "September 11 attacks"),
        ("XNYS", date(2001, 9, 14), "September 11 attacks"),
        ("XNYS", date(2004, 6, 11), "National Day of Mourning, President Reagan"),
        ("XNYS", date(2007, 1, 2), "National Day of Mourning, President Ford"),
        ("XNYS", date(2018, 12, 5), "National Day of Mourning, President George H. W. Bush"),
        ("XNYS", date(2025, 1, 9), "National Day of Mourning, President Carter"),
        ("XNYS", date(2024, 7, 4), "Independence Day"),
        ("XNYS", date(2012, 1, 2), "New Year's Day"),
        ("XNYS", date(2024, 1, 15), "Martin Luther King, Jr. Day"),
        ("XHKG", date(2023, 9, 8), "Black rainstorm"),
        ("XTKS", date(2020, 10, 1), "System failure, trading halted all day"),
        ("XTKS", date(2024, 7, 15), "Marine Day"),
        ("XTAE", date(2024, 2, 27), "Municipal election day"),
        ("24/5", date(2024, 12, 25), "Christmas Day"),
        ("XHKG", date(2024, 2, 12), "holiday"),
    ],
)
def test_closed_weekday_says_why(name: str, day: date, reason: str) -> None:
    calendar = get_calendar(name)
    assert calendar.closures[day] == reason
    with pytest.raises(CalendarError, match=f"{name} has no session on {day}: {reason[:8]}"):
        calendar.hours(day)


@pytest.mark.parametrize(
    ("day", "near"),
    [
        (date(2024, 7, 4), "use 2024-07-03 or 2024-07-05"),  # Thursday
        (date(2024, 1, 13), "use 2024-01-12 or 2024-01-16"),  # Saturday before a Monday holiday
    ],
)
def test_closed_day_names_the_sessions_beside_it(day: date, near: str) -> None:
    with pytest.raises(CalendarError, match=f"; {near}$"):
        get_calendar("XNYS").hours(day)


@pytest.mark.parametrize(
    ("name", "day", "reason"),
    [
        ("XNYS", date(2024, 7, 3), "Day before Independence Day"),
        ("XNYS", date(2002, 7, 5), "Day after Independence Day"),
        ("XNYS", date(1999, 12, 31), "New Year's Eve"),
        ("XNYS", date(1996, 1, 8), "Snow storm"),
        ("XLON", date(2024, 12, 24), "Christmas Eve"),
        ("XHKG", date(2022, 11, 2), "Tropical storm Nalgae"),
        ("XTAE", date(2018, 4, 1), "Passover interim day"),
    ],
)
def test_early_close_says_why(name: str, day: date, reason: str) -> None:
    assert get_calendar(name).early_closes[day] == reason


def test_new_york_opened_at_noon_on_the_first_anniversary() -> None:
    hours = get_calendar("XNYS").hours(date(2002, 9, 11))
    assert hours.open == datetime(2002, 9, 11, 16, 0, tzinfo=UTC)
    assert date(2002, 9, 11) not in get_calendar("XNYS").early_closes


def test_user_file_wins_over_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[closed]]\ncalendar = "NYSE"\ndate = 2024-03-01\nname = "Invented"\nsource = "me"\n'
        "[[open]]\n"
        'calendar = "XNYS"\ndate = 2024-03-02\nopen = 10:00:00\nclose = 12:00:00\nsource = "me"\n'
    )
    calendar = get_calendar("XNYS", overrides=path)
    assert calendar.closures[date(2024, 3, 1)] == "Invented"
    assert len(calendar.minutes(date(2024, 3, 2))) == 120
    assert get_calendar("XNYS").is_session(date(2024, 3, 1))
    path.write_text("")  # an edit is seen although the path is the same
    assert get_calendar("XNYS", overrides=path).is_session(date(2024, 3, 1))


def test_error_in_the_user_file_names_file_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('\n[[closed]]\ncalendar = "XNYS"\ndate = 2024-03-01\nname = "x"\n')
    with pytest.raises(InputError, match=r"mine\.toml line 2: closed: field 'source' is required"):
        get_calendar("XNYS", overrides=path)


def test_without_the_library_an_exchange_names_the_extra_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pandas_market_calendars", None)
    with pytest.raises(MissingExtraError, match=r"simutrador-core\[calendars\]"):
        library.library_sessions("XNYS", date(2024, 1, 1), date(2024, 2, 1))


def test_our_own_calendars_need_no_library() -> None:
    script = (
        "import sys; sys.modules['pandas_market_calendars'] = None; sys.modules['pandas'] = None\n"
        "from simutrador_core.sessions.exchange import get_calendar\n"
        "print(*(len(get_calendar(n).schedule) > 5000 for n in ('24/7', '24/5', 'XTAE')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True", "True"]


@pytest.mark.parametrize("name", ["XNSE", "XBOM"])
@pytest.mark.parametrize(
    ("day", "opens", "closes", "minutes"),
    [  # India is 5:30 ahead of UTC; each session as its source in overrides.toml tells it
        (date(2015, 2, 28), "03:45", "10:00", 375),
        (date(2020, 11, 14), "12:45", "13:45", 60),
        (date(2023, 11, 12), "12:45", "13:45", 60),
        (date(2024, 1, 20), "03:45", "10:00", 375),
        (date(2024, 3, 2), "03:45", "07:00", 45 + 60),
        (date(2024, 5, 18), "03:45", "07:00", 45 + 60),
    ],
)
def test_indian_exchanges_trade_on_some_weekends(
    name: str, day: date, opens: str, closes: str, minutes: int
) -> None:
    hours = get_calendar(name).hours(day)
    assert (f"{hours.open:%H:%M}", f"{hours.close:%H:%M}") == (opens, closes)
    assert len(get_calendar(name).minutes(day)) == minutes
