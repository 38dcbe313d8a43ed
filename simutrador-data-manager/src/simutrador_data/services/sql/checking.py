"""What is taken for a query: one statement that reads."""

from __future__ import annotations

from typing import Any

from simutrador_data.services.sql.database import duckdb


class RefusedError(Exception):
    """A text is not taken; the words are for whoever wrote it."""


def check_is_query(text: str) -> str:
    """Return the one query a text holds, without its semicolon.

    Raises:
        RefusedError: it holds none or several, or changes something.
    """
    library = duckdb()
    try:
        statements: list[Any] = library.extract_statements(text)
    except library.Error as e:
        raise RefusedError(first_part(e)) from e
    if len(statements) != 1:
        raise RefusedError(f"give one query, not {len(statements)}")
    (statement,) = statements
    if statement.type != library.StatementType.SELECT:
        raise RefusedError(
            f"a statement of type {statement.type.name} is not taken; write a query: FROM bars ..."
        )
    return str(statement.query).strip().rstrip(";")


def first_part(error: Exception) -> str:
    """Return what DuckDB says, without the line behind it in which words of ours stand too."""
    return str(error).partition("\n\nLINE ")[0]


__all__ = ["RefusedError", "check_is_query", "first_part"]
