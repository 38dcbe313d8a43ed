"""The commands of jobs: what they write and what they exit with."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Timer

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, JobState, Partly, Retry, Worker, job
from simutrador_service.jobs.commands import job_commands
from simutrador_service.jobs.models import JobSummary
from simutrador_service.jobs.printing import progress_text


class Ending(BaseModel):
    how: str = "well"


@job("ending", version=1, retry=Retry(attempts=1))
async def ending(params: Ending, ctx: JobContext) -> str | Partly[str]:
    ctx.progress(4, 4, "[red] AAPL")
    if params.how == "badly":
        raise OSError
    return Partly("some") if params.how == "partly" else "all"


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database, [ending])


def command(jobs: Jobs, *words: str) -> Result:
    @contextmanager
    def opened() -> Generator[Jobs]:
        yield jobs

    return CliRunner().invoke(job_commands(opened), words)


def test_a_list_shows_what_was_asked_for(jobs: Jobs) -> None:
    dead = jobs.submit(ending, Ending(how="badly"), key="k")
    Worker(jobs).run_until_idle()
    waiting = jobs.submit(ending, Ending(), owner="ann")
    everything = command(jobs, "list")
    assert (everything.exit_code, waiting.id in everything.stdout) == (0, True)
    letters = json.loads(command(jobs, "list", "--dead", "--json").stdout)["jobs"]
    assert [(one["id"], one["error_code"]) for one in letters] == [(dead.id, "unexpected_error")]
    pending = json.loads(command(jobs, "list", "--state", "pending", "--json").stdout)["jobs"]
    assert [one["id"] for one in pending] == [waiting.id]
    assert command(jobs, "list", "--kind", "none").stdout == "no jobs\n"
    assert command(jobs, "list", "--state", "nowhere").exit_code == 2


def test_a_job_is_shown_with_what_came_of_it(jobs: Jobs) -> None:
    asked = jobs.submit(ending, Ending())
    Worker(jobs).run_until_idle()
    shown = json.loads(command(jobs, "show", asked.id, "--json").stdout)
    assert (shown["state"], shown["result"], shown["params"]) == (
        "completed", "all", {"how": "well"},
    )  # fmt: skip
    text = command(jobs, "show", asked.id)
    assert (text.exit_code, "completed" in text.stdout, '"all"' in text.stdout) == (0, True, True)


def test_a_job_is_cancelled_and_retried(jobs: Jobs) -> None:
    asked = jobs.submit(ending, Ending())
    assert json.loads(command(jobs, "cancel", asked.id, "--json").stdout)["state"] == "cancelled"
    assert json.loads(command(jobs, "retry", asked.id, "--json").stdout)["state"] == "pending"
    refused = command(jobs, "retry", asked.id, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["code"] == "job_conflict"


@pytest.mark.parametrize("words", ["show", "cancel", "retry", "watch"])
def test_an_unknown_job_is_a_problem(jobs: Jobs, words: str) -> None:
    refused = command(jobs, words, "nothing")
    assert (refused.exit_code, "there is no job 'nothing'" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("how", "code", "state"),
    [("well", 0, "completed"), ("partly", 3, "partial"), ("badly", 1, "failed")],
)
def test_a_watched_job_decides_the_exit_code(jobs: Jobs, how: str, code: int, state: str) -> None:
    asked = jobs.submit(ending, Ending(how=how))
    Worker(jobs).run_until_idle()
    (line,) = command(jobs, "watch", asked.id, "--json").stdout.splitlines()
    text = command(jobs, "watch", asked.id)
    assert (text.exit_code, state in text.stdout, json.loads(line)["state"]) == (code, True, state)


def test_a_job_is_watched_while_it_runs(jobs: Jobs) -> None:
    asked = jobs.submit(ending, Ending())
    working = Timer(0.3, Worker(jobs).run_until_idle)
    working.start()
    watched = command(jobs, "watch", asked.id, "--json")
    working.join()
    states = [json.loads(line)["state"] for line in watched.stdout.splitlines()]
    assert (watched.exit_code, states[0], states[-1]) == (0, "pending", "completed")


def test_progress_reads_as_units_step_and_time_left() -> None:
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    line = JobSummary(
        id="1", kind="k", key=None, owner=None, state=JobState.RUNNING, attempt=1, done=3, total=10,
        step="[bold]", eta_s=69.6, cancel_requested=True, dead=False, error_code=None, error=None,
        created_at=moment, due_at=moment, started_at=moment, ended_at=None,
    )  # fmt: skip
    assert progress_text(line) == "3/10 [bold], 0:01:10 left"
    unsized = line.model_copy(update={"total": None, "eta_s": None, "step": ""})
    assert progress_text(unsized) == "3"
    assert progress_text(line.model_copy(update={"ended_at": moment})) == ""
