"""What one bar does to the orders of one symbol: at its open, then inside it.

The order of things is rule 13 of docs/fill-contract.md: exits before entries, then acceptance.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import NamedTuple

from simutrador_core.models.enums import WSOrderType
from simutrador_engine.book import OrderState, WorkingOrder
from simutrador_engine.fills import rules
from simutrador_engine.fills.window import (
    NOT_REACHED,
    Reach,
    Window,
    after_entry,
    choose,
    is_granted,
    limit_reach,
    stop_reach,
)
from simutrador_engine.models.config import FillPolicy
from simutrador_engine.models.events import FillReason, Role


class Bar(NamedTuple):
    """One bar while it is matched; instants in microseconds UTC, prices float64."""

    opened_at: int
    closes_at: int
    open: float
    high: float
    low: float
    close: float


class Hit(NamedTuple):
    """One decided fill: where, by which rule, and whether the bar left it in doubt.

    `turned` says that the price broke out and came back within the bar before it filled the order.
    """

    order: WorkingOrder
    at: int
    price: float
    reason: FillReason
    taker: bool
    ambiguous: bool
    turned: bool = False


class Venue(NamedTuple):
    """What matching calls back: book a fill, log a trigger, count a doubt that changed nothing."""

    fill: Callable[[Hit, Bar], None]
    trigger: Callable[[WorkingOrder, float, int], None]
    doubt: Callable[[], None]


def match_open(orders: list[WorkingOrder], bar: Bar, venue: Venue) -> None:
    """Fill what the bar's open fills; exits of an entry filled here meet the same open."""
    queue = list(orders)
    for order in queue:
        if not order.is_resting:
            continue
        hit = _open_hit(order, bar, venue)
        if hit is not None:
            venue.fill(hit, bar)
            queue.extend(child for child in order.children if child.acts_on(bar.opened_at))


def _open_hit(order: WorkingOrder, bar: Bar, venue: Venue) -> Hit | None:
    if order.kind is WSOrderType.MARKET:
        return Hit(order, bar.opened_at, bar.open, FillReason.MARKET_OPEN, True, False)
    if order.kind is WSOrderType.LIMIT or order.state is OrderState.TRIGGERED:
        price = rules.limit_at_open(order.buy, order.limit, bar.open)
        if isnan(price):
            return None
        return Hit(order, bar.opened_at, price, FillReason.LIMIT_OPEN, False, False)
    price = rules.stop_at_open(order.buy, order.stop, bar.open)
    if isnan(price):
        return None
    venue.trigger(order, price, bar.opened_at)
    if order.kind is WSOrderType.STOP_LIMIT and not rules.within_limit(
        order.buy, order.limit, price
    ):
        return None
    return Hit(order, bar.opened_at, price, FillReason.STOP_GAP, True, False)


def match_inside(orders: list[WorkingOrder], bar: Bar, venue: Venue, *, policy: FillPolicy) -> None:
    """Fill what the rest of the bar fills, one-cancels-other pairs together."""
    whole = Window(bar.high, bar.low, bar.high, bar.low)
    queue = [(order, whole) for order in orders]
    for order, window in queue:
        if not order.is_resting or _is_decided_by_its_stop(order, bar):
            continue
        hit = _inside_hit(order, bar, window, venue, policy=policy)
        if hit is None:
            continue
        venue.fill(hit, bar)
        exits = _exit_window(hit, bar)
        released = [child for child in hit.order.children if child.acts_on(bar.opened_at)]
        queue.extend((child, exits) for child in released)


def _is_decided_by_its_stop(order: WorkingOrder, bar: Bar) -> bool:
    # A pair of exits is decided once, when the stop's turn comes.
    pair = order.sibling
    return order.role is Role.TAKE_PROFIT and pair is not None and pair.acts_on(bar.opened_at)


def _inside_hit(
    order: WorkingOrder, bar: Bar, window: Window, venue: Venue, *, policy: FillPolicy
) -> Hit | None:
    pair = order.sibling
    if pair is not None and pair.acts_on(bar.opened_at):
        return _pair_hit(order, pair, bar, window, venue, policy=policy)
    if order.kind is WSOrderType.STOP_LIMIT and order.state is not OrderState.TRIGGERED:
        return _stop_limit_hit(order, bar, window, venue, policy=policy)
    is_stop = order.kind is WSOrderType.STOP
    reach = _reach(order, window)
    if not is_granted(reach, favourable=not is_stop, policy=policy):
        if reach.in_doubt:
            venue.doubt()
        return None
    return _touched(order, reach.possible, bar, venue, ambiguous=reach.in_doubt)


def _pair_hit(
    stop: WorkingOrder,
    target: WorkingOrder,
    bar: Bar,
    window: Window,
    venue: Venue,
    *,
    policy: FillPolicy,
) -> Hit | None:
    reaches = _reach(stop, window), _reach(target, window)
    choice = choose(*reaches, policy=policy)
    if choice.stop:
        return _touched(stop, reaches[0].possible, bar, venue, ambiguous=choice.ambiguous)
    if choice.target:
        return _touched(target, reaches[1].possible, bar, venue, ambiguous=choice.ambiguous)
    if choice.ambiguous:
        venue.doubt()
    return None


def _reach(order: WorkingOrder, window: Window) -> Reach:
    if order.kind is WSOrderType.STOP:
        return stop_reach(order.buy, order.stop, window)
    if order.kind is WSOrderType.MARKET:
        return NOT_REACHED
    return limit_reach(order.buy, order.limit, window)


def _touched(order: WorkingOrder, price: float, bar: Bar, venue: Venue, *, ambiguous: bool) -> Hit:
    taker = order.kind is WSOrderType.STOP
    if taker:
        venue.trigger(order, price, bar.closes_at)
    reason = FillReason.STOP_TOUCHED if taker else FillReason.LIMIT_TOUCHED
    return Hit(order, bar.closes_at, price, reason, taker, ambiguous)


def _stop_limit_hit(
    order: WorkingOrder, bar: Bar, window: Window, venue: Venue, *, policy: FillPolicy
) -> Hit | None:
    stop = rules.stop_inside(order.buy, order.stop, window.high, window.low)
    if isnan(stop):
        return None
    venue.trigger(order, stop, bar.closes_at)
    if rules.within_limit(order.buy, order.limit, stop):
        return Hit(order, bar.closes_at, stop, FillReason.STOP_TOUCHED, True, False)
    # The limit asks for a return after the breakout: only the close is known to come after it.
    reach = Reach(
        rules.limit_inside(order.buy, order.limit, window.high, window.low),
        rules.limit_inside(order.buy, order.limit, bar.close, bar.close),
    )
    if not is_granted(reach, favourable=True, policy=policy):
        if reach.in_doubt:
            venue.doubt()
        return None
    reason = FillReason.LIMIT_TOUCHED
    return Hit(order, bar.closes_at, reach.possible, reason, False, reach.in_doubt, turned=True)


def _exit_window(hit: Hit, bar: Bar) -> Window:
    return after_entry(
        buy=hit.order.buy,
        passive=not hit.taker,
        in_doubt=hit.turned,
        price=hit.price,
        high=bar.high,
        low=bar.low,
        close=bar.close,
    )
