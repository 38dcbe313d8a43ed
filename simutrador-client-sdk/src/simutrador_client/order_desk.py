"""Sending orders over a session, and taking them back."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Iterable
from typing import Any

from simutrador_client.orders import AnyOrder, change_of
from simutrador_client.payloads import Account, OrderUpdate
from simutrador_client.strategy import Number, OrderSpec
from simutrador_client.venue import Venue


class OrderDesk:
    """The part of a session that deals with orders."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def submit_orders(
        self,
        session_id: str,
        orders: Iterable[AnyOrder],
        *,
        batch_id: str | None = None,
        execution_mode: str = "best_effort",
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Send orders together and return the acknowledgement.

        Args:
            session_id: The simulation.
            orders: At least one; an `order_id` is made up where it is absent.
            batch_id: Made up when None.
            execution_mode: `best_effort`, or `atomic` for all or none.
            request_id: Made up when None.

        Returns:
            `batch_id`, `accepted_orders` (ids), `rejected_orders` (reason by id).

        Raises:
            SessionProtocolError: the server answered with an error or not as agreed.
            SessionTimeoutError: the acknowledgement did not come in time.
            SessionConnectionError: the connection was lost.
            InputError: there is no order, or a number in it is not finite.
        """
        return await self._venue.submit(
            session_id,
            orders,
            batch_id=batch_id,
            execution_mode=execution_mode,
            request_id=request_id,
        )

    def submit_orders_nowait(
        self,
        session_id: str,
        orders: Iterable[AnyOrder],
        *,
        batch_id: str | None = None,
        execution_mode: str = "best_effort",
        request_id: str | None = None,
    ) -> Task[dict[str, Any]]:
        """Send orders in the background and return the task; its result is the acknowledgement.

        The tick at hand is acknowledged after the orders are. What goes wrong is raised by the
        task where it is awaited, else by `run`.
        """
        return self._venue.in_background(
            session_id,
            self.submit_orders(
                session_id,
                orders,
                batch_id=batch_id,
                execution_mode=execution_mode,
                request_id=request_id,
            ),
        )

    async def place_bracket_order(
        self,
        session_id: str,
        *,
        symbol: str,
        side: str,
        order_type: str,
        quantity: Number,
        price: Number | None = None,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        tif: str = "day",
        batch_id: str | None = None,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Send one order with its exits, which the server manages; answer and errors as above."""
        spec = OrderSpec(symbol, side, quantity, order_type, price, stop_loss, take_profit, tif=tif)
        return await self.submit_orders(
            session_id, [spec], batch_id=batch_id, request_id=request_id
        )

    def place_bracket_order_nowait(self, session_id: str, **order: Any) -> Task[dict[str, Any]]:
        """Send one order with its exits in the background; arguments as `place_bracket_order`."""
        return self._venue.in_background(session_id, self.place_bracket_order(session_id, **order))

    async def cancel_order(self, session_id: str, order_id: str) -> OrderUpdate:
        """Take an order back and return what became of it.

        Raises:
            SessionProtocolError: the server refused, for instance because it is filled.
        """
        data = {"session_id": session_id, "order_id": order_id}
        return OrderUpdate(await self._venue.ask("cancel_order", data, answer="order_cancelled"))

    async def replace_order(
        self,
        session_id: str,
        order_id: str,
        *,
        quantity: Number | None = None,
        price: Number | None = None,
        stop_price: Number | None = None,
    ) -> OrderUpdate:
        """Change what is given and return the terms that hold now; the order keeps its id.

        Raises:
            SessionProtocolError: the server refused, for instance because it is filled.
            InputError: nothing was given, or a number is not finite.
        """
        change = change_of(quantity=quantity, price=price, stop_price=stop_price)
        data = {"session_id": session_id, "order_id": order_id, **change}
        return OrderUpdate(await self._venue.ask("replace_order", data, answer="order_replaced"))

    async def query_positions(self, session_id: str) -> Account:
        """Return the account as it stands."""
        data = {"session_id": session_id}
        return Account(await self._venue.ask("query_positions", data, answer="current_positions"))
