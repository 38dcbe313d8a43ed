"""Schedulers: each occurrence once, whatever clocks, crashes and other schedulers do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import select

from kit_jobs import wait_until
from simutrador_core.errors import InputError
from simutrador_service.database import Database
from simutrador_service.errors import JobConflictError, UnknownScheduleError
from simutrador_service.jobs import JobContext, Jobs, Worker, job
from simutrador_service.scheduler import (
    Missed,
    Overlap,
    Schedule,
    Scheduler,
    Schedules,
    cron,
    run_scheduler,
)
from simutrador_service.scheduler.service import database_clock
from simutrador_service.scheduler.table import Lease, Occurrence, ScheduleState

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Nightly(BaseModel):
    universe: str = "all"


@job("nightly", version=1)
async def nightly(params: Nightly, ctx: JobContext) -> None: ...


class Time:
    """The wall clock, which may be set, and one that goes on by itself."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 1, 5, 21, 0, tzinfo=UTC)
        self.passed = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.passed

    def go_on(self, span: timedelta) -> None:
        self.wall += span
        self.passed += span.total_seconds()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database, [nightly])


Make = Callable[..., Scheduler]


@pytest.fixture
def make(jobs: Jobs, time: Time) -> Make:
    """Return what makes a scheduler of one schedule, daily at 22:00 UTC unless said otherwise."""
    return partial(nightly_scheduler, jobs, time)


def nightly_scheduler(
    jobs: Jobs,
    time: Time,
    *,
    skew: timedelta = timedelta(0),
    at: str = "0 22 * * *",
    lease: timedelta = 15 * SECOND,
    **policy: Any,
) -> Scheduler:
    schedule = Schedule("nightly", cron(at), nightly, Nightly(), **policy)
    schedules = Schedules(jobs, [schedule], clock=lambda: time.now() + skew)
    return Scheduler(schedules, lease=lease, monotonic=time.monotonic)


def leading(scheduler: Scheduler) -> Scheduler:
    """Return the scheduler once it leads and has seen its schedules."""
    assert wait_until(scheduler.look, seconds=1, every=0)
    return scheduler


def settled(jobs: Jobs) -> list[tuple[str, str]]:
    with jobs.database.read() as session:
        rows = session.scalars(select(Occurrence).order_by(Occurrence.due_at))
        return [(f"{row.due_at:%d %H:%M}", row.outcome) for row in rows]


def run_all(jobs: Jobs) -> int:
    return Worker(jobs).run_until_idle()


def watch(time: Time, *schedulers: Scheduler, span: timedelta, step: timedelta = SECOND) -> None:
    """Let time go on, all schedulers looking at every step."""
    until = time.wall + span
    while time.wall < until:
        time.go_on(step)
        for scheduler in schedulers:
            scheduler.look()


def test_an_occurrence_is_asked_for_when_it_is_due(make: Make, jobs: Jobs, time: Time) -> None:
    scheduler = leading(make())
    watch(time, scheduler, span=59 * MINUTE, step=MINUTE)
    assert settled(jobs) == []
    watch(time, scheduler, span=3 * MINUTE, step=MINUTE)
    assert settled(jobs) == [("05 22:00", "asked")]
    (asked,) = jobs.list_jobs()
    assert (asked.kind, asked.params, asked.key, asked.owner) == (
        "nightly", {"universe": "all"}, "nightly", None,
    )  # fmt: skip
    assert run_all(jobs) == 1


def test_of_two_schedulers_one_leads_and_each_night_runs_once(
    make: Make, jobs: Jobs, time: Time
) -> None:
    ahead, behind = leading(make(skew=5 * SECOND)), make(skew=-5 * SECOND)
    for night in range(4):
        time.wall = datetime(2026, 1, 5 + night, 21, 59, 50, tzinfo=UTC)
        watch(time, *((ahead, behind) if night % 2 else (behind, ahead)), span=20 * SECOND)
        run_all(jobs)
    assert settled(jobs) == [(f"0{day} 22:00", "asked") for day in (5, 6, 7, 8)]


