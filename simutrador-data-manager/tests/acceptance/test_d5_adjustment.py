"""D5: adjusted prices are exact, know nothing of the future, and mix no companies.

A company splits 2:1 and 1:10, pays dividends, once on the day of a split and once on the day of a
rename, and trades as ONE, TWO and THREE in turn. Another company takes ONE over, a third one was
THREE before. The truth is worked with fractions, session by session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from simutrador_core.adjusting.companies import Companies, Tenure
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import FETCHED_AT, make_change, query_all
from simutrador_data.services.corporate_actions import adjusted_bars
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.adjusted_store import AdjustedStore
from simutrador_data.services.corporate_actions.company_bars import CompanyBars
from simutrador_data.services.corporate_actions.records import ActionChange, Asked
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.storage.parquet_store import ParquetStore

SESSIONS: Final = at_scale(60, 600)
DATES: Final = at_scale(20, 500)
PRICED: Final = frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND})
SYMBOLS: Final = ("ONE", "TWO", "THREE")
TIMEFRAMES: Final = (Timeframe.DAILY, Timeframe.MINUTE_1)
ADJUSTED: Final = (Adjustment.SPLIT, Adjustment.TOTAL)
NOON: Final = 2 * 3_600_000_000


@cache
def schedule() -> Schedule:
    """Return the sessions of New York from 2018 on."""
    return get_calendar("XNYS").between(date(2018, 1, 1), date(2021, 1, 1)).take(slice(0, SESSIONS))


def day(number: int) -> date:
    return schedule().sessions[number].item()


def at(part: float) -> int:
    """Return the session that lies so far into the time."""
    return int(part * SESSIONS)


@dataclass(frozen=True)
class Owner:
    """One company: the symbols it has from which session on, until it ends, and what it does."""

    names: tuple[tuple[int, str], ...]
    end: int
    actions: tuple[CorporateAction, ...]

    def symbol(self, session: int) -> str:
        return [name for start, name in self.names if start <= session][-1]


def split(part: float, symbol: str, ratio: str, *, known: int = 0) -> CorporateAction:
    """Return a split; it is known so many sessions later (earlier, when negative)."""
    known_on = day(at(part) + known) if known else None
    return CorporateAction(
        symbol, ActionKind.SPLIT, day(at(part)), ratio=Decimal(ratio), known_on=known_on
    )


def cash(part: float, symbol: str, amount: str, *, known: int = 0) -> CorporateAction:
    known_on = day(at(part) + known) if known else None
    return CorporateAction(
        symbol, ActionKind.DIVIDEND, day(at(part)), amount=Decimal(amount), known_on=known_on
    )


def owners() -> list[Owner]:
    first, second = at(0.4), at(0.7)
    return [
        Owner(
            ((0, "ONE"), (first, "TWO"), (second, "THREE")),
            SESSIONS,
            (
                split(0.1, "ONE", "2"),
                cash(0.2, "ONE", "0.37"),
                cash(0.4, "TWO", "0.25"),  # on the day it is called so
                split(0.5, "TWO", "0.1"),
                cash(0.5, "TWO", "1.5"),  # on the day of the split
                cash(0.6, "TWO", "0.4", known=3),  # learnt of late
                split(0.8, "THREE", "2", known=-5),  # announced before
                cash(0.9, "THREE", "0.33"),
            ),
        ),
        Owner(((first, "ONE"),), SESSIONS, (split(0.6, "ONE", "0.1"), cash(0.75, "ONE", "0.5"))),
        Owner(((0, "THREE"),), second, (split(0.3, "THREE", "2"), cash(0.3, "THREE", "0.1"))),
    ]


def renames() -> list[CorporateAction]:
    return [
        CorporateAction("ONE", ActionKind.RENAME, day(at(0.4)), successor="TWO"),
        CorporateAction("TWO", ActionKind.RENAME, day(at(0.7)), successor="THREE"),
    ]


@cache
def closes(owner: int) -> list[Decimal]:
    """Return the raw close of each session, in cents."""
    chance = np.random.default_rng([20240501, owner])
    return [Decimal(int(one)) / 100 for one in chance.integers(2_000, 20_000, SESSIONS)]


def truth(
    owner: int, prices: Sequence[Decimal], until: int, as_of: date, to: Adjustment
) -> dict[int, Fraction]:
    """Return the adjusted prices of a company's sessions up to one, as known on a date."""
    mine = owners()[owner]
    begin = mine.names[0][0]
    days = {day(n): n for n in range(SESSIONS)}
    factors: dict[int, Fraction] = {}
    for effective in sorted({action.effective for action in mine.actions}):
        known = [
            action
            for action in mine.actions
            if action.effective == effective
            and max(effective, action.known_on or effective) <= as_of
        ]
        row = days[effective]
        if row > until or row - 1 < begin:
            continue
        ratio = next((Fraction(a.ratio) for a in known if a.ratio), Fraction(1))
        paid = next((Fraction(a.amount) for a in known if a.amount), Fraction(0))
        if to is Adjustment.SPLIT:
            paid = Fraction(0)
        before = Fraction(closes(owner)[row - 1])
        factors[row] = (before / ratio - paid) / before
    found: dict[int, Fraction] = {}
    factor = Fraction(1)
    for n in range(min(until + 1, mine.end) - 1, begin - 1, -1):
        found[n] = Fraction(prices[n]) * factor  # of all that comes after the session
        factor *= factors.get(n, 1)
    return found


