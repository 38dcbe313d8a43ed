"""`Recipe`: how the raw bars of one symbol and version become adjusted ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from simutrador_core.adjusting.actions import actions_digest
from simutrador_core.adjusting.companies import Company, Tenure
from simutrador_core.adjusting.factors import Factors, Step, adjust, factors_of, steps_of
from simutrador_core.errors import InvalidActionError, UnknownSymbolError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.interfaces.storage import BarSource
from simutrador_core.models.bars import D64, I64, BarQuery, Bars, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.corporate_actions.closes import ALWAYS, Closes
from simutrador_data.services.corporate_actions.periods import mixed_bars, remade
from simutrador_data.services.serving.ranges import day_start
from simutrador_data.services.validation.expected import first_weekday

_PERIODS: Final = {Timeframe.WEEKLY: timedelta(days=7), Timeframe.MONTHLY: timedelta(days=31)}
_MARGIN: Final = timedelta(days=2)
"""How far a daily bar may open before the local midnight its trading day begins at."""


class Holding(NamedTuple):
    """A tenure of the symbol, whose company it is, and what that company did."""

    tenure: Tenure
    company: Company
    actions: Sequence[CorporateAction]


class Recipe:
    """Turns raw bars of a symbol and timeframe into adjusted ones; of one version for good."""

    def __init__(
        self,
        query: BarQuery,
        holdings: Sequence[Holding],
        source: BarSource,
        calendar: Callable[[str], Calendar],
    ) -> None:
        """Keep what is adjusted and by which actions.

        Args:
            query: Names symbol, timeframe, adjustment and version; its range does not count.
            holdings: The tenures of the symbol, oldest first, with the splits and dividends of
                their companies that were known.
            source: Where raw bars are read.
            calendar: Gives the calendar of a symbol.
        """
        self._query = query
        self._holdings = holdings
        self._source = source
        self._calendar = calendar
        self._closes = [
            Closes(source, h.company, query.timeframe, as_of=query.as_of, calendar=calendar)
            for h in holdings
        ]
        self._cash: dict[tuple[int, date], float] = {}

    @property
    def to(self) -> Adjustment:
        """What is adjusted for."""
        return self._query.adjustment

    @property
    def version(self) -> int | None:
        """The version of bars and actions."""
        return self._query.as_of

    @cached_property
    def used(self) -> list[CorporateAction]:
        """The actions in effect: stored bars of the company reach them."""
        return [action for holding in self._in_effect for action in holding.actions]

    @cached_property
    def digest(self) -> str:
        """The digest of the actions used, for the dataset id."""
        return actions_digest(set(self.used))

    def factors(self, first: Bars) -> Factors:
        """Return the factors of all bars from the first one of `first` on.

        Raises:
            InvalidActionError: a dividend has no close before it, or is not below it.
        """
        begin = self._begin(first)
        pairs: list[tuple[Tenure, list[Step]]] = []
        for at, (tenure, _, actions) in enumerate(self._in_effect):
            needed = tenure.end is None or tenure.end > begin
            counted = [
                action
                for action in actions
                if needed and (action.kind is ActionKind.SPLIT or action.effective > begin)
            ]
            steps = steps_of(counted, to=self._query.adjustment, close_before=self._close_of(at))
            pairs.append((tenure, steps))
        return factors_of(pairs)

    def apply(self, bars: Bars, factors: Factors) -> Bars:
        """Return raw bars adjusted.

        Raises:
            InvalidActionError: a weekly or monthly bar spans a change of terms, and no daily bars
                of its time are stored to make it from.
        """
        to = self._query.adjustment
        found = adjust(bars, factors, to=to, day_starts=self._day_starts)
        if bars.timeframe not in _PERIODS:
            return found
        weekday = first_weekday(self._own_calendar)
        at = mixed_bars(found, factors.edges, first_weekday=weekday)
        if not len(at):
            return found
        daily = adjust(self._days_around(bars, at), factors, to=to, day_starts=self._day_starts)
        found, done = remade(found, at, daily, first_weekday=weekday)
        if not done.all():
            assert found.sessions is not None
            raise InvalidActionError(
                f"the {found.timeframe} bar of {found.symbol} from {found.sessions[at[~done][0]]} "
                "spans a corporate action and cannot be adjusted by itself; store the daily bars "
                "of that time, it is made of them then",
                field="adjustment",
            )
        return found

    @cached_property
    def _own_calendar(self) -> Calendar:
        return self._calendar(self._query.symbol)

    @cached_property
    def _in_effect(self) -> list[Holding]:
        """The holdings without actions that lie beyond all stored bars: prices are on old terms."""
        return [
            holding._replace(actions=self._reached(holding.company, holding.actions))
            for holding in self._holdings
        ]

    def _reached(
        self, company: Company, actions: Sequence[CorporateAction]
    ) -> Sequence[CorporateAction]:
        for day in sorted({action.effective for action in actions}, reverse=True):
            if self._has_bars_from(company, day):
                return [action for action in actions if action.effective <= day]
        return []

    def _has_bars_from(self, company: Company, day: date) -> bool:
        symbols = dict.fromkeys(t.symbol for t in reversed(company) if t.end is None or t.end > day)
        timeframes = dict.fromkeys([self._query.timeframe, Timeframe.DAILY])
        return any(
            self._has_bar_from(symbol, timeframe, day)
            for symbol in symbols
            for timeframe in timeframes
        )

    def _has_bar_from(self, symbol: str, timeframe: Timeframe, day: date) -> bool:
        start = day_start(day, self._calendar(symbol))
        if not timeframe.is_intraday:
            start -= _MARGIN
        query = BarQuery(symbol, timeframe, start, ALWAYS[1], as_of=self._query.as_of)
        try:
            first = next(iter(self._source.stream(query, rows=8)), None)
        except UnknownSymbolError:
            return False
        if first is None or timeframe.is_intraday:
            return first is not None and len(first) > 0
        return bool(len(first) and first.sessions is not None and first.sessions[-1] >= day)

    def _begin(self, first: Bars) -> date:
        """Return the trading day of the first bar: what took effect until then is in it."""
        if first.sessions is not None and not first.timeframe.is_intraday:
            return first.sessions[0].item()
        opened = from_us(int(first.opened_at[0]))
        day = opened.astimezone(self._own_calendar.zone).date() + timedelta(days=1)
        while day_start(day, self._own_calendar) > opened:
            day -= timedelta(days=1)
        return day

    def _close_of(self, holding: int) -> Callable[[date], float]:
        def close_before(day: date) -> float:
            known = self._cash.get((holding, day))
            if known is None:
                known = self._cash[holding, day] = self._closes[holding].before(day)
            return known

        return close_before

    def _day_starts(self, edges: D64) -> I64:
        days: list[date] = edges.tolist()
        return np.array([to_us(day_start(d, self._own_calendar)) for d in days], dtype=np.int64)

    def _days_around(self, bars: Bars, at: I64) -> Bars:
        """Return the raw daily bars from the first to the last of the bars at `at`."""
        start = from_us(int(bars.opened_at[at[0]])) - _MARGIN
        end = from_us(int(bars.opened_at[at[-1]])) + _PERIODS[bars.timeframe] + _MARGIN
        query = replace(
            self._query,
            timeframe=Timeframe.DAILY,
            start=start,
            end=end,
            adjustment=Adjustment.RAW,
            actions_as_of=None,
        )
        try:
            return self._source.read(query)
        except UnknownSymbolError:
            return Bars.empty(bars.symbol, Timeframe.DAILY)


__all__ = ["Holding", "Recipe"]
