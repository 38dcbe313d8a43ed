"""Asking vendors in turn for corporate actions and recording what the first that answers says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    """What was said of one symbol, by which vendor: the commit, or why there is none."""

    symbol: str
    commit: ActionCommit | None = None
    failure: str | None = None
    provider: str | None = None


async def fetch_actions(
    symbols: Sequence[str],
    providers: Sequence[DataProvider],
    store: ActionStore,
    *,
    start: date,
    end: date,
    now: Callable[[], datetime],
) -> list[FetchedActions]:
    """Ask for the actions of each symbol in effect in `[start, end)` and record them.

    The answer settles splits and dividends of the range: those recorded before that it does not
    repeat are taken back. Where a vendor fails the next one is asked, which takes back nothing
    that others said. One symbol that fails lets the others go on.

    Raises:
        InputError: none of the vendors gives corporate actions.
    """
    asked = [provider for provider in providers if provider.capabilities.actions]
    if not asked:
        names = ", ".join(provider.name for provider in providers)
        raise InputError(
            f"{names} gives no corporate actions; choose another provider "
            "(simutrador-data providers list)",
            field="provider",
        )
    return [
        await _fetched(ActionRequest(symbol, start, end), asked, store, now) for symbol in symbols
    ]


async def _fetched(
    request: ActionRequest,
    providers: Sequence[DataProvider],
    store: ActionStore,
    now: Callable[[], datetime],
) -> FetchedActions:
    failures: list[str] = []
    for provider in providers:
        try:
            said = [action async for action in provider.fetch_actions(request)]
        except DataProviderError as e:
            failures.append(str(e))
            continue
        change = to_change(said, request, source=provider.name, fetched_at=now())
        if failures and await asyncio.to_thread(_others_said_more, store, change):
            if not said:
                failures.append(f"{provider.name}: names none; those that others named stay")
                continue
            change = replace(change, asked=())
        commit = await asyncio.to_thread(store.commit, change)
        return FetchedActions(request.symbol, commit, provider=provider.name)
    return FetchedActions(request.symbol, failure="; ".join(failures))


def _others_said_more(store: ActionStore, change: ActionChange) -> bool:
    """Return whether the change would take back what another source said."""
    days = {(one.symbol, one.kind, one.effective) for one in change.actions}
    (question,) = change.asked
    return any(
        question.settles(one.action)
        and one.source != change.source
        and (one.action.symbol, one.action.kind, one.action.effective) not in days
        for one in store.recorded([question.symbol])
    )


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