def true_prices(
    symbol: str, timeframe: Timeframe, until: int, as_of: date, to: Adjustment
) -> list[float]:
    """Return what a read of a symbol must give: each session is of one company."""
    found: dict[int, Fraction] = {}
    for number, owner in enumerate(owners()):
        prices = closes(number) if timeframe is Timeframe.DAILY else at_noon(number)
        rows = truth(number, prices, until, as_of, to)
        found |= {n: one for n, one in rows.items() if owner.symbol(n) == symbol}
    return [float(found[n]) for n in sorted(found)]


def at_noon(owner: int) -> list[Decimal]:
    """Return the one minute price a day has: 0.13 above its close."""
    return [close + Decimal("0.13") for close in closes(owner)]


def stored(symbol: str, timeframe: Timeframe, sessions: range) -> Bars:
    """Return the raw bars of a symbol in some sessions."""
    plan = schedule()
    rows: list[tuple[int, Decimal]] = []
    for number, owner in enumerate(owners()):
        prices = closes(number) if timeframe is Timeframe.DAILY else at_noon(number)
        begin = owner.names[0][0]
        rows += [
            (n, prices[n]) for n in sessions if begin <= n < owner.end and owner.symbol(n) == symbol
        ]
    rows.sort()
    index = np.array([n for n, _ in rows], dtype=np.int64)
    price = np.array([float(one) for _, one in rows])
    daily = timeframe is Timeframe.DAILY
    return Bars(
        symbol,
        timeframe,
        Adjustment.RAW,
        plan.opens[index] + (0 if daily else NOON),
        *(price, price, price, price),
        np.full(len(rows), 1000.0),
        plan.sessions[index] if daily else None,
    )


class Market:
    """A store that grows session by session, and learns of actions as the world does."""

    def __init__(self, root: Path, opened: ExitStack) -> None:
        self.bars = opened.enter_context(ParquetStore(root))
        self.actions = opened.enter_context(ActionStore(root))
        registry = AssetRegistry.default()
        self.adjusted = AdjustedStore(
            self.bars, self.actions, calendar=lambda symbol: calendar_of(symbol, registry)
        )
        self.stored, self.untold = 0, [*renames(), *(a for o in owners() for a in o.actions)]
        none = [Asked(symbol, PRICED, date(1990, 1, 1), date(2100, 1, 1)) for symbol in SYMBOLS]
        self.actions.commit(ActionChange((), "world", "nothing yet", FETCHED_AT, none))

    def live_through(self, session: int) -> None:
        """Store the bars up to a session, and the actions said by then."""
        fresh = range(self.stored, session + 1)
        pages = [stored(symbol, timeframe, fresh) for symbol in SYMBOLS for timeframe in TIMEFRAMES]
        self.bars.commit(make_change(*(page for page in pages if len(page))))
        self.stored = session + 1
        told = [a for a in self.untold if (a.known_on or a.effective) <= day(session)]
        self.untold = [action for action in self.untold if action not in told]
        if told:
            self.actions.commit(ActionChange(told, "world", "news", FETCHED_AT))


