"""What is recorded of a company: its names, what it did, and what sources settled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from simutrador_core.adjusting.actions import NAMING, known_on
from simutrador_core.adjusting.companies import Companies, Company
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.data_provider import ActionKind
from simutrador_data.services.corporate_actions.local_actions import LocalActions
from simutrador_data.services.corporate_actions.records import Answer, RecordedAction


@dataclass(frozen=True, slots=True)
class Listed:
    """What is recorded of one company.

    Attributes:
        symbol: The symbol asked for.
        company: Its names, oldest first.
        actions: What it did under them, oldest first.
        settled: What sources were asked of them, if only to hear that there is none.
    """

    symbol: str
    company: Company
    actions: list[RecordedAction]
    settled: list[Answer]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which actions are wanted: all by default.

    Attributes:
        kinds: Only these kinds; empty means all.
        start: Only those in effect from this date on.
        end: Only those in effect before this date.
        known_by: Only those in effect and known on this date.
        on: The company that has the symbol on this date; None is the latest one.
        as_of: The version to read; None is the newest.
    """

    kinds: Collection[ActionKind] = ()
    start: date | None = None
    end: date | None = None
    known_by: date | None = None
    on: date | None = None
    as_of: int | None = None

    def wants(self, recorded: RecordedAction) -> bool:
        """Return whether an action is wanted."""
        action = recorded.action
        return (
            (not self.kinds or action.kind in self.kinds)
            and (self.start is None or self.start <= action.effective)
            and (self.end is None or action.effective < self.end)
            and (self.known_by is None or known_on(action) <= self.known_by)
        )


def list_actions(store: LocalActions, symbol: str, wish: Wish) -> Listed:
    """Return what is recorded of the company that has a symbol.

    A rename or delisting that ends its use of a symbol is among its actions.

    Raises:
        UnknownSymbolError: nothing is recorded of the symbol.
        InvalidRangeError: there is no such version yet.
    """
    company = Companies(store.namings(as_of=wish.as_of)).company_of(symbol, on=wish.on)
    names = {tenure.symbol for tenure in company}
    recorded = store.recorded(names, as_of=wish.as_of)
    settled = [one for one in store.answers(as_of=wish.as_of) if one.symbol in names]
    if not recorded and not settled:
        raise UnknownSymbolError(
            symbol,
            hint="no corporate actions are recorded of it; import a file (simutrador-data actions "
            f"import FILE) or fetch them (simutrador-data actions fetch {symbol})",
        )
    own = [one for one in recorded if _is_of(company, one) and wish.wants(one)]
    return Listed(
        symbol, company, sorted(own, key=lambda one: (one.action.effective, one.commit)), settled
    )


def _is_of(company: Company, recorded: RecordedAction) -> bool:
    """Return whether an action is the company's own: in a tenure, or the end of one.

    What takes effect on the day a tenure ends is of whoever has the symbol next, except that end.
    """
    action = recorded.action
    for tenure in company:
        if tenure.symbol != action.symbol:
            continue
        if action.kind in NAMING:
            if action.effective == tenure.end:
                return True
        elif tenure.holds(action.effective):
            return True
    return False


__all__ = ["Listed", "Wish", "list_actions"]
