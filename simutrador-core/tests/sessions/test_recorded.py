"""The recorded sessions are what the library says, and are read without it."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from importlib.metadata import version

import numpy as np
import pytest

from simutrador_core.models.bars import I64
from simutrador_core.sessions.draft import Draft
from simutrador_core.sessions.exchange import (
    ALIASES,
    KNOWN_FROM,
    KNOWN_RANGES,
    KNOWN_UNTIL,
    OWN,
    get_calendar,
)
from simutrador_core.sessions.library import library_names, library_sessions
from simutrador_core.sessions.recorded import (
    find_recorded,
    pack,
    recorded_names,
    recorded_with,
)
from simutrador_core.sessions.round_the_clock import fx_week

from .golden import ZONES

OFTEN = (*ZONES, "NYSE", "XNSE", "XBOM", "XSHG", "XKRX", "XASX", "EUREX", "CMES")
# The library lists these, but fails to compute them.
BROKEN = {"ASEX", "CMEGlobex_Grains", "CMEGlobex_Oilseeds", "XBEL", "XBSE", "XCYS", "XSGO"}
CURE = "run: python scripts/record_sessions.py"


def columns(draft: Draft) -> list[I64]:
    plan = draft.schedule
    days = plan.sessions.astype(np.int64)
    return [days, plan.opens, plan.closes, plan.breaks_start, plan.breaks_end]


def assert_recorded_as_the_library_says(name: str) -> None:
    start, end = KNOWN_RANGES.get(name, (KNOWN_FROM, KNOWN_UNTIL))
    recorded, said = find_recorded(name, start, end), library_sessions(name, start, end)
    assert recorded is not None, CURE
    for ours, theirs in zip(columns(recorded), columns(said), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{name}: {CURE}")
    assert recorded.schedule.sessions.dtype == said.schedule.sessions.dtype
    assert list(recorded.closures.items()) == list(said.closures.items())
    assert list(recorded.early_closes.items()) == list(said.early_closes.items())
    assert recorded.zone.key == said.zone.key


@pytest.mark.parametrize("name", OFTEN)
def test_a_recorded_calendar_is_what_the_library_says(name: str) -> None:
    assert_recorded_as_the_library_says(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", recorded_names())
def test_every_recorded_calendar_is_what_the_library_says(name: str) -> None:
    assert_recorded_as_the_library_says(name)


def test_every_calendar_the_library_can_compute_is_recorded() -> None:
    ours = [name for name in library_names() if name.upper() not in OWN and name not in BROKEN]
    assert recorded_names() == ours, CURE


def test_the_record_names_the_libraries_that_are_installed() -> None:
    assert recorded_with() == {name: version(name) for name in recorded_with()}, CURE


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("XNYS", KNOWN_FROM, date(2031, 1, 2)),
        ("XNYS", date(1989, 12, 31), KNOWN_UNTIL),
        ("no such exchange", KNOWN_FROM, KNOWN_UNTIL),
    ],
)
def test_another_range_or_name_is_not_recorded(name: str, start: date, end: date) -> None:
    assert find_recorded(name, start, end) is None


def test_known_exchanges_need_neither_the_library_nor_pandas() -> None:
    names = sorted({*ALIASES.values(), *OFTEN})
    script = (
        "import sys\n"
        "for name in ('pandas', 'pandas_market_calendars', 'exchange_calendars', 'pyarrow'):\n"
        "    sys.modules[name] = None\n"
        "from simutrador_core.errors import CalendarError\n"
        "from simutrador_core.sessions.exchange import get_calendar\n"
        f"print(sum(len(get_calendar(name).schedule) > 3000 for name in {names}))\n"
        "try:\n"
        "    get_calendar('XNYSE')\n"
        "except CalendarError as e:\n"
        "    print(e)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    count, refusal = done.stdout.splitlines()
    assert int(count) == len(names)
    assert refusal.startswith("no exchange calendar is called 'XNYSE'; did you mean XNYS")


def test_a_name_that_is_not_recorded_is_asked_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simutrador_core.sessions.exchange.recorded_names", list)
    monkeypatch.setattr("simutrador_core.sessions.exchange.find_recorded", lambda *_arguments: None)
    hours = get_calendar("XSTU").hours(date(2024, 6, 3))
    assert (hours.open.hour, hours.open.minute) == (5, 30)  # 7:30 in Stuttgart, summer time


def test_a_session_within_a_minute_is_not_recorded() -> None:
    draft = fx_week(date(2024, 1, 1), date(2024, 2, 1))
    plan = draft.schedule
    plan.closes[3] += 1
    with pytest.raises(ValueError, match="ODD has a session that opens or closes within a minute"):
        pack({"ODD": (date(2024, 1, 1), date(2024, 2, 1), draft)}, libraries={})
