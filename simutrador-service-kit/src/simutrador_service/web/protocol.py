"""The server's side of a connection: how long a request may take to arrive, and how many there are.

uvicorn waits for ever for the rest of a request. Here the headers have a deadline, a body has one
that moves on while bytes keep coming, and a full server makes room by cutting whoever has been slow
for longest, so that clients that send a byte now and then (slowloris) cannot keep others out.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from simutrador_service.config import ServerSection
from simutrador_service.logging.loggers import get_logger
from simutrador_service.problems import MEDIA_TYPE, Problem, make_problem
from simutrador_service.web.request_limits import too_large_headers

LEAST_BODY_RATE: Final = 1000  # bytes a second
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one connection may take; see `ServerSection` for the words."""

    header_timeout_s: float
    body_timeout_s: float
    max_header_bytes: int
    max_connections: int

    @classmethod
    def of(cls, server: ServerSection) -> SocketLimits:
        """Return those of the settings."""
        return cls(
            header_timeout_s=server.header_timeout_s,
            body_timeout_s=server.body_timeout_s,
            max_header_bytes=server.max_header_bytes,
            max_connections=server.max_connections,
        )


class _Awaits(Enum):
    """What the client owes us."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines; `guarded` makes the class for one server."""

    limits: ClassVar[SocketLimits]

    _awaits = _Awaits.HEAD
    deadline = math.inf
    _arrived = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first request; a full server makes room, or refuses."""
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > self.limits.max_connections and not self._make_room():
            self._refuse(
                make_problem(
                    503,
                    f"all {self.limits.max_connections} connections are in use; try again, or "
                    "raise MAX_CONNECTIONS in the service's settings",
                    code="too_many_connections",
                )
            )

    def data_received(self, data: bytes) -> None:
        """Take bytes; headers may not grow without end."""
        if self._awaits is _Awaits.NOTHING and self._is_idle():
            self._await_head()
        if self._awaits is _Awaits.HEAD:
            self._arrived += len(data)
        super().data_received(data)
        too_many = self._arrived > self.limits.max_header_bytes
        if self._awaits is _Awaits.HEAD and too_many and not self.transport.is_closing():
            self._refuse(too_large_headers(self.limits.max_header_bytes))

    def on_message_begin(self) -> None:
        """Wait for the headers of a request; several may have come in one packet."""
        super().on_message_begin()
        if self._awaits is not _Awaits.HEAD:
            self._await_head()
            self._arrived = 1  # its first bytes came with the end of the one before

    def on_headers_complete(self) -> None:
        """Start the application and wait for the body."""
        super().on_headers_complete()
        self._awaits, self._arrived = _Awaits.BODY, 0
        self.deadline = self.loop.time() + self.limits.body_timeout_s

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on; what arrives steadily may take its time."""
        super().on_body(body)
        self.deadline += len(body) / LEAST_BODY_RATE

    def on_message_complete(self) -> None:
        """Owe nothing: the application has all it needs."""
        super().on_message_complete()
        self._awaits, self.deadline = _Awaits.NOTHING, math.inf

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(make_problem(400, f"this is not HTTP ({msg}); check the client"))

    def cut_if_overdue(self, now: float) -> None:
        """Cut the connection when its request should have arrived by now, in loop time."""
        if now < self.deadline or self.transport.is_closing():
            return
        if self._awaits is _Awaits.BODY and self.flow.read_paused:
            self.deadline = now + self.limits.body_timeout_s  # it is we who do not read
            return
        self.cut()

    def _await_head(self) -> None:
        self._awaits, self._arrived = _Awaits.HEAD, 0
        self.deadline = self.loop.time() + self.limits.header_timeout_s

    def _is_idle(self) -> bool:
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    def _make_room(self) -> bool:
        """Cut the connection that has been waited for longest; return whether there was one."""
        slow = [
            other
            for other in self.connections
            if isinstance(other, GuardedProtocol)
            and other is not self
            and other.may_be_cut
            and not other.transport.is_closing()
        ]
        if not slow:
            return False
        min(slow, key=lambda other: other.deadline).cut()
        return True

    @property
    def may_be_cut(self) -> bool:
        """Whether nothing is lost: the request has not arrived, or there is none."""
        return self._awaits is not _Awaits.NOTHING or self._is_idle()

    def cut(self) -> None:
        """Say what did not arrive in time, and close."""
        what = "headers" if self._awaits is _Awaits.HEAD else "body"
        _log.debug("slow_client_cut", awaited=what, client=self.client)
        if self._awaits is not _Awaits.BODY and not self._arrived:
            self.transport.close()  # a browser connects ahead of need: nothing was asked
            return
        self._refuse(
            make_problem(
                408,
                f"the {what} of the request did not arrive in time; send it again, faster",
            )
        )

    def _refuse(self, problem: Problem) -> None:
        """Answer without the application, where no answer has begun, and close."""
        cycle: Any = self.cycle
        begun = cycle is not None and cycle.response_started and not cycle.response_complete
        if cycle is not None:
            cycle.disconnected = True  # whatever the application still says goes nowhere
            cycle.message_event.set()
        if not begun:
            body = problem.model_dump_json(exclude_none=True).encode()
            self.transport.write(
                STATUS_LINE[problem.status]
                + f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n".encode()
                + b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
                + body
            )
        self._awaits, self.deadline = _Awaits.NOTHING, math.inf
        self.transport.close()


def guarded(limits: SocketLimits) -> type[GuardedProtocol]:
    """Return the protocol class of a server with these limits."""
    return type("Guarded", (GuardedProtocol,), {"limits": limits})


__all__ = ["LEAST_BODY_RATE", "GuardedProtocol", "SocketLimits", "guarded"]
