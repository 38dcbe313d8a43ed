"""What all rules propose for bars, and for a stored series with what is recorded of it."""

from __future__ import annotations

from collections.abc import Sequence

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_data.services.corporate_actions.listing import Wish, list_actions
from simutrador_data.services.corporate_actions.local_actions import LocalActions
from simutrador_data.services.repairing.hundredfold import find_hundredfold
from simutrador_data.services.repairing.patches import Patch
from simutrador_data.services.repairing.splits import find_split_errors
from simutrador_data.services.repairing.zero_prices import find_zero_prices
from simutrador_data.services.workflows.validate_store import read_once, whole_query


def propose(bars: Bars, actions: Sequence[CorporateAction] = ()) -> list[Patch]:
    """Return a patch for each bar that is found wrong, oldest first and one a bar. Pure.

    Args:
        bars: Daily bars of one series, all that there are.
        actions: Recorded splits of the symbol; one that is not recorded is not looked for.
    """
    found: dict[int, Patch] = {}
    # A split explains more than a unit: of two rules for a bar the first one counts.
    for patches in (
        find_split_errors(bars, actions),
        find_hundredfold(bars),
        find_zero_prices(bars),
    ):
        for patch in patches:
            found.setdefault(patch.opened_at, patch)
    return [found[at] for at in sorted(found)]


def propose_for(store: BarStore, actions: LocalActions | None, series: SeriesKey) -> list[Patch]:
    """Return what is proposed for a stored series as it stands now.

    Raises:
        UnknownSymbolError: the series is not stored.
    """
    return propose(read_once(store, whole_query(series)), splits_of(actions, series.symbol))


def splits_of(actions: LocalActions | None, symbol: str) -> list[CorporateAction]:
    """Return the recorded splits of a symbol; none where nothing is recorded."""
    if actions is None:
        return []
    wish = Wish(kinds=(ActionKind.SPLIT,))
    try:
        return [one.action for one in list_actions(actions, symbol, wish).actions]
    except UnknownSymbolError:
        return []


__all__ = ["propose", "propose_for", "splits_of"]
