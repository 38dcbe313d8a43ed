"""What columns keep: texts and JSON that every database takes and every reader can be sent."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_jsonable_python

from simutrador_core.errors import InputError


def to_json_value(value: object, *, what: str) -> Any:
    """Return a value as a JSON column keeps it.

    Args:
        value: Models, dataclasses, instants and the like become plain.
        what: What to call it in the text of an error.

    Raises:
        InputError: JSON cannot carry it: a number that is none, half a character (a lone
            surrogate, as in names of files that are not UTF-8), a circle, or too many levels.
    """
    try:
        plain: Any = to_jsonable_python(value)
        check_json(plain)
    except (ValueError, TypeError, RecursionError) as e:
        raise InputError(f"{what} cannot be kept as JSON ({e}); leave that value out") from e
    return plain


def check_json(value: object) -> None:
    """Refuse what JSON cannot carry; objects that are not plain yet are passed over.

    Raises:
        ValueError: a number is none, or a text has half a character.
        RecursionError: it has too many levels.
    """
    text = json.dumps(
        value, allow_nan=False, ensure_ascii=False, skipkeys=True, default=lambda _: None
    )
    text.encode()


def to_text(text: str, *, most: int) -> str:
    """Return the first `most` characters as every database keeps them: no NUL, no half character.

    Names of files that are not UTF-8 have such halves (lone surrogates).
    """
    return text[:most].replace("\0", "?").encode(errors="replace").decode()
