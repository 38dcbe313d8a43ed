"""The sum that each row of the catalogue carries of its own values.

SQLite notices a page that was torn, not a bit that turned over inside a value. `row_sum` is a
stored generated column: SQLite keeps it, whoever writes, and any one bit makes another sum.
`is_sound` is computed when a row is read.
"""

from __future__ import annotations

from typing import Final

from simutrador_core.errors import CorruptDataError

_MODULUS: Final = 4_294_967_291  # prime: no bit of a number can turn over and leave the rest
_ODD_DIGITS: Final = "12478BDE"  # with an odd number of bits: any bit makes one more or one less


def _sum(numbers: str, texts: str = "") -> str:
    """Return the expression of a row's sum; NULL counts as another number than any that is used."""
    terms = [f"ifnull({name} % {_MODULUS}, -{_MODULUS})" for name in numbers.split()]
    if texts:
        terms.append(_weight(" || ".join(texts.split())))
    return " + ".join(f"{term} * {2 * at + 3}" for at, term in enumerate(terms))


def _weight(text: str) -> str:
    """Return the expression of a text's weight: of several as one, as each call costs a commit."""
    found = f"hex({text})"
    for digit in _ODD_DIGITS:
        found = f"replace({found}, '{digit}', '')"
    return f"length({found})"


SUMS: Final = {
    "series": _sum(
        "since head rows first_us last_us first_session last_session kept_from",
        "symbol timeframe adjustment",
    ),
    "commits": _sum(
        "at_us fetched_us added replaced removed", "source request on_conflict code_version"
    ),
    "segments": _sum(
        "series_id object_id row_from row_to first_us last_us first_session last_session added "
        "superseded"
    ),
    "coverage": _sum("series_id start_us end_us commit_id asked_us rows", "provider"),
    "months": _sum("series_id month commit_id first_us last_us memo_sum"),
}
"""What `row_sum` is in each table that has one."""


def columns(table: str) -> str:
    """Return the definition of a table's columns `row_sum` and `is_sound`."""
    return (
        f"row_sum INTEGER AS ({SUMS[table]}) STORED,\n"
        f"    is_sound INTEGER AS (row_sum IS {SUMS[table]}) VIRTUAL"
    )


def check(is_sound: object, table: str, name: object) -> None:
    """Go on when a row matches its sum.

    Raises:
        CorruptDataError: it does not; the text names the row.
    """
    if not is_sound:
        raise CorruptDataError(
            f"row {name} of {table} in the catalogue does not match its sum; "
            "`simutrador-data store verify` mends what follows from other rows, the rest comes "
            "back from a backup"
        )


__all__ = ["SUMS", "check", "columns"]
