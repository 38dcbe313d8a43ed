"""Runs a venue until it is stopped, and says where it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from simutrador_server.main import Addresses, serving
from simutrador_service.web.serving import loop_factory, stop_event

if TYPE_CHECKING:
    from simutrador_server.api.state import Venue
    from simutrador_server.core.settings import VenueSettings


def run(venue: Venue, settings: VenueSettings, announce: Callable[[Addresses], None]) -> None:
    """Serve both ports until interrupted; `announce` is called once they listen.

    Raises:
        PortTakenError: another program listens there.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(venue, settings, announce))


async def _serve(
    venue: Venue, settings: VenueSettings, announce: Callable[[Addresses], None]
) -> None:
    stopped = stop_event()  # first, so that whoever reads the announcement can stop it
    async with serving(venue, settings) as addresses:
        announce(addresses)
        await stopped.wait()
