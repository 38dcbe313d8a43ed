"""The days on which recorded splits of a symbol take effect."""

from __future__ import annotations

from datetime import date

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.data_provider import ActionKind
from simutrador_data.services.corporate_actions.listing import Wish, list_actions
from simutrador_data.services.corporate_actions.local_actions import LocalActions


def recorded_splits(actions: LocalActions | None, symbol: str) -> list[date]:
    """Return the days, oldest first; none where no actions are kept or recorded of the symbol."""
    if actions is None:
        return []
    try:
        listed = list_actions(actions, symbol, Wish(kinds=(ActionKind.SPLIT,)))
    except UnknownSymbolError:
        return []
    return [one.action.effective for one in listed.actions]
