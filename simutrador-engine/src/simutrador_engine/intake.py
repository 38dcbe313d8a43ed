"""The intake: it carries out commands and refuses what the account cannot bear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from decimal import Decimal

from simutrador_core.models.enums import TimeInForce
from simutrador_engine import acceptance
from simutrador_engine.acceptance import Refusal
from simutrador_engine.book import OPEN, OrderState, WorkingOrder, working
from simutrador_engine.desk import Desk
from simutrador_engine.models import events as ev
from simutrador_engine.models.commands import (
    BatchMode,
    Cancel,
    Command,
    Order,
    Replace,
    Submit,
)
from simutrador_engine.models.decimals import LEDGER, plain
from simutrador_engine.models.events import RejectCode, Role


class Intake:
    """Turns commands into accepted, replaced or cancelled orders, or into `rejected` events."""

    def __init__(self, desk: Desk, session_end: Callable[[str, int], int | None]) -> None:
        self._desk = desk
        self._session_end = session_end

    def carry_out(self, command: Command) -> None:
        """Carry out a command at the desk's present instant."""
        match command:
            case Submit(mode=BatchMode.ATOMIC):
                self._submit_all_or_none(command.orders)
            case Submit():
                for order in command.orders:
                    self._attempt(order.id, lambda order=order: self._submit(order))
            case Cancel():
                self._attempt(command.order_id, lambda: self._cancel(command))
            case Replace():
                self._attempt(command.order_id, lambda: self._replace(command))

    def _attempt(self, order_id: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Refusal as refusal:
            self._reject(order_id, refusal)

    def _reject(self, order_id: str, refusal: Refusal) -> None:
        at, code = self._desk.now, refusal.code
        self._desk.emit(lambda seq: ev.Rejected(seq, at, order_id, code, str(refusal)))

    # Orders

    def _submit(self, order: Order) -> None:
        self._accept(self._checked(order, beside=()))

    def _submit_all_or_none(self, orders: tuple[Order, ...]) -> None:
        ready: list[WorkingOrder] = []
        refused: dict[int, Refusal] = {}
        for n, order in enumerate(orders):
            try:
                ready.append(self._checked(order, beside=ready))
            except Refusal as refusal:
                refused[n] = refusal
        if not refused:
            for entry in ready:
                self._accept(entry)
            return
        others = Refusal(RejectCode.BATCH_REJECTED, "another order of the batch was refused")
        for n, order in enumerate(orders):
            self._reject(order.id, refused.get(n, others))

    def _checked(self, order: Order, *, beside: Sequence[WorkingOrder]) -> WorkingOrder:
        """Return an order's working form if it may be accepted together with those `beside` it."""
        acceptance.check_terms(order, self._desk.config)
        entry = working(order)
        taken = {own.id for other in beside for own in (other, *other.children)}
        for own in (entry, *entry.children):
            if not own.id or self._desk.knows(own.id) or own.id in taken:
                raise Refusal(
                    RejectCode.DUPLICATE_ORDER_ID, f"order id {own.id!r} is empty or already used"
                )
        self._check_account(entry, [*self._desk.open_orders, *beside])
        return entry

    def _check_account(self, order: WorkingOrder, others: Sequence[WorkingOrder]) -> None:
        desk, symbol = self._desk, order.symbol
        held = desk.portfolio.quantity(symbol)
        acceptance.check_short(order, held=held, resting=others, config=desk.config)
        marks = desk.marks()
        if symbol not in marks:
            raise Refusal(
                RejectCode.NO_PRICE_YET, f"{symbol} has not had a bar yet; order after its first"
            )
        before = desk.exposures(marks, others)
        after = desk.exposures(marks, [*others, order])
        limit = LEDGER.multiply(desk.portfolio.equity(marks), desk.config.leverage)
        needed = sum(after.values(), Decimal(0))
        if needed > limit and after[symbol] > before[symbol]:
            raise Refusal(
                RejectCode.INSUFFICIENT_BUYING_POWER,
                f"the order would raise exposure to {plain(needed)}, the limit is {plain(limit)}",
            )

    def _accept(self, entry: WorkingOrder) -> None:
        if entry.time_in_force is TimeInForce.DAY:
            entry.expires_at = self._session_end(entry.symbol, self._desk.now)
        for own in (entry, *entry.children):
            self._desk.add(own)

    # Changes

    def _cancel(self, command: Cancel) -> None:
        self._desk.close(self._find(command.order_id), OrderState.CANCELLED, "requested")

    def _replace(self, command: Replace) -> None:
        order = self._find(command.order_id)
        self._check_terms(order, command)
        changed = copy(order)
        changed.quantity = command.quantity or order.quantity
        changed.set_prices(
            command.limit_price or order.limit_price, command.stop_price or order.stop_price
        )
        _check_family(changed)
        if order.role is Role.ORDER:
            others = [other for other in self._desk.open_orders if other is not order]
            self._check_account(changed, others)
        self._desk.change(
            order,
            quantity=changed.quantity,
            limit_price=changed.limit_price,
            stop_price=changed.stop_price,
        )

    def _check_terms(self, order: WorkingOrder, command: Replace) -> None:
        if command.quantity is not None:
            lot = self._desk.config.lot_size(order.symbol)
            acceptance.check_quantity(command.quantity, lot)
            if command.quantity <= order.filled or order.role is not Role.ORDER:
                raise Refusal(
                    RejectCode.INVALID_QUANTITY,
                    f"quantity of {order.id} cannot become {plain(command.quantity)}: "
                    f"{plain(order.filled)} are filled, and exits follow their entry",
                )
        for name in ("limit_price", "stop_price"):
            price: Decimal | None = getattr(command, name)
            if price is None:
                continue
            acceptance.check_price(name, price)
            if getattr(order, name) is None:
                raise Refusal(RejectCode.INVALID_PRICE, f"a {order.kind} order has no {name}")
        if command.stop_price is not None and order.state is OrderState.TRIGGERED:
            raise Refusal(RejectCode.INVALID_PRICE, f"the stop of {order.id} was already reached")

    def _find(self, order_id: str) -> WorkingOrder:
        order = self._desk.find(order_id)
        if order is None:
            raise Refusal(RejectCode.UNKNOWN_ORDER, f"no order {order_id!r} was ever accepted")
        if order.state not in OPEN:
            raise Refusal(RejectCode.NOT_OPEN, f"order {order_id!r} is {order.state}")
        return order


def _check_family(changed: WorkingOrder) -> None:
    """Refuse new prices of an entry or exit that do not suit the open rest of its bracket."""
    entry = changed.parent or changed
    own = {o.role: o for o in (entry, *entry.children) if o.is_open} | {changed.role: changed}
    ahead, stop, target = (own.get(role) for role in Role)
    prices = (ahead.limit_price, ahead.stop_price) if ahead else ()
    acceptance.check_bracket(
        entry.side,
        [price for price in prices if price is not None],
        stop.stop_price if stop else None,
        target.limit_price if target else None,
    )
