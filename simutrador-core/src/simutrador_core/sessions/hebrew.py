"""The holidays of the Hebrew calendar that close an exchange, by rule. Pure.

All but one follow from the date of Rosh Hashanah, because the months from Adar to Tishri have fixed
lengths. Source: E. M. Reingold and N. Dershowitz, Calendrical Calculations, 4th edition, chapter 8.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

_EPOCH: Final = -1_373_427  # 1 Tishri 1 as a proleptic Gregorian ordinal
_CIVIL_OFFSET: Final = 3761  # Hebrew year Y begins in the autumn of civil year Y - 3761
_MONDAY, _FRIDAY, _SATURDAY = 0, 4, 5


def rosh_hashanah(civil_year: int) -> date:
    """Return 1 Tishri, the first day of the Hebrew year that begins in that civil year."""
    year = civil_year + _CIVIL_OFFSET
    before, day, after = (_molad_day(y) for y in (year - 1, year, year + 1))
    # No year may have 356 days, nor follow one that would have 382.
    delay = {356: 2}.get(after - day, {382: 1}.get(day - before, 0))
    return date.fromordinal(_EPOCH + day + delay)


def passover(civil_year: int) -> date:
    """Return 15 Nisan, the first day of Passover."""
    return rosh_hashanah(civil_year) - timedelta(days=163)


def closing_days(civil_year: int) -> dict[date, str]:
    """Return the days on which the Tel Aviv exchange rests, with the names it gives them.

    Weekends are not left out.
    """
    new_year, spring = rosh_hashanah(civil_year), passover(civil_year)
    independence = independence_day(civil_year)
    fast = _day(spring, 112)
    return {
        _day(spring, -30): "Purim",
        _day(spring, -1): "Passover Eve",
        spring: "Passover",
        _day(spring, 5): "Passover II Eve",
        _day(spring, 6): "Passover II",
        _day(independence, -1): "Memorial Day",
        independence: "Independence Day",
        _day(spring, 49): "Shavuot Eve",
        _day(spring, 50): "Shavuot",
        _day(fast, 1 if fast.weekday() == _SATURDAY else 0): "Tisha B'Av",
        _day(new_year, -1): "Rosh Hashanah Eve",
        new_year: "Rosh Hashanah",
        _day(new_year, 1): "Rosh Hashanah II",
        _day(new_year, 8): "Yom Kippur Eve",
        _day(new_year, 9): "Yom Kippur",
        _day(new_year, 13): "Sukkot Eve",
        _day(new_year, 14): "Sukkot",
        _day(new_year, 20): "Simchat Torah Eve",
        _day(new_year, 21): "Simchat Torah",
    }


def interim_days(civil_year: int) -> dict[date, str]:
    """Return the days inside Passover and Sukkot on which the Tel Aviv exchange closes early."""
    spring, autumn = passover(civil_year), _day(rosh_hashanah(civil_year), 14)
    return {_day(spring, k): "Passover interim day" for k in range(1, 5)} | {
        _day(autumn, k): "Sukkot interim day" for k in range(1, 6)
    }


def independence_day(civil_year: int) -> date:
    """Return 5 Iyar, moved so that neither it nor the day before touches the Sabbath.

    The rule since 2004: a Friday or Saturday moves back to Thursday, a Monday on to Tuesday.
    """
    day = _day(passover(civil_year), 20)
    return _day(day, {_MONDAY: 1, _FRIDAY: -1, _SATURDAY: -2}.get(day.weekday(), 0))


def _day(start: date, days: int) -> date:
    return start + timedelta(days=days)


def _molad_day(year: int) -> int:
    """Return the days from the epoch to the mean new moon of Tishri, kept off Sun, Wed and Fri."""
    months = (235 * year - 234) // 19
    parts = 12_084 + 13_753 * months
    day = 29 * months + parts // 25_920
    return day + 1 if (3 * (day + 1)) % 7 < 3 else day
