"""What a run does, against a vendor that fails."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from nightly_service import TUESDAY, WEDNESDAY, Nightly, opened_nightly, session_bars
from simutrador_core.models.bars import SeriesKey, concat
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.models.nightly_update_api import RunStatus, SymbolStatus
from simutrador_data.services.nightly.run import NightlyRun
from simutrador_data.services.workflows import resample_store
from simutrador_data.services.workflows.validate_store import find_info
from simutrador_data.testing import Fault, FaultServer
from simutrador_service.jobs import JobState, Worker

PATIENCE_S: Final = 30.0
DATES: Final[dict[str, Any]] = {"start_date": TUESDAY, "end_date": WEDNESDAY}


def rows_of(nightly: Nightly, symbol: str, timeframe: Timeframe) -> int:
    return find_info(nightly.store, SeriesKey(symbol, timeframe)).rows


def test_an_update_fetches_judges_and_makes_every_timeframe(nightly: Nightly) -> None:
    done = nightly.run("AAPL", "MSFT", **DATES)
    assert (done.status, done.overall_success) == (RunStatus.COMPLETED, True)
    assert done.symbols_processed == ["AAPL", "MSFT"]
    one = done.symbol_results["AAPL"]
    assert (one.start_date, one.end_date) == (TUESDAY, WEDNESDAY)
    assert (one.success, one.candles_updated, one.error_message) == (True, 780, None)
    assert [day.actual_candles for day in one.validation_results] == [390, 390]
    assert one.validation_before is not None
    assert (one.validation_before.valid_days, one.validation_summary.valid_days) == (0, 2)
    # 6.5 hours a session, by hand.
    expected = {"5min": 156, "15min": 52, "30min": 26, "1h": 14, "2h": 8, "4h": 4, "daily": 2}
    assert {str(name): count for name, count in one.resampling_results.items()} == expected
    assert {name: rows_of(nightly, "AAPL", Timeframe(name)) for name in expected} == expected
    summary = done.summary
    assert (summary.total_symbols, summary.successful_updates, summary.failed_updates) == (2, 2, 0)
    assert summary.total_candles_updated == 1560
    assert summary.total_resampled_candles == 2 * sum(expected.values())
    assert (summary.earliest_start_date, summary.latest_end_date) == (TUESDAY, WEDNESDAY)


def test_the_last_session_is_asked_for_again_while_it_was_partial(
    nightly: Nightly, server: FaultServer
) -> None:
    nightly.run("AAPL", start_date=TUESDAY, end_date=TUESDAY)
    server.forget()
    done = nightly.run("AAPL")
    one = done.symbol_results["AAPL"]
    # Tuesday's answer was given long after its close, so nothing of it is asked for again.
    assert (one.start_date, one.end_date, one.candles_updated) == (TUESDAY, WEDNESDAY, 390)
    server.forget()
    again = nightly.run("AAPL").symbol_results["AAPL"]
    assert (again.success, again.candles_updated, again.total_resampled_candles) == (True, 0, 0)
    assert (again.start_date, len(server.calls)) == (WEDNESDAY, 0)


def test_a_symbol_that_fails_does_not_stop_the_others(
    nightly: Nightly, server: FaultServer
) -> None:
    server.inject(*[Fault.FORBIDDEN] * 20, symbol="MSFT")
    done = nightly.run("AAPL", "MSFT", "IBM", **DATES)
    assert (done.status, done.overall_success) == (RunStatus.PARTIAL, False)
    assert [one.success for one in done.symbol_results.values()] == [True, False, True]
    failed = done.symbol_results["MSFT"]
    assert failed.status is SymbolStatus.FAILED
    assert "answered 403" in (failed.error_message or "")
    assert done.summary.failed_updates == 1
    assert "a-key-nobody-may-see" not in done.model_dump_json()


def test_a_symbol_of_which_a_part_came_is_no_success(nightly: Nightly, server: FaultServer) -> None:
    server.inject(None, *[Fault.FORBIDDEN] * 20, symbol="AAPL")
    done = nightly.run("AAPL", **DATES)
    one = done.symbol_results["AAPL"]
    assert (done.status, one.status, one.success) == (
        RunStatus.PARTIAL,
        SymbolStatus.PARTIAL,
        False,
    )
    assert 0 < one.candles_updated < 780
    assert one.validation_summary.invalid_days > 0


def test_a_run_without_any_success_is_failed_and_says_so(
    nightly: Nightly, server: FaultServer
) -> None:
    server.always(Fault.UNAUTHORIZED)
    done = nightly.run("AAPL", "MSFT", **DATES)
    assert (done.status, done.overall_success) == (RunStatus.FAILED, False)
    assert "not one of 2 symbols" in done.global_errors[0]
    assert done.summary.failed_updates == 2


def test_failed_symbols_are_tried_again_within_the_run(tmp_path: Path, server: FaultServer) -> None:
    server.inject(*[Fault.FORBIDDEN] * 1, symbol="AAPL")
    with opened_nightly(tmp_path / "store", server.url("polygon"), retry_attempts=2) as nightly:
        one = nightly.run("AAPL", **DATES).symbol_results["AAPL"]
    assert (one.success, one.attempts, one.candles_updated) == (True, 2, 780)


def test_a_timeframe_that_fails_does_not_stop_the_others(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = resample_store.resample_counted

    def breaks(*arguments: object, to: Timeframe, **named: object) -> object:
        if to is Timeframe.HOUR_1:
            raise OSError("the disk broke")
        return real(*arguments, to=to, **named)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(resample_store, "resample_counted", breaks)
    done = nightly.run("AAPL", **DATES)
    one = done.symbol_results["AAPL"]
    assert (done.status, one.status, one.success) == (
        RunStatus.PARTIAL,
        SymbolStatus.PARTIAL,
        False,
    )
    assert list(one.resampling_errors) == [Timeframe.HOUR_1]
    assert "1h" in (one.error_message or "")
    assert (one.resampling_results[Timeframe.DAILY], one.candles_updated) == (2, 780)
    monkeypatch.undo()
    healed = nightly.run("AAPL").symbol_results["AAPL"]
    assert healed.success
    assert healed.resampling_results[Timeframe.HOUR_1] == 14  # Tuesday's too


def test_nothing_is_asked_for_a_symbol_that_was_delisted(
    nightly: Nightly, server: FaultServer
) -> None:
    one = nightly.run("TWTR").symbol_results["TWTR"]
    assert (one.success, one.start_date, one.candles_updated) == (True, None, 0)
    assert one.warnings == ["No updates needed: TWTR has not traded since 2022-10-28"]
    assert server.calls == ()


def test_without_the_vendor_s_key_the_run_fails_and_its_details_say_why(
    tmp_path: Path, server: FaultServer
) -> None:
    with opened_nightly(tmp_path / "store", server.url("polygon")) as nightly:
        object.__setattr__(nightly.settings.polygon, "api_key", None)
        done = nightly.run("AAPL", **DATES)
    assert done.status is RunStatus.FAILED
    assert "POLYGON__API_KEY" in done.global_errors[0]
    assert done.symbol_results["AAPL"].status is SymbolStatus.FAILED


def test_a_cancelled_run_keeps_what_it_stored_and_its_rest_can_be_done(
    nightly: Nightly,
) -> None:
    job = nightly.runs.start(NightlyRun(symbols=("AAPL", "MSFT"), **DATES))
    nightly.runs.cancel(job.id)
    done = nightly.finish(job)
    assert done.status is RunStatus.CANCELLED
    assert {one.status for one in done.symbol_results.values()} == {SymbolStatus.CANCELLED}
    rest = nightly.runs.retry(job.id)
    assert nightly.finish(rest).status is RunStatus.COMPLETED
    status = nightly.runs.get(rest.id)[0]
    assert status.params["retry_of"] == job.id


def test_a_retry_does_only_what_failed(nightly: Nightly, server: FaultServer) -> None:
    server.inject(Fault.FORBIDDEN, symbol="MSFT")
    first = nightly.run("AAPL", "MSFT", **DATES)
    assert first.status is RunStatus.PARTIAL
    rest = nightly.finish(nightly.runs.retry(first.request_id))
    assert (rest.status, rest.symbols_requested) == (RunStatus.COMPLETED, ["MSFT"])


def test_a_failed_run_that_is_revived_as_a_job_tries_its_symbols_again(
    nightly: Nightly, server: FaultServer
) -> None:
    server.always(Fault.UNAUTHORIZED)
    first = nightly.run("AAPL", **DATES)
    server.always(None)
    revived = nightly.jobs.retry(first.request_id)
    assert nightly.finish(revived).status is RunStatus.COMPLETED


def test_a_symbol_that_an_earlier_run_is_about_is_refused_to_a_later_job(
    nightly: Nightly,
) -> None:
    """Jobs asked for by other ways, a schedule or `/jobs`, pass no check when they are made."""
    first = nightly.runs.start(NightlyRun(symbols=("AAPL",), **DATES))
    second = nightly.jobs.submit(
        nightly.jobs.kinds["nightly_update"], NightlyRun(symbols=("AAPL", "MSFT"), **DATES)
    )
    done = nightly.run_alone(second.id)
    assert done.status is RunStatus.PARTIAL
    assert first.id in (done.symbol_results["AAPL"].error_message or "")
    assert done.symbol_results["MSFT"].success
    assert nightly.finish(first).status is RunStatus.COMPLETED


def test_warnings_name_thin_sessions_and_bars_outside_of_hours(tmp_path: Path) -> None:
    early = make_bars("AAPL", start=datetime(2024, 1, 2, 13, 0, tzinfo=UTC), n=7)
    with (
        FaultServer([concat([early, session_bars("AAPL", TUESDAY, WEDNESDAY)])]) as server,
        opened_nightly(
            tmp_path / "store", server.url("polygon"), min_volume_threshold=10**9
        ) as nightly,
    ):
        one = nightly.run("AAPL", **DATES).symbol_results["AAPL"]
    assert one.success
    assert [len(day.warnings) for day in one.validation_results] == [1, 1]
    assert "MIN_VOLUME_THRESHOLD" in one.validation_results[0].warnings[0]
    assert one.warnings == ["7 bars lie outside of trading hours; they are kept and not counted"]
    assert one.candles_updated == 787


def test_a_run_that_waits_for_a_silent_vendor_can_be_cancelled(
    nightly: Nightly, server: FaultServer
) -> None:
    server.always(Fault.READ_TIMEOUT)
    job = nightly.runs.start(NightlyRun(symbols=("AAPL", "MSFT"), **DATES))
    worker = Worker(nightly.jobs, threads=1, poll=timedelta(seconds=0.1))
    worker.start()
    try:
        assert server.wait_for_calls(1, PATIENCE_S)
        assert nightly.runs.cancel(job.id).state == JobState.RUNNING
        until = time.monotonic() + PATIENCE_S
        while nightly.jobs.get(job.id).ended_at is None:
            assert time.monotonic() < until, "the run did not stop"
            time.sleep(0.02)
    finally:
        worker.stop()
    done = nightly.details(job.id)
    assert done.status is RunStatus.CANCELLED
    assert {one.success for one in done.symbol_results.values()} == {False}