def asked(symbol: str, timeframe: Timeframe, to: Adjustment, session: int) -> BarQuery:
    """Return the query for all bars up to a session."""
    end = datetime.combine(day(session) + timedelta(days=1), datetime.min.time(), UTC)
    return replace(query_all(symbol, timeframe, adjustment=to), end=end)


def questions(session: int) -> list[BarQuery]:
    """Return everything that can be asked up to a session."""
    return [
        asked(symbol, timeframe, to, session)
        for symbol in SYMBOLS
        for timeframe in TIMEFRAMES
        for to in ADJUSTED
        if len(stored(symbol, timeframe, range(session + 1)))
    ]


@contextmanager
def the_future_is_seen() -> Iterator[None]:
    """Fault: the date the actions are asked as of is taken and not heeded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adjusted_bars, "known_by", lambda actions, _: list(actions))
        yield


@pytest.mark.acceptance("D5", package="data-manager", breaks=the_future_is_seen)
def test_no_factor_from_the_future_is_seen_on_any_date(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    dates = np.unique(np.linspace(2, SESSIONS - 1, DATES).astype(int)).tolist()
    worst, reads = 0.0, 0
    with ExitStack() as opened:
        market = Market(fast_path, opened)
        then: dict[BarQuery, Bars] = {}
        for session in dates:
            market.live_through(session)
            then |= {query: market.adjusted.read(query) for query in questions(session)}
        assert market.stored == SESSIONS
        assert market.untold == []
        for session in dates:
            for query in questions(session):
                found = market.adjusted.read(replace(query, actions_as_of=day(session)))
                assert found.equals(then[query]), f"{query} differs from what was read that day"
                expected = np.array(
                    true_prices(
                        query.symbol, query.timeframe, session, day(session), query.adjustment
                    )
                )
                assert len(found) == len(expected)
                worst = max(worst, float(np.abs(found.close / expected - 1).max()))
                reads += 1
    assert worst < 1e-9
    figure(f"{reads} reads as of {len(dates)} dates, worst relative error {worst:.1e}")


@contextmanager
def a_symbol_is_one_company() -> Iterator[None]:
    """Fault: renames do not tell the companies of a symbol apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Companies, "tenures_of", lambda _, symbol: [Tenure(symbol)])
        patch.setattr(Companies, "company_with", lambda _, tenure: (tenure,))
        yield


@pytest.mark.acceptance("D5", package="data-manager", breaks=a_symbol_is_one_company)
def test_a_chain_of_names_is_one_company_and_mixes_with_none(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    last = SESSIONS - 1
    with ExitStack() as opened:
        market = Market(fast_path, opened)
        market.live_through(last)
        whole = CompanyBars(market.adjusted)
        for timeframe in TIMEFRAMES:
            for to in ADJUSTED:
                prices = closes(0) if timeframe is Timeframe.DAILY else at_noon(0)
                rows = truth(0, prices, last, day(last), to)
                found = whole.read(asked("THREE", timeframe, to, last))
                expected = [float(rows[n]) for n in range(SESSIONS)]
                np.testing.assert_allclose(found.close, expected, rtol=1e-9)
        former = CompanyBars(market.adjusted, on=day(0)).read(
            asked("THREE", Timeframe.DAILY, Adjustment.RAW, last)
        )
        assert former.close.tolist() == [float(one) for one in closes(2)[: at(0.7)]]
        heir = whole.read(asked("ONE", Timeframe.DAILY, Adjustment.RAW, last))
        assert heir.close.tolist() == [float(one) for one in closes(1)[at(0.4) :]]
    figure(f"{SESSIONS} sessions under 3 names, 0 bars of other companies")
