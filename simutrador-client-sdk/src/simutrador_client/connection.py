"""One socket: requests find their answers, everything else is handed on in the order it came."""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from websockets.exceptions import ConnectionClosed

from simutrador_client.errors import (
    SessionConnectionError,
    SessionError,
    SessionProtocolError,
    SessionTimeoutError,
    from_wire,
)
from simutrador_client.messages import ERRORS, decode, encode

Data = dict[str, Any]


class Socket(Protocol):
    """What is needed of a WebSocket."""

    async def send(self, message: str, /) -> None:
        """Send one text message."""
        ...

    async def recv(self) -> str | bytes:
        """Return the next message."""
        ...

    async def close(self) -> None:
        """Close."""
        ...


class Listener(Protocol):
    """Who gets what is not an answer. None of these may block."""

    def on_push(self, kind: str, data: Data) -> None:
        """Take a message that answers no request."""
        ...

    def is_crowded(self) -> bool:
        """Return whether more is waiting to be worked on than should."""
        ...

    def on_lost(self, error: SessionError) -> None:
        """Take note that nothing more will come."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    kind: str
    answers: frozenset[str]
    failure: type[SessionError]
    answer: Future[Data]
    on_answer: Callable[[Data], None] | None


class Connection:
    """Reads a socket until it closes.

    While the listener is crowded and no request waits for its answer, nothing is read, so that a
    server that does not wait for us is slowed down instead of filling the memory.
    """

    def __init__(self, socket: Socket, listener: Listener, *, timeout_s: float) -> None:
        self._socket = socket
        self._listener = listener
        self._timeout_s = timeout_s
        self._requests: dict[str, _Request] = {}
        self._relief = asyncio.Event()
        self._lost: SessionError | None = None
        self._closing = False
        self.farewell: str | None = None
        """What the server said about closing, before it did."""
        self._reader: Task[None] = asyncio.create_task(self._read())

    @property
    def is_open(self) -> bool:
        """Whether messages can still come and go."""
        return self._lost is None and not self._closing

    def relieve(self) -> None:
        """Look again whether there is room to read."""
        self._relief.set()

    async def send(self, kind: str, data: Data, request_id: str | None = None) -> None:
        """Send a message.

        Raises:
            SessionConnectionError: the connection is gone.
            InputError: a value cannot be written as JSON.
        """
        text = encode(kind, data, request_id)
        if self._lost is not None:
            raise self._lost
        try:
            await self._socket.send(text)
        except ConnectionClosed as e:
            raise self._lost or self._closed(e) from e

    async def request(
        self,
        kind: str,
        data: Data,
        *,
        answers: frozenset[str],
        request_id: str | None = None,
        failure: type[SessionError] = SessionProtocolError,
        on_answer: Callable[[Data], None] | None = None,
    ) -> Data:
        """Send a message and return the data of its answer.

        Args:
            kind: The message's type.
            data: Its data.
            answers: Types that answer it.
            request_id: Made up when None.
            failure: What an error that answers it is raised as.
            on_answer: Called with the answer before any later message is handed on.

        Raises:
            SessionError: the server answered with an error (as `failure`), not in time
                (SessionTimeoutError), or the connection was lost (SessionConnectionError).
            InputError: a value cannot be written as JSON.
        """
        answer: Future[Data] = asyncio.get_running_loop().create_future()
        request_id = request_id or str(uuid4())
        self._requests[request_id] = _Request(kind, answers, failure, answer, on_answer)
        self.relieve()  # the answer may stand behind what is not read yet
        try:
            await self.send(kind, data, request_id)
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError as e:
            if isinstance(e, SessionError):
                raise
            text = f"no answer to {kind} within {self._timeout_s:g} s"
            raise SessionTimeoutError(text) from None
        finally:
            self._requests.pop(request_id, None)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at, also when sending failed first

    async def close(self) -> None:
        """Close the socket and fail what still waits; calling it again does nothing."""
        if not self._closing:
            self._closing = True
            self._lose(SessionConnectionError("the session was closed"))
            self._reader.cancel()
            await asyncio.wait([self._reader])
            await self._socket.close()

    async def _read(self) -> None:
        try:
            while True:
                self._route(decode(await self._socket.recv()))
                while self._listener.is_crowded() and not self._requests:
                    self._relief.clear()
                    await self._relief.wait()
        except ConnectionClosed as e:
            self._lose(self._closed(e))
        except SessionError as e:
            self._lose(e)
            await self._socket.close()
        except Exception as e:  # noqa: BLE001 - whatever ends the reading must reach those who wait
            self._lose(SessionConnectionError(f"the connection was lost: {type(e).__name__}: {e}"))

    def _route(self, message: Data) -> None:
        kind: str = message["type"]
        data: Data = message["data"]
        number = message.get("request_id") or data.get("failed_request_id") or ""
        request = self._requests.get(number)
        if request is None or request.answer.done():
            self._listener.on_push(kind, data)
        elif kind in ERRORS:
            request.answer.set_exception(from_wire(data, kind=request.failure))
        elif kind in request.answers:
            self._answer(request, data)
        else:
            self._listener.on_push(kind, data)

    def _answer(self, request: _Request, data: Data) -> None:
        try:
            if request.on_answer is not None:
                request.on_answer(data)
        except SessionError as e:
            request.answer.set_exception(e)
        else:
            request.answer.set_result(data)

    def fail_requests(self, error: SessionError) -> None:
        """Let every request that waits for its answer fail."""
        for request in self._requests.values():
            if not request.answer.done():
                request.answer.set_exception(error)

    def _lose(self, error: SessionError) -> None:
        if self._lost is None:
            self._lost = error
            self.fail_requests(error)
            self._listener.on_lost(error)

    def _closed(self, closed: ConnectionClosed) -> SessionConnectionError:
        code = closed.rcvd.code if closed.rcvd is not None else None
        said = self.farewell or (closed.rcvd.reason if closed.rcvd is not None else "")
        return SessionConnectionError(
            f"the connection was lost: {_CODES.get(code, f'closed with code {code}')}"
            + (f": {said}" if said else ""),
            close_code=code,
        )


_CODES: dict[int | None, str] = {
    None: "it broke off without a word",
    1000: "the server closed it",
    1001: "the server went away",
    1008: "the server refuses more connections or requests (1008)",
    1011: "the server failed (1011)",
    1012: "the server restarts (1012)",
    4000: "the server refused the login or saw no activity (4000)",
    4001: "the server wants a token (4001)",
    4002: "the server refused the token (4002)",
    4003: "the token has expired (4003): log in again",
}
