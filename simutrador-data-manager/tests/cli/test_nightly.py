"""`nightly run|status|schedule`: what it says, what it exits with, and a run that is taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from nightly_service import TUESDAY, WEDNESDAY, session_bars, settings_of
from simutrador_data.services.jobs.opening import opened_jobs
from simutrador_data.services.nightly.run import NightlyRun
from simutrador_data.services.nightly.runs import NightlyRuns
from simutrador_data.testing import Fault, FaultServer

Run = Callable[..., Any]
DATES = ("--start", str(TUESDAY), "--end", str(WEDNESDAY))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """Return the vendor that commands ask."""
    bars = [session_bars(symbol, TUESDAY, WEDNESDAY) for symbol in ("AAPL", "MSFT")]
    with FaultServer(bars) as running:
        for name, value in {
            "POLYGON__BASE_URL": running.url("polygon"),
            "POLYGON__API_KEY": "a-key-nobody-may-see",
            "POLYGON__RATE_LIMIT": "5000/s",
            "NIGHTLY_UPDATE__RETRY_ATTEMPTS": "1",
        }.items():
            monkeypatch.setenv(name, value)
        yield running


def test_an_update_that_is_whole_exits_with_0(run: Run, server: FaultServer) -> None:
    ran = run("nightly", "run", "aapl", "MSFT", *DATES, "--json")
    assert ran.code == 0
    assert (ran.document["status"], ran.document["overall_success"]) == ("completed", True)
    assert ran.document["summary"]["total_candles_updated"] == 1560
    listed = run("nightly", "status")
    assert (listed.code, ran.document["request_id"] in listed.out) == (0, True)
    one = run("nightly", "status", ran.document["request_id"], "--json")
    assert (one.code, one.document["is_complete"]) == (0, True)
    assert one.document["symbol_progress"]["AAPL"]["status"] == "completed"


def test_an_update_in_part_exits_with_3_and_says_what_is_missing(
    run: Run, server: FaultServer
) -> None:
    server.inject(*[Fault.FORBIDDEN] * 10, symbol="MSFT")
    ran = run("nightly", "run", "AAPL", "MSFT", *DATES)
    assert ran.code == 3
    assert "partial: 1 of 2 symbols updated, 780 bars written" in ran.out
    assert "MSFT: " in ran.out
    assert "answered 403" in ran.out
    assert "a-key-nobody-may-see" not in ran.out + ran.err
    assert ran.err == ""  # what the worker logs is in the report
    [past] = run("nightly", "status", "--json").document["runs"]
    assert past["failed_symbols"] == ["MSFT"]
    assert run("nightly", "status", past["request_id"]).code == 3


def test_a_process_with_logging_set_up_keeps_it(run: Run, server: FaultServer) -> None:
    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    within = structlog.get_config()
    try:
        server.inject(*[Fault.FORBIDDEN] * 10, symbol="MSFT")
        assert run("nightly", "run", "AAPL", "MSFT", *DATES).code == 3
        assert structlog.get_config() == within
    finally:
        structlog.configure(**before)


def test_an_update_of_which_nothing_came_exits_with_1(run: Run, server: FaultServer) -> None:
    server.always(Fault.UNAUTHORIZED)
    ran = run("nightly", "run", "AAPL", *DATES)
    assert ran.code == 1
    assert "not one of 1 symbol was updated" in ran.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--start", "2024-01-03", "--end", "2024-01-02"), "is after end_date"),
        (("--end", "2999-01-01"), "lies in the future"),
        (("--start", "soon"), "start_date"),
    ],
)
def test_dates_that_cannot_be_meant_are_a_usage_error(
    run: Run, server: FaultServer, arguments: tuple[str, ...], text: str
) -> None:
    ran = run("nightly", "run", "AAPL", *arguments)
    assert (ran.code, text in ran.err) == (2, True)


def test_an_unknown_run_is_not_found(run: Run) -> None:
    ran = run("nightly", "status", "none")
    assert (ran.code, "not found" in ran.err) == (1, True)


def test_a_symbol_that_another_run_is_about_is_refused_and_that_run_can_be_taken_over(
    run: Run, server: FaultServer, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path / "storage", server.url("polygon"))
    with opened_jobs(settings) as jobs:
        waiting = NightlyRun(symbols=("AAPL",), start_date=TUESDAY, end_date=WEDNESDAY)
        job = NightlyRuns(jobs).start(waiting)
    refused = run("nightly", "run", "AAPL", *DATES)
    assert (refused.code, job.id in refused.err) == (1, True)
    resumed = run("nightly", "run", "--resume", job.id, "--json")
    assert (resumed.code, resumed.document["request_id"]) == (0, job.id)


def test_the_schedule_says_whether_it_is_on_and_when_it_is_due(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = run("nightly", "schedule")
    assert (off.code, "NIGHTLY_UPDATE__ENABLE_SCHEDULE=true" in off.out) == (0, True)
    monkeypatch.setenv("NIGHTLY_UPDATE__ENABLE_SCHEDULE", "true")
    on = run("nightly", "schedule", "--count", "3", "--json").document
    assert (on["enabled"], on["calendar"], on["symbols"], len(on["due"])) == (True, "XNYS", 83, 3)
