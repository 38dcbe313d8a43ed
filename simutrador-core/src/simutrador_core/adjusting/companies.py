"""Which company a symbol stands for, and when: renames, delistings and symbols used again.

A company is a chain of tenures, each the use of one symbol for `[start, end)`. A rename ends the
tenure of the old symbol and begins that of the new one; a delisting ends one. What trades under a
symbol after such an end is another company. Without renames and delistings a symbol is one company
for all time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction

_FIRST: Final = date.min
_NEVER: Final = date.max


@dataclass(frozen=True, slots=True)
class Tenure:
    """The sessions dated in `[start, end)` in which one company used a symbol; None is open."""

    symbol: str
    start: date | None = None
    end: date | None = None

    def holds(self, session: date) -> bool:
        """Return whether a session lies in it."""
        return (self.start or _FIRST) <= session < (self.end or _NEVER)


Company: TypeAlias = tuple[Tenure, ...]
"""The tenures of one company, oldest first."""


class Companies:
    """The companies that some renames and delistings tell apart."""

    def __init__(self, actions: Iterable[CorporateAction]) -> None:
        """Keep the renames and delistings among the actions; others say nothing here."""
        self._cuts: dict[str, set[date]] = {}
        self._next: dict[tuple[str, date], str] = {}
        self._before: dict[tuple[str, date], str] = {}
        for action in actions:
            if action.kind is ActionKind.RENAME and action.successor is not None:
                self._next[action.symbol, action.effective] = action.successor
                self._before[action.successor, action.effective] = action.symbol
                self._cuts.setdefault(action.successor, set()).add(action.effective)
            elif action.kind is not ActionKind.DELISTING:
                continue
            self._cuts.setdefault(action.symbol, set()).add(action.effective)

    def tenures_of(self, symbol: str) -> list[Tenure]:
        """Return the tenures of a symbol, oldest first; they follow each other without a gap."""
        cuts = sorted(self._cuts.get(symbol, ()))
        starts, ends = [None, *cuts], [*cuts, None]
        return [Tenure(symbol, start, end) for start, end in zip(starts, ends, strict=True)]

    def company_of(self, symbol: str, *, on: date | None = None) -> Company:
        """Return the company that has a symbol on a date; None asks for the latest one."""
        tenures = self.tenures_of(symbol)
        held = tenures[-1] if on is None else next(t for t in tenures if t.holds(on))
        return self.company_with(held)

    def company_with(self, tenure: Tenure) -> Company:
        """Return the company that a tenure belongs to."""
        chain = [tenure]
        while (first := chain[0]).start and (old := self._before.get((first.symbol, first.start))):
            chain.insert(0, self._tenure(old, end=first.start))
        while (last := chain[-1]).end and (new := self._next.get((last.symbol, last.end))):
            chain.append(self._tenure(new, start=last.end))
        return tuple(chain)

    def _tenure(self, symbol: str, *, start: date | None = None, end: date | None = None) -> Tenure:
        return next(
            tenure
            for tenure in self.tenures_of(symbol)
            if (tenure.start == start if end is None else tenure.end == end)
        )


def actions_of(company: Company, actions: Iterable[CorporateAction]) -> list[CorporateAction]:
    """Return a company's own actions, oldest first: each falls into a tenure of its symbol."""
    own = [
        action
        for action in actions
        if any(t.symbol == action.symbol and t.holds(action.effective) for t in company)
    ]
    return sorted(own, key=lambda action: action.effective)


__all__ = ["Tenure", "Company", "Companies", "actions_of"]