@pytest.mark.parametrize("skew", [-5 * SECOND, 5 * SECOND])
def test_a_leader_that_dies_is_replaced_and_nothing_is_doubled_or_lost(
    make: Make, jobs: Jobs, time: Time, skew: timedelta
) -> None:
    first, second = leading(make(skew=skew)), make(skew=-skew)
    for _ in range(3):
        assert not second.look()
    time.wall = datetime(2026, 1, 5, 21, 59, 57, tzinfo=UTC)
    watch(time, first, second, span=2 * SECOND)  # then the first falls silent
    watch(time, second, span=30 * SECOND)
    assert second.look()
    assert settled(jobs) == [("05 22:00", "asked")]
    assert not first.look()  # and finds itself replaced when it wakes
    run_all(jobs)
    watch(time, first, second, span=HOUR, step=60 * SECOND)
    assert settled(jobs) == [("05 22:00", "asked")]


def test_a_leader_that_lost_the_lead_unknowingly_writes_nothing(
    make: Make, jobs: Jobs, time: Time
) -> None:
    scheduler = leading(make())
    time.wall = datetime(2026, 1, 5, 22, 0, 1, tzinfo=UTC)
    with jobs.database.write() as session:
        row = session.get(Lease, "scheduler")
        assert row is not None
        row.holder, row.fence = "another", row.fence + 1
    scheduler.look()
    assert (settled(jobs), list(jobs.list_jobs())) == ([], [])


def test_a_leader_that_resigns_is_followed_at_once(make: Make) -> None:
    first, second = leading(make()), make()
    assert not second.look()
    first._leadership.resign()
    assert second.look()


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 30 * SECOND, -3 * SECOND])
@pytest.mark.parametrize("missed", list(Missed))
def test_a_clock_that_is_set_neither_misses_nor_doubles_a_night(
    sqlite: Database, time: Time, jump: timedelta, missed: Missed
) -> None:
    jobs = Jobs(sqlite, [nightly])
    for minutes in (30, 59, 60, 61):  # after 21:00, so before, at and after 22:00
        time.wall = evening = datetime(2026, 1, time.wall.day, 21, 0, tzinfo=UTC)
        scheduler = leading(nightly_scheduler(jobs, time, missed=missed, lease=DAY))
        watch(time, scheduler, span=minutes * MINUTE, step=MINUTE)
        time.wall += jump
        watch(time, scheduler, span=95 * MINUTE, step=MINUTE)
        time.wall -= jump
        watch(time, scheduler, span=5 * MINUTE, step=MINUTE)
        scheduler._leadership.resign()
        run_all(jobs)
        time.wall = evening + DAY
    assert settled(jobs) == [(f"0{day} 22:00", "asked") for day in (5, 6, 7, 8)]


def test_a_clock_that_was_days_ahead_does_not_silence_a_schedule(
    make: Make, jobs: Jobs, time: Time
) -> None:
    scheduler = leading(make())
    right = time.wall
    time.wall += 10 * DAY
    for _ in range(4):
        watch(time, scheduler, span=HOUR / 2, step=10 * MINUTE)
        run_all(jobs)
    assert settled(jobs) == [("14 22:00", "asked"), ("15 22:00", "asked")]
    time.wall = right
    watch(time, scheduler, span=2 * HOUR, step=10 * MINUTE)
    run_all(jobs)
    nights = [("05 22:00", "asked"), ("14 22:00", "asked"), ("15 22:00", "asked")]
    assert settled(jobs) == nights
    time.wall = right + 9 * DAY + HOUR / 2  # when those days come, their nights are done
    watch(time, scheduler, span=26 * HOUR, step=HOUR)
    assert settled(jobs) == nights


