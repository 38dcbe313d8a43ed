"""What an order may see of a bar, and which of two exits a policy grants. Pure scalars."""

from __future__ import annotations

from math import isnan, nan
from typing import NamedTuple

from simutrador_engine.fills import rules
from simutrador_engine.models.config import FillPolicy


class Window(NamedTuple):
    """Prices that may, and prices that must, have come while an order rested in a bar."""

    high: float
    low: float
    sure_high: float
    sure_low: float


class Reach(NamedTuple):
    """Where an order fills inside a bar: if it may have been reached, and if it must have been."""

    possible: float
    certain: float

    @property
    def in_doubt(self) -> bool:
        """Whether the order may have been reached but need not have been."""
        return not isnan(self.possible) and isnan(self.certain)


NOT_REACHED = Reach(nan, nan)


def after_entry(
    *, buy: bool, passive: bool, in_doubt: bool, price: float, high: float, low: float, close: float
) -> Window:
    """Return what a bracket's exits may see of the bar in which their entry filled inside.

    Args:
        buy: The entry's side.
        passive: The entry was a limit (the price came to it), not a stop (the price broke out).
        in_doubt: The order of the bar's prices around the fill is unknown.
        price: The fill before costs.
        high: The bar's high.
        low: The bar's low.
        close: The bar's close.
    """
    falling = buy == passive
    sure_high = rules.certain_high(falling=falling or in_doubt, price=price, high=high, close=close)
    sure_low = rules.certain_low(
        falling=falling and not in_doubt, price=price, low=low, close=close
    )
    return Window(high, low, sure_high, sure_low)


def limit_reach(buy: bool, limit: float, window: Window) -> Reach:
    """Return where a resting limit fills."""
    return Reach(
        rules.limit_inside(buy, limit, window.high, window.low),
        rules.limit_inside(buy, limit, window.sure_high, window.sure_low),
    )


def stop_reach(buy: bool, stop: float, window: Window) -> Reach:
    """Return where a resting stop triggers."""
    return Reach(
        rules.stop_inside(buy, stop, window.high, window.low),
        rules.stop_inside(buy, stop, window.sure_high, window.sure_low),
    )


def is_granted(reach: Reach, *, favourable: bool, policy: FillPolicy) -> bool:
    """Return whether a lone order fills: what is certain always, what is in doubt by policy."""
    if not reach.in_doubt:
        return not isnan(reach.certain)
    return favourable == (policy is FillPolicy.OPTIMISTIC)


class Choice(NamedTuple):
    """Which exit of a pair fills (`stop`, `target` or neither), and whether that was in doubt."""

    stop: bool
    target: bool
    ambiguous: bool


def choose(stop: Reach, target: Reach, *, policy: FillPolicy) -> Choice:
    """Return which of two exits of one bracket fills in a bar; see rules 8 and 9."""
    takes_stop = is_granted(stop, favourable=False, policy=policy)
    takes_target = is_granted(target, favourable=True, policy=policy)
    if takes_stop and takes_target:
        takes_stop = policy is FillPolicy.PESSIMISTIC
        takes_target = not takes_stop
    other = target if takes_stop else stop
    own = stop if takes_stop else target
    if takes_stop or takes_target:
        return Choice(takes_stop, takes_target, own.in_doubt or not isnan(other.possible))
    return Choice(False, False, stop.in_doubt or target.in_doubt)
