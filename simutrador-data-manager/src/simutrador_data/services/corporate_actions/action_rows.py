"""Corporate actions as rows of text: a CSV table, or the JSON that `actions list` writes. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import orjson

from simutrador_core.adjusting.actions import check_action
from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.utils.validation import parse_symbol

COLUMNS: Final = ("symbol", "kind", "effective", "ratio", "amount", "successor", "known_on")


def csv_actions(text: str, *, symbol: str | None) -> list[CorporateAction]:
    """Return the actions of a CSV table with a header of `COLUMNS`.

    Only `kind` and `effective` are required, and `symbol` where none is given. A ratio is `2`,
    `0.1` or `2:1` (two new shares for one old).

    Raises:
        InputError: a column is unknown or absent, or a line cannot be understood; the text names
            the line.
    """
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise InputError(f"column {unknown[0]!r} is unknown; use {', '.join(COLUMNS)}")
    absent = {"kind", "effective", *([] if symbol else ["symbol"])} - set(names)
    if absent:
        raise InputError(f"there is no column {min(absent)!r}; use {', '.join(COLUMNS)}")
    reader.fieldnames = names
    return [
        _read(row, symbol, place=f"line {reader.line_num}") for row in reader if any(row.values())
    ]


def json_actions(data: bytes, *, symbol: str | None) -> list[CorporateAction]:
    """Return the actions of a JSON document: a list of them, or one with a list in `actions`.

    Raises:
        InputError: it is no such document, or an action in it cannot be.
    """
    return [
        _read(row, symbol, place=f"action {number}")
        for number, row in enumerate(_rows(data), start=1)
    ]


def _rows(data: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        document: Any = orjson.loads(data)
    except orjson.JSONDecodeError as e:
        raise InputError(f"not JSON: {e}") from e
    if isinstance(document, dict):
        document = cast("dict[str, Any]", document).get("actions")
    if not isinstance(document, list):
        raise InputError("there is no list of actions in it")
    for row in cast("list[Any]", document):
        if not isinstance(row, dict):
            raise InputError(f"{row!r} is no action")
        yield cast("dict[str, Any]", row)


def _read(row: Mapping[str, Any], symbol: str | None, *, place: str) -> CorporateAction:
    fields = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    try:
        action = CorporateAction(
            parse_symbol(symbol or fields["symbol"]),
            _kind(fields["kind"]),
            _day(fields["effective"], "effective"),
            ratio=_ratio(fields["ratio"]),
            amount=_number(fields["amount"], "amount") if fields["amount"] else None,
            successor=parse_symbol(fields["successor"]) if fields["successor"] else None,
            known_on=_day(fields["known_on"], "known_on") if fields["known_on"] else None,
        )
        check_action(action)
    except InputError as e:
        raise InputError(f"{place}: {e}", field=e.field) from e
    return action


def _kind(text: str) -> ActionKind:
    try:
        return ActionKind(text.lower())
    except ValueError as e:
        raise InputError(f"kind {text!r} is unknown; use {', '.join(ActionKind)}") from e


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise InputError(f"{name} {text!r} is not a date; write 2014-06-09") from e


def _ratio(text: str) -> Decimal | None:
    if not text:
        return None
    new, colon, old = text.partition(":")
    ratio = _number(new, "ratio")
    below = _number(old, "ratio") if colon else Decimal(1)
    if not below:
        raise InputError(f"ratio {text!r} divides by 0; 2:1 is two new shares for one old")
    return ratio / below


def _number(text: str, name: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as e:
        raise InputError(f"{name} {text!r} is not a number") from e


__all__ = ["COLUMNS", "csv_actions", "json_actions"]
