"""What a database says while a request is served, as problems; its own words stay in the log."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeftError

from simutrador_service.problems.models import Problem
from simutrador_service.problems.translating import make_problem

DATABASE_ERRORS: Final = (DataError, InterfaceError, OperationalError, NoConnectionLeftError)
"""Those that a caller or an operator can do something about; any other is a fault of ours."""


def from_database(error: Exception) -> Problem:
    """Translate one of `DATABASE_ERRORS`: a value it cannot keep, or a database that is away."""
    if isinstance(error, DataError):
        return make_problem(
            422,
            "the request holds a character or number that the database cannot keep; "
            "leave out control characters, and give smaller numbers",
        )
    return make_problem(
        503,
        "the database does not answer, or refuses to write; try again, then check DATABASE__URL, "
        "the database's disk and its rights: the log has its reason",
    )