@pytest.mark.parametrize(
    ("missed", "away", "expected"),
    [
        (Missed.RUN_ONCE, 75 * HOUR, [("08 22:00", "asked")]),  # three nights, made up for once
        (Missed.SKIP, 75 * HOUR, [("08 22:00", "missed")]),
        (Missed.SKIP, HOUR + 30 * SECOND, [("05 22:00", "asked")]),  # within the grace of a minute
        (Missed.SKIP, HOUR + 90 * SECOND, [("05 22:00", "missed")]),
    ],
)
def test_after_a_pause_of_the_service_the_policy_decides(
    make: Make, jobs: Jobs, time: Time, missed: Missed, away: timedelta,
    expected: list[tuple[str, str]],
) -> None:  # fmt: skip
    before = leading(make())
    before._leadership.resign()
    time.go_on(away)
    leading(make(missed=missed)).look()
    assert settled(jobs) == expected


def test_a_machine_that_slept_missed_what_was_due_meanwhile(
    make: Make, jobs: Jobs, time: Time
) -> None:
    scheduler = leading(make(missed=Missed.SKIP))
    time.go_on(8 * HOUR)  # both clocks: it slept, unlike a clock that is set
    leading(scheduler).look()
    assert settled(jobs) == [("05 22:00", "missed")]


def test_a_new_schedule_or_a_changed_one_does_not_run_its_past(
    make: Make, jobs: Jobs, time: Time
) -> None:
    time.wall = datetime(2026, 1, 5, 22, 0, 30, tzinfo=UTC)
    first = leading(make())
    watch(time, first, span=5 * SECOND)
    first._leadership.resign()
    changed = leading(make(at="0 21 * * *"))
    watch(time, changed, span=5 * SECOND)
    assert settled(jobs) == []
    time.wall = datetime(2026, 1, 6, 21, 0, 1, tzinfo=UTC)
    changed.look()
    assert settled(jobs) == [("06 21:00", "asked")]


def test_overlap_is_skipped_or_waits_for_the_end(make: Make, jobs: Jobs, time: Time) -> None:
    def every_minute(overlap: Overlap) -> Scheduler:
        return leading(make(at="* * * * *", overlap=overlap))

    skipping = every_minute(Overlap.SKIP)
    watch(time, skipping, span=180 * SECOND, step=30 * SECOND)
    assert [outcome for _, outcome in settled(jobs)] == ["asked", "overlap", "overlap"]
    assert run_all(jobs) == 1
    skipping._leadership.resign()

    queueing = every_minute(Overlap.QUEUE)
    watch(time, queueing, span=180 * SECOND, step=30 * SECOND)
    assert [outcome for _, outcome in settled(jobs)][3:] == ["asked", "waiting", "overlap"]
    assert run_all(jobs) == 1
    queueing.look()
    assert [outcome for _, outcome in settled(jobs)][3:] == ["asked", "asked", "overlap"]
    assert run_all(jobs) == 1


def test_a_job_asked_for_by_hand_with_the_same_key_counts(
    make: Make, jobs: Jobs, time: Time
) -> None:
    scheduler = leading(make(key="all"))
    jobs.submit(nightly, Nightly(), key="all", owner="ann")
    time.wall = datetime(2026, 1, 5, 22, 0, 1, tzinfo=UTC)
    scheduler.look()
    assert settled(jobs) == [("05 22:00", "overlap")]


def test_a_paused_schedule_drops_its_occurrences(make: Make, jobs: Jobs, time: Time) -> None:
    scheduler = leading(make())
    schedules = scheduler._schedules
    schedules.pause("nightly")
    assert schedules.get("nightly").next_at is None
    time.wall = datetime(2026, 1, 5, 22, 0, 1, tzinfo=UTC)
    scheduler.look()
    schedules.resume("nightly")
    scheduler.look()
    assert settled(jobs) == []
    assert schedules.get("nightly").next_at == datetime(2026, 1, 6, 22, 0, tzinfo=UTC)


