"""When the update runs by itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightly_service import opened_nightly
from simutrador_data.core.nightly_settings import NightlyUpdateSection
from simutrador_data.services.nightly.run import KIND
from simutrador_data.services.nightly.schedule import due_times, nightly_schedules
from simutrador_data.testing import FaultServer
from simutrador_service.errors import SettingsError
from simutrador_service.scheduler import Scheduler

SECTION = NightlyUpdateSection(enable_schedule=True, large_cap_symbols=("AAPL",))


def test_it_is_due_so_long_after_each_close_earlier_on_half_days_and_never_on_holidays() -> None:
    """Thanksgiving week of 2024: Thursday closed, Friday until 13:00 New York (NYSE hours)."""
    after = datetime(2024, 11, 27, 12, tzinfo=UTC)
    found = due_times(SECTION, after=after, count=3)
    assert [(f"{one.due_at:%d %H:%M}", one.half_day) for one in found] == [
        ("28 01:15", False),  # Wednesday's close at 21:00 UTC and 4 h 15 min
        ("29 22:15", True),  # Friday's at 18:00 UTC
        ("03 01:15", False),  # Monday's
    ]
    summer = due_times(SECTION, after=datetime(2024, 7, 8, 12, tzinfo=UTC), count=1)
    assert summer[0].due_at == datetime(2024, 7, 9, 0, 15, tzinfo=UTC)


def test_what_was_missed_is_made_up_for_by_one_run(tmp_path: Path, server: FaultServer) -> None:
    now = [datetime(2024, 11, 27, 12, tzinfo=UTC)]
    with opened_nightly(tmp_path / "store", server.url("polygon")) as nightly:
        schedules = nightly_schedules(nightly.jobs, SECTION)
        schedules = type(schedules)(nightly.jobs, schedules.schedules, clock=lambda: now[0])
        scheduler = Scheduler(schedules, lease=timedelta(seconds=60))
        until = time.monotonic() + 30
        while not scheduler.look():
            assert time.monotonic() < until
        assert nightly.runs.active() == []
        now[0] += timedelta(days=6)  # the service was down on Wednesday, Friday and Monday
        scheduler.look()
        scheduler.look()
        [job] = nightly.runs.active()
    assert (job.kind, job.params["scheduled"]) == (KIND, True)
    assert job.params["symbols"][0] == "AAPL"


def test_a_schedule_that_is_off_asks_for_nothing_and_one_without_symbols_is_refused(
    tmp_path: Path, server: FaultServer
) -> None:
    with opened_nightly(tmp_path / "store", server.url("polygon")) as nightly:
        assert nightly_schedules(nightly.jobs, NightlyUpdateSection()).schedules == ()
        nothing = NightlyUpdateSection(
            enable_schedule=True, large_cap_symbols=(), mid_cap_symbols=()
        )
        with pytest.raises(SettingsError, match="LARGE_CAP_SYMBOLS"):
            nightly_schedules(nightly.jobs, nothing)
