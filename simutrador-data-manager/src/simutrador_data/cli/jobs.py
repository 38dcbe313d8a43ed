"""`simutrador-data jobs`: look at long tasks, stop and repeat them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import lazy_commands, placed

if TYPE_CHECKING:
    import typer

    from simutrador_service.cli import Place
    from simutrador_service.jobs import Jobs


@contextmanager
def jobs_at(place: Place) -> Generator[Jobs]:
    """Yield the jobs that the options before the command name.

    Raises:
        SettingsError: the settings, the database or the folder of the service cannot be used.
    """
    from simutrador_data.services.jobs.opening import opened_jobs

    settings = settings_for(place.data, env_file=place.env_file, config_file=place.config)
    with opened_jobs(settings) as found:
        yield found


def _commands() -> typer.Typer:
    from simutrador_service.jobs.commands import job_commands

    return job_commands(lambda: jobs_at(_place))


jobs = lazy_commands("Look at long tasks, stop and repeat them.", _commands)
_place = placed(jobs, DataOption)
