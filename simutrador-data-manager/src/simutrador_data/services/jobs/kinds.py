"""Every kind of job there is; a new one is one line here."""

from __future__ import annotations

from simutrador_data.services.gap_filling.job import fill_gaps_job
from simutrador_data.services.jobs.work import OpenWork
from simutrador_data.services.nightly.job import nightly_kind
from simutrador_service.jobs.kinds import AnyKind


def job_kinds(work: OpenWork) -> tuple[AnyKind, ...]:
    """Return the kinds of the data manager.

    Args:
        work: Lends each run the store, the settings and the registry.
    """
    return (fill_gaps_job(work), nightly_kind(work))