def test_a_schedule_runs_now_once_at_a_time(make: Make, jobs: Jobs, time: Time) -> None:
    schedules = make()._schedules
    asked = schedules.run_now("nightly")
    with pytest.raises(JobConflictError, match="is pending; wait for it") as caught:
        schedules.run_now("nightly")
    assert caught.value.job_id == asked.id
    standing = schedules.get("nightly")
    assert standing.last is not None
    assert (standing.last.job_id, standing.last.due_at) == (asked.id, time.wall)
    with pytest.raises(UnknownScheduleError, match="no schedule 'weekly'; there are: nightly"):
        schedules.run_now("weekly")


def test_many_schedulers_in_threads_ask_once(jobs: Jobs) -> None:
    schedule = Schedule("often", cron("* * * * *"), nightly, Nightly())
    start = datetime(2026, 1, 5, 21, 0, 30, tzinfo=UTC)
    with jobs.database.write() as session:
        session.add(ScheduleState(name="often", trigger=str(schedule.trigger), done_until=start))
    barrier = Barrier(6)

    def race() -> None:
        schedules = Schedules(jobs, [schedule], clock=lambda: start + 60 * SECOND)
        scheduler = Scheduler(schedules, lease=timedelta(0))  # all believe the others dead
        barrier.wait()
        for _ in range(5):
            scheduler.look()

    threads = [Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (settled(jobs), len(jobs.list_jobs())) == ([("05 21:01", "asked")], 1)


def test_many_who_run_a_schedule_now_get_one_job(jobs: Jobs) -> None:
    schedule = Schedule("nightly", cron("0 22 * * *"), nightly, Nightly())
    barrier, asked, refused = Barrier(6), list[str](), list[str]()

    def ask() -> None:
        schedules = Schedules(jobs, [schedule])
        barrier.wait()
        try:
            asked.append(schedules.run_now("nightly").id)
        except JobConflictError as e:
            refused.append(e.job_id)

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(asked), refused) == (1, asked * 5)


async def test_a_scheduler_in_a_service_rings_its_workers(jobs: Jobs) -> None:
    start = datetime(2026, 1, 5, 21, 59, 59, tzinfo=UTC)
    ticks = iter(range(1_000_000))
    schedules = Schedules(
        jobs,
        [Schedule("nightly", cron("0 22 * * *"), nightly, Nightly())],
        clock=lambda: start + next(ticks) * 0.2 * SECOND,
    )
    worker = Worker(jobs)
    worker.start()
    async with run_scheduler(Scheduler(schedules, poll=timedelta(seconds=0.02))):
        done = wait_until(
            lambda: [one.state for one in jobs.list_jobs()] == ["completed"], seconds=10
        )
    worker.stop()
    assert done
    with jobs.database.read() as session:
        assert session.scalars(select(Lease.holder)).all() == [None]


def test_old_occurrences_are_forgotten(make: Make, jobs: Jobs, time: Time) -> None:
    scheduler = leading(make())
    time.go_on(HOUR)
    leading(scheduler).look()
    assert len(settled(jobs)) == 1
    run_all(jobs)
    time.go_on(91 * DAY)
    leading(scheduler).look()
    time.go_on(2 * HOUR)
    leading(scheduler).look()
    assert settled(jobs) == [("06 22:00", "asked")]


def test_the_clock_is_that_of_the_database(database: Database) -> None:
    told = database_clock(database)()
    assert told.tzinfo is not None
    assert abs(told - datetime.now(UTC)) < 5 * SECOND


def test_schedules_that_cannot_work_are_refused(jobs: Jobs) -> None:
    one = Schedule("one", cron("0 22 * * *"), nightly, Nightly())
    with pytest.raises(InputError, match="two schedules have the same name"):
        Schedules(jobs, [one, one])
    with pytest.raises(InputError, match="do not serve kind nightly"):
        Schedules(Jobs(jobs.database, []), [one])
    with pytest.raises(InputError, match="1 to 100 characters"):
        Schedule("", cron("0 22 * * *"), nightly, Nightly())
