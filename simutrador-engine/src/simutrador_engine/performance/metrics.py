"""Performance numbers of a finished run; every formula stands in docs/metrics.md.

Curves are float64 and in account currency. A number that is not defined is None, never 0 or inf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from simutrador_core.models.bars import F64
from simutrador_engine.engine import Engine
from simutrador_engine.models.decimals import LEDGER
from simutrador_engine.performance.equity import equity_curve
from simutrador_engine.portfolio.lots import Trade

SESSIONS_PER_YEAR: Final = 252
_FEWEST_RETURNS: Final = 2
_NOISE: Final = 1e-14
"""Returns this close together differ by the rounding of float64 alone."""


@dataclass(frozen=True, slots=True)
class Performance:
    """The numbers of the end message; fractions, not percent, unless the name says so."""

    final_equity: Decimal
    total_return: float
    total_trades: int
    winning_trades: int
    win_rate: float | None
    total_commission: Decimal
    max_drawdown: float
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    ambiguous_fills: int


def drawdown(equity: F64) -> F64:
    """Return how far equity stands below its running peak, float64 (n,), 0.25 for 25 % below.

    Raises:
        ValueError: `equity` is empty or its peak is not above zero.
    """
    if not len(equity) or equity[0] <= 0:
        raise ValueError("equity needs at least one value, and its first above zero")
    peak = np.maximum.accumulate(equity)
    return 1.0 - equity / peak


def returns(equity: F64) -> F64:
    """Return the simple return of each step, float64 (n - 1,)."""
    return equity[1:] / equity[:-1] - 1.0


def sharpe_ratio(session_returns: F64) -> float | None:
    """Return mean over standard deviation (ddof 1), times the root of 252; None if undefined."""
    if len(session_returns) < _FEWEST_RETURNS:
        return None
    deviation = float(np.std(session_returns, ddof=1))
    if float(np.ptp(session_returns)) <= _NOISE:
        return None
    return float(np.mean(session_returns)) / deviation * float(np.sqrt(SESSIONS_PER_YEAR))


def sortino_ratio(session_returns: F64) -> float | None:
    """Return mean over downside deviation, times the root of 252; None without a losing session."""
    if len(session_returns) < _FEWEST_RETURNS:
        return None
    downside = float(np.sqrt(np.mean(np.minimum(session_returns, 0.0) ** 2)))
    if downside == 0.0:
        return None
    return float(np.mean(session_returns)) / downside * float(np.sqrt(SESSIONS_PER_YEAR))


def annual_return(session_equity: F64) -> float | None:
    """Return the compound growth per 252 sessions; None when there are none, or all is lost."""
    sessions = len(session_equity) - 1
    if sessions < 1 or session_equity[-1] <= 0:
        return None
    growth = float(session_equity[-1] / session_equity[0])
    return growth ** (SESSIONS_PER_YEAR / sessions) - 1.0


def calmar_ratio(session_equity: F64) -> float | None:
    """Return annual return over the largest drawdown of session equity; None if undefined."""
    growth = annual_return(session_equity)
    worst = float(drawdown(session_equity).max())
    return None if growth is None or worst == 0.0 else growth / worst


def win_rate(trades: Sequence[Trade]) -> float | None:
    """Return the share of round trips with a profit after fees; None without a round trip."""
    return sum(t.pnl > 0 for t in trades) / len(trades) if trades else None


def performance(engine: Engine) -> Performance:
    """Return the numbers of a run up to now."""
    curve = equity_curve(engine)
    by_session = curve.by_session()
    ruined = bool((by_session <= 0.0).any())
    session_returns = np.empty(0) if ruined else returns(by_session)
    account = engine.account()
    trades = engine.portfolio.trades
    return Performance(
        final_equity=account.equity,
        total_return=float(LEDGER.divide(account.equity, engine.config.cash)) - 1.0,
        total_trades=len(trades),
        winning_trades=sum(t.pnl > 0 for t in trades),
        win_rate=win_rate(trades),
        total_commission=account.commission_paid,
        max_drawdown=float(drawdown(curve.equity).max()),
        sharpe_ratio=sharpe_ratio(session_returns),
        sortino_ratio=sortino_ratio(session_returns),
        calmar_ratio=None if ruined else calmar_ratio(by_session),
        ambiguous_fills=engine.ambiguous,
    )
