"""Which records a change ends and which it adds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_data.services.corporate_actions.records import ActionChange

Live: TypeAlias = tuple[int, CorporateAction]
"""The number of a record, and its action."""


class Plan(NamedTuple):
    """The records that end, by number, and the actions that begin."""

    ended: tuple[Live, ...]
    begun: tuple[CorporateAction, ...]


def plan_change(live: Iterable[Live], change: ActionChange) -> Plan:
    """Return what a change does to the records of today.

    A record ends when the change restates its symbol, kind and date, or settles its date without
    repeating it. What is said again as it stands stays, with the source that said it first.
    """
    said = dict.fromkeys(change.actions)
    keys = {_key(action) for action in said}
    ended: list[Live] = []
    for number, action in live:
        settled = any(question.settles(action) for question in change.asked)
        if (settled or _key(action) in keys) and action not in said:
            ended.append((number, action))
        said.pop(action, None)
    return Plan(tuple(ended), tuple(said))


def _key(action: CorporateAction) -> tuple[str, ActionKind, object]:
    return action.symbol, action.kind, action.effective


__all__ = ["Live", "Plan", "plan_change"]
