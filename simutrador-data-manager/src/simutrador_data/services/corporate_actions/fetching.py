"""Asking a vendor for corporate actions and recording what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from simutrador_core.errors import DataProviderError, InputError
from simutrador_core.interfaces.data_provider import (
    ActionKind,
    ActionRequest,
    CorporateAction,
    DataProvider,
)
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.records import ActionChange, ActionCommit, Asked

EARLIEST = date(1960, 1, 1)
_PRICED = frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND})


@dataclass(frozen=True, slots=True)
class FetchedActions:
    """What a vendor said of one symbol: the commit that recorded it, or why there is none."""

    symbol: str
    commit: ActionCommit | None = None
    failure: str | None = None


async def fetch_actions(
    symbols: Sequence[str],
    provider: DataProvider,
    store: ActionStore,
    *,
    start: date,
    end: date,
    now: Callable[[], datetime],
) -> list[FetchedActions]:
    """Ask for the actions of each symbol in effect in `[start, end)` and record them.

    The answer settles splits and dividends of the range: those recorded before that it does not
    repeat are taken back. One symbol that fails lets the others go on.

    Raises:
        InputError: the vendor gives no corporate actions.
    """
    if not provider.capabilities.actions:
        raise InputError(
            f"{provider.name} gives no corporate actions; choose another provider "
            "(simutrador-data providers list)",
            field="provider",
        )
    found: list[FetchedActions] = []
    for symbol in symbols:
        request = ActionRequest(symbol, start, end)
        try:
            said = [action async for action in provider.fetch_actions(request)]
        except DataProviderError as e:
            found.append(FetchedActions(symbol, failure=str(e)))
            continue
        change = to_change(said, request, source=provider.name, fetched_at=now())
        found.append(FetchedActions(symbol, await asyncio.to_thread(store.commit, change)))
    return found


def to_change(
    said: Sequence[CorporateAction], request: ActionRequest, *, source: str, fetched_at: datetime
) -> ActionChange:
    """Return what a vendor's whole answer to a request changes.

    Raises:
        InvalidActionError: it names an action that cannot be.
    """
    kinds = _PRICED | {action.kind for action in said if action.symbol == request.symbol}
    return ActionChange(
        said,
        source,
        f"actions of {request.symbol} from {request.start} to {request.end}",
        fetched_at,
        [Asked(request.symbol, frozenset(kinds), request.start, request.end)],
    )


__all__ = ["EARLIEST", "FetchedActions", "fetch_actions", "to_change"]
