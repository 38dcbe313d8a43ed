"""`Talk`: carries text between one socket and one conversation, and lets the clock run.

Whoever has something to say puts it into one queue, so that messages leave in the order in which
they were made, whatever waits for the network.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from starlette.types import Receive, Send

from simutrador_server.services.bars import BarLoader
from simutrador_server.simulation.conversation import Conversation
from simutrador_server.simulation.setup import Refusal

TICKS_AT_A_TIME: Final = 32
"""Ticks pushed without acknowledgement before other connections get their turn."""


class Talk:
    """One connection while it lasts."""

    def __init__(
        self,
        conversation: Conversation,
        loader: BarLoader,
        receive: Receive,
        send: Send,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._conversation = conversation
        self._loader = loader
        self._receive = receive
        self._send = send
        self._now = now
        self._outbox: deque[str] = deque()
        self._sending = asyncio.Lock()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Talk until the client leaves or the conversation closes."""
        await self._say(self._conversation.greet(self._now()))
        tasks = {asyncio.create_task(self._listen()), asyncio.create_task(self._drive())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _listen(self) -> None:
        """Answer each frame, and let the tick that it permits follow at once."""
        conversation = self._conversation
        while conversation.closing is None:
            event = await self._receive()
            if event["type"] != "websocket.receive":
                return
            text = event.get("text")
            now = self._now()
            out = conversation.receive(event["bytes"] if text is None else text, now)
            if conversation.wanted is not None:
                out += await self._load()
            if conversation.may_tick(now):
                out += conversation.next_tick(now)
            if out:
                await self._say(out)
            if conversation.stirred or conversation.may_tick(now):
                conversation.stirred = False
                self._wake.set()

    async def _load(self) -> list[str]:
        """Read the bars that a message asked for."""
        wanted, self._conversation.wanted = self._conversation.wanted, None
        assert wanted is not None, "only called when bars are wanted"
        try:
            made = await asyncio.to_thread(self._loader.load, wanted, now=self._now())
        except Refusal as why:
            return self._conversation.refused(wanted, why, self._now())
        return self._conversation.loaded(wanted, made, self._now())

    async def _drive(self) -> None:
        """Push ticks that need no frame, warn, and close when the time is over."""
        conversation = self._conversation
        while conversation.closing is None:
            await self._tick()
            await self._say(conversation.check(self._now()))
            delay = (conversation.wakes_at() - self._now()).total_seconds()
            if conversation.closing is None:
                await self._sleep(max(delay, 0.0))

    async def _tick(self) -> None:
        pushed = 0
        while self._conversation.may_tick(now := self._now()):
            await self._say(self._conversation.next_tick(now))
            pushed += 1
            if pushed % TICKS_AT_A_TIME == 0:
                await asyncio.sleep(0)

    async def _sleep(self, delay_s: float) -> None:
        """Wait until something is due, or until a frame made it due earlier."""
        try:
            async with asyncio.timeout(delay_s):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _say(self, messages: list[str]) -> None:
        self._outbox.extend(messages)
        async with self._sending:
            while self._outbox:
                await self._send({"type": "websocket.send", "text": self._outbox.popleft()})
