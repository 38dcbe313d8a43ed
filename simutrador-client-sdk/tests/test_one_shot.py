"""Questions over a socket of their own."""

from __future__ import annotations

import pytest

from peer import Peer, serving, signed_in
from simutrador_client.errors import SessionConnectionError, SessionError, SessionProtocolError
from simutrador_client.one_shot import SessionClient, health
from venue_double import TOKEN, venue_double


async def test_sessions_are_made_shown_listed_and_deleted() -> None:
    async with venue_double([]) as double:
        client = SessionClient(auth=signed_in(TOKEN), base_ws_url=double.ws_url)
        made = await client.create(
            symbols=["AAPL"], start_date="2023-01-02", end_date="2023-02-01", initial_capital=1000
        )
        assert made["session_id"] == "s2"
        assert (await client.get("s2"))["symbols"] == ["AAPL"]
        assert [each["session_id"] for each in await client.list()] == ["s1", "s2"]
        await client.delete("s2")
        with pytest.raises(SessionError, match="SESSION_NOT_FOUND"):
            await client.get("s2")


async def test_pushes_do_not_disturb_a_question() -> None:
    async def script(peer: Peer) -> None:
        await peer.send("connection_ready", {})
        message = await peer.expect("list_sessions")
        await peer.send("sessions_list", {"sessions": []}, message["request_id"])

    async with serving(script) as url:
        assert await SessionClient(auth=signed_in(), base_ws_url=url).list() == []


async def test_health_that_is_none_is_a_protocol_error() -> None:
    async def script(peer: Peer) -> None:
        await peer.send("tick", {})

    async with serving(script) as url:
        with pytest.raises(SessionProtocolError, match="sent tick"):
            await health(url)


async def test_a_server_that_hangs_up_has_no_health() -> None:
    async def script(peer: Peer) -> None:
        await peer.socket.close()

    async with serving(script) as url:
        with pytest.raises(SessionConnectionError, match="broke off"):
            await health(url)
