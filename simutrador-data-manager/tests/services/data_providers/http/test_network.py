"""The way to a vendor: straight, or through the proxy the environment names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import Retries, vendor_client

BODY = b'{"n": 1}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, list[str]]]:
    """Yield the address of a server, and the first lines of what it is asked."""
    lines: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode())
        writer.write(HEAD + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    made = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = made.sockets[0].getsockname()
    yield f"{host}:{port}", lines
    made.close()
    await made.wait_closed()


async def ask(url: str) -> None:
    async with vendor_client(
        ProviderAccess(url, retries=Retries(attempts=1)), provider="acme"
    ) as client:
        assert (await client.get("/bars")).content == BODY


@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_a_proxy_of_the_environment_is_used(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    address, lines = server
    monkeypatch.setenv("http_proxy", f"{scheme}{address}")
    monkeypatch.setenv("no_proxy", "other.example")
    await ask("http://vendor.example/v1")
    assert lines == ["GET http://vendor.example/v1/bars HTTP/1.1"]


async def test_this_machine_needs_no_proxy(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, lines = server
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    await ask(f"http://{address}")
    assert lines == ["GET /bars HTTP/1.1"]
