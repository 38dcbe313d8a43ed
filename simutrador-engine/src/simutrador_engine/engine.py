"""`Engine`: a pure function of configuration, bars and commands, driven step by step.

No clock, socket, logger or float money inside. Backtest, venue, SDK and paper broker use only
`apply`, `advance`, `account` and the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext

import numpy as np

from simutrador_core.errors import InputError, UnknownSymbolError
from simutrador_core.interfaces.data_provider import CorporateAction
from simutrador_core.models.bars import Bars, from_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.validation import REASONS, RowFault, check_bars
from simutrador_engine.desk import Desk
from simutrador_engine.intake import Intake
from simutrador_engine.log import EventLog
from simutrador_engine.lookahead import next_step
from simutrador_engine.matching import Bar, match_inside, match_open
from simutrador_engine.models.commands import NEXT_BAR, Command, Until
from simutrador_engine.models.config import EngineConfig
from simutrador_engine.models.decimals import LEDGER, to_exact
from simutrador_engine.models.events import Advance, Event
from simutrador_engine.portfolio.portfolio import Account, Portfolio
from simutrador_engine.timeline import Timeline, session_end


class Engine:
    """One run: bars are replayed, orders fill by the fill contract, everything is logged.

    Args:
        config: Decides, with the bars and commands, every byte of the log.
        bars: Bars by symbol, one timeframe, at least those of `config.symbols`.
        actions: Corporate actions; none can be applied yet.

    Raises:
        UnknownSymbolError: a configured symbol has no bars.
        InputError: bars of another timeframe, incomplete, overlapping or with impossible prices,
            or corporate actions.
    """

    def __init__(
        self,
        config: EngineConfig,
        bars: Mapping[str, Bars],
        actions: Sequence[CorporateAction] = (),
    ) -> None:
        self.config = config
        self.bars = {symbol: _own(symbol, bars, config) for symbol in config.symbols}
        if actions:
            raise InputError("corporate actions cannot be applied yet; give adjusted bars instead")
        self.timeline = Timeline.of(self.bars, config.schedules)
        self.log = EventLog(config)
        instants = self.timeline.instants
        self._next = 0
        self._now = self._first_instant()
        if config.start is not None:
            self._next = int(np.searchsorted(instants, config.start, side="right"))
            self._now = max(self._now, config.start)
        self.started_at = self._now
        self._desk = Desk(config, self.log.append, self.mark, now=self._now)
        self._intake = Intake(self._desk, self._session_end)

    @property
    def portfolio(self) -> Portfolio:
        """The ledger: cash, fills and round trips so far."""
        return self._desk.portfolio

    def _first_instant(self) -> int:
        opens = [int(own.opened_at[0]) for own in self.bars.values() if len(own)]
        return min(opens) if opens else 0

    @property
    def now(self) -> int:
        """The instant reached, microseconds UTC: the close of the latest bars seen."""
        return self._now

    @property
    def is_over(self) -> bool:
        """Whether every bar has been seen."""
        return self._next >= len(self.timeline.instants)

    @property
    def ambiguous(self) -> int:
        """How many fills, or exits withheld, a bar's prices left in doubt."""
        return self._desk.doubts

    def seen(self, symbol: str) -> int:
        """Return how many bars of a symbol have closed by now."""
        return int(np.searchsorted(self.timeline.closes[symbol], self._now, side="right"))

    def mark(self, symbol: str) -> Decimal | None:
        """Return the last close of a symbol, exact, or None before its first bar."""
        row = self.seen(symbol)
        return to_exact(self.bars[symbol].close[row - 1]) if row else None

    def pending(self, symbol: str) -> Decimal:
        """Return the signed units that open orders, bracket exits aside, would still trade."""
        with localcontext(LEDGER):
            return self._desk.pending(symbol)

    def apply(self, command: Command) -> list[Event]:
        """Carry out a command now and return what it caused; a bad one gives `rejected` events."""
        with localcontext(LEDGER):
            self._intake.carry_out(command)
        return self._desk.take_events()

    def advance(self, until: Until = NEXT_BAR) -> Advance:
        """Replay bars until a condition holds and return what happened.

        Bars that touch no resting order are passed over, not stepped through.
        """
        events: list[Event] = []
        instants = self.timeline.instants
        last = self._last_step(until)
        reason = "end" if last == len(instants) else "bars"
        if until.at is not None and last < len(instants) and int(instants[last]) > until.at:
            reason = "time"
        while self._next < last:
            step = next_step(
                self._desk.waiting(), self.bars, self.timeline, first=self._next, last=last
            )
            if step == last:
                self._reach(last)
                break
            self._next = step
            with localcontext(LEDGER):
                fills = self._step(int(instants[step]))
            events += self._desk.take_events()
            if fills and until.fill:
                return Advance(tuple(events), self._now, "fill")
        return Advance(tuple(events), self._now, reason)

    def _last_step(self, until: Until) -> int:
        last = len(self.timeline.instants)
        if until.bars is not None:
            last = min(last, self._next + until.bars)
        if until.at is not None:
            reached = int(np.searchsorted(self.timeline.instants, until.at, side="right"))
            last = min(last, max(reached, self._next))
        return last

    def _step(self, instant: int) -> int:
        """Replay everything that closes at one instant and return how many fills there were."""
        desk, step = self._desk, self._next
        trading = [
            (symbol, self._bar(symbol, int(row)))
            for symbol in self.config.symbols
            if (row := self.timeline.rows[symbol][step]) >= 0
        ]
        opened = {symbol: bar.opened_at for symbol, bar in trading}
        desk.expire(lambda order: opened.get(order.symbol, instant))
        self._reach(step + 1)
        before = desk.fills
        for symbol, bar in trading:
            match_open(desk.in_turn(symbol, bar.opened_at), bar, desk.venue)
        for symbol, bar in trading:
            orders = desk.in_turn(symbol, bar.opened_at)
            match_inside(orders, bar, desk.venue, policy=self.config.policy)
        desk.end_first_bar(opened)
        desk.expire(lambda _: instant)
        if desk.fills > before:
            desk.mark_equity()
        return desk.fills - before

    def _reach(self, step: int) -> None:
        self._next = step
        self._now = self._desk.now = self.timeline.instants.item(step - 1)

    def _session_end(self, symbol: str, now: int) -> int | None:
        return session_end(
            now,
            schedule=self.config.schedules.get(symbol),
            bars=self.bars[symbol],
            closes=self.timeline.closes[symbol],
        )

    def _bar(self, symbol: str, row: int) -> Bar:
        own = self.bars[symbol]
        return Bar(
            int(own.opened_at[row]),
            int(self.timeline.closes[symbol][row]),
            float(own.open[row]),
            float(own.high[row]),
            float(own.low[row]),
            float(own.close[row]),
        )

    def account(self) -> Account:
        """Return cash, equity, positions and open orders as of now."""
        with localcontext(LEDGER):
            return self._desk.account()


def _own(symbol: str, bars: Mapping[str, Bars], config: EngineConfig) -> Bars:
    if symbol not in bars:
        raise UnknownSymbolError(symbol, hint="give its bars to the engine")
    own = bars[symbol]
    if own.timeframe is not Timeframe(config.timeframe):
        raise InputError(f"{symbol} has {own.timeframe} bars, the run is {config.timeframe}")
    if not own.complete:
        raise InputError(f"the last bar of {symbol} is still forming; drop it first")
    faults = check_bars(own.open, own.high, own.low, own.close, own.volume)
    if faults.any():
        row = int(np.flatnonzero(faults)[0])
        why = REASONS[RowFault(int(faults[row]))]
        raise InputError(f"the bar of {symbol} at {from_us(own.opened_at[row])} is unsound: {why}")
    return own
