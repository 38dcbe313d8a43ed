"""Which corporate actions hold together, which were known when, and the digest of those used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from simutrador_core.errors import InvalidActionError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.enums import Adjustment

PRICED: Final[dict[Adjustment, frozenset[ActionKind]]] = {
    Adjustment.RAW: frozenset(),
    Adjustment.SPLIT: frozenset({ActionKind.SPLIT}),
    Adjustment.TOTAL: frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND}),
}
"""The kinds of action that each adjustment corrects for."""

NAMING: Final = frozenset({ActionKind.RENAME, ActionKind.DELISTING})
"""The kinds that say which company a symbol stands for."""

_HEADER: Final = b"simutrador-actions-1\n"
_NEEDED: Final = {
    ActionKind.SPLIT: ("ratio", "2 for 2:1"),
    ActionKind.DIVIDEND: ("amount", "cash per share"),
    ActionKind.RENAME: ("successor", "the new symbol"),
}


def check_action(action: CorporateAction) -> None:
    """Accept an action that can be stored and applied.

    Raises:
        InvalidActionError: a ratio or amount is absent or not above zero, a new symbol is absent or
            the old one, or a field of another kind is given.
    """
    name, meaning = _NEEDED.get(action.kind, ("", ""))
    for field in ("ratio", "amount", "successor"):
        value = getattr(action, field)
        if field != name and value is not None:
            raise _refused(action, f"has no {field}, leave out {value}", field)
        if field == name and value is None:
            raise _refused(action, f"needs {field}: {meaning}", field)
    number = action.ratio if action.kind is ActionKind.SPLIT else action.amount
    if number is not None and not (number.is_finite() and number > 0):
        raise _refused(action, f"has {name} {number}, which is not above 0", name)
    if action.successor == action.symbol:
        raise _refused(action, f"names its own symbol {action.symbol} as the new one", "successor")


def known_on(action: CorporateAction) -> date:
    """Return from which date on a reader may use the action: in effect, and known."""
    return max(action.effective, action.known_on or action.effective)


def known_by(actions: Iterable[CorporateAction], day: date | None) -> list[CorporateAction]:
    """Return the actions that were in effect and known on a date; all of them when it is None.

    A split that is announced but not in effect yet belongs to the future: prices still trade on
    the old terms.
    """
    return [action for action in actions if day is None or known_on(action) <= day]


def actions_digest(actions: Iterable[CorporateAction]) -> str:
    """Return the blake2b-256 of the splits and dividends among some actions, in any order.

    Each is one line `symbol kind date value`, the value without trailing zeros. When they became
    known does not count: it changes no price.
    """
    digest = hashlib.blake2b(_HEADER, digest_size=32)
    for line in sorted(_line(action) for action in actions if action.kind not in NAMING):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _line(action: CorporateAction) -> str:
    value = action.ratio if action.kind is ActionKind.SPLIT else action.amount
    return f"{action.symbol} {action.kind} {action.effective} {_plain(value or Decimal())}"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _refused(action: CorporateAction, problem: str, field: str) -> InvalidActionError:
    return InvalidActionError(
        f"{action.kind} of {action.symbol} on {action.effective} {problem}", field=field
    )


__all__ = [
    "PRICED",
    "NAMING",
    "check_action",
    "known_on",
    "known_by",
    "actions_digest",
]
