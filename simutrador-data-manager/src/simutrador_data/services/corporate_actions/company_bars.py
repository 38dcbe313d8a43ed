"""`CompanyBars`: the bars of a company across its names, as one series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from simutrador_core import dataset
from simutrador_core.adjusting.companies import Company
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.models.bars import BarQuery, Bars, concat
from simutrador_core.models.enums import Adjustment
from simutrador_data.services.corporate_actions.adjusted_bars import (
    AdjustedBars,
    joined_digest,
    month_lines,
)


class CompanyBars:
    """Reads what one company traded as, under all of its names; never another company's bars.

    The company is the one that had the symbol on a date, or the latest that has bars under it.
    """

    def __init__(self, source: AdjustedBars, *, on: date | None = None) -> None:
        """Keep the source, which its owner closes, and the date."""
        self._source = source
        self._on = on

    def read(self, query: BarQuery, /) -> Bars:
        """Return the company's bars that open in the range, under the symbol asked for.

        Raises:
            UnknownSymbolError: no bars are stored of any of its names.
        """
        query = self.pinned(query)
        parts = [self._source.read(part) for part in self._parts(query)]
        return concat([_named(part, query.symbol) for part in parts])

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        """Yield the same bars in parts of at most `rows`, in bounded memory, of one version."""
        query = self.pinned(query)
        for part in self._parts(query):
            for bars in self._source.stream(part, rows=rows):
                yield _named(bars, query.symbol)

    def dataset_id(self, query: BarQuery) -> str:
        """Return the hash of exactly these rows; see `simutrador_core.dataset`."""
        query = self.pinned(query)
        recipes = [self._source.recipe_of(part) for part in self._parts(query)]
        used = {recipe.digest for recipe in recipes if recipe is not None}
        lines = [*month_lines(self.stream(query))]
        if used:
            lines.append(dataset.action_line(query.symbol, joined_digest(used)))
        return dataset.combine(lines)

    def pinned(self, query: BarQuery) -> BarQuery:
        """Return the query fixed to the newest version, where it names none."""
        if query.as_of is not None:
            return query
        return replace(query, as_of=self._source.latest_commit())

    def company(self, query: BarQuery) -> Company:
        """Return whose bars a query reads, oldest name first."""
        companies = self._source.companies(as_of=query.as_of)
        if self._on is not None:
            return companies.company_of(query.symbol, on=self._on)
        found = [companies.company_with(t) for t in reversed(companies.tenures_of(query.symbol))]
        return next((one for one in found if self._has_bars(one, query)), found[0])

    def _has_bars(self, company: Company, query: BarQuery) -> bool:
        raw = replace(query, adjustment=Adjustment.RAW, actions_as_of=None)
        for part in self._of(company, raw):
            if part.symbol == query.symbol and any(
                len(bars) for bars in self._source.stream(part, rows=1)
            ):
                return True
        return False

    def _parts(self, query: BarQuery) -> list[BarQuery]:
        found = self._of(self.company(query), query)
        if not found:
            raise UnknownSymbolError(query.symbol)
        return found

    def _of(self, company: Company, query: BarQuery) -> list[BarQuery]:
        """Return a query for each name that is stored, cut to the days the company had it."""
        parts: list[BarQuery] = []
        for tenure in company:
            first, past = query.start, query.end
            if tenure.start is not None:
                first = max(first, self._source.day_start(tenure.symbol, tenure.start))
            if tenure.end is not None:
                past = min(past, self._source.day_start(tenure.symbol, tenure.end))
            part = replace(query, symbol=tenure.symbol, start=min(first, past), end=past)
            if self._source.has(part):
                parts.append(part)
        return parts


def _named(bars: Bars, symbol: str) -> Bars:
    return bars if bars.symbol == symbol else replace(bars, symbol=symbol)


__all__ = ["CompanyBars"]
