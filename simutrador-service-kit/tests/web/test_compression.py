"""Compression by Accept-Encoding."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
import zstandard

from kit_service import LONG, demo_app
from simutrador_service.web import matches
from simutrador_service.web.encodings import choose_encoding


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(demo_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as opened:
        yield opened


async def raw(client: httpx.AsyncClient, path: str, accept: str) -> tuple[httpx.Response, bytes]:
    """Return an answer with its bytes as they were sent."""
    async with client.stream("GET", path, headers={"Accept-Encoding": accept}) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip", "gzip"),
        ("gzip;q=1, zstd;q=0.5", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("identity", None),
        ("br", None),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=x", None),
        ("", None),
        (";;q=,,", None),
    ],
)
def test_the_client_chooses(accept: str, encoding: str | None) -> None:
    assert choose_encoding(accept) == encoding


async def test_a_text_is_sent_compressed_and_reads_back(client: httpx.AsyncClient) -> None:
    answer, body = await raw(client, "/long", "gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(body) < len(LONG) / 10
    assert gzip.decompress(body).decode() == LONG
    answer, body = await raw(client, "/long", "zstd")
    assert answer.headers["content-encoding"] == "zstd"
    assert zstandard.ZstdDecompressor().decompressobj().decompress(body).decode() == LONG


async def test_without_a_wish_nothing_is_compressed_but_caches_are_told(
    client: httpx.AsyncClient,
) -> None:
    answer, body = await raw(client, "/long", "identity")
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert body.decode() == LONG


async def test_what_a_route_says_of_caches_is_not_said_twice(client: httpx.AsyncClient) -> None:
    for accept in ("identity", "gzip"):
        answer, _ = await raw(client, "/varied", accept)
        assert answer.headers["vary"] == "accept-encoding, Accept"


@pytest.mark.parametrize("path", ["/short", "/binary"])
async def test_what_would_not_shrink_is_left_alone(client: httpx.AsyncClient, path: str) -> None:
    answer, body = await raw(client, path, "gzip")
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(body)


async def test_a_stream_is_compressed_part_by_part(client: httpx.AsyncClient) -> None:
    answer, body = await raw(client, "/lines", "gzip")
    assert "content-length" not in answer.headers
    assert gzip.decompress(body) == b'{"n":0}\n{"n":1}\n{"n":2}\n'


async def test_a_compressed_answer_has_the_weak_tag(client: httpx.AsyncClient) -> None:
    plain, _ = await raw(client, "/long", "identity")
    small, _ = await raw(client, "/long", "zstd")
    assert (plain.headers["etag"], small.headers["etag"]) == ('"v1"', 'W/"v1"')


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ('"v1"', True),
        ('W/"v1"', True),
        ('"v0", W/"v1"', True),
        ("*", True),
        ('"v2"', False),
        ("", False),
        (None, False),
    ],
)
def test_tags_are_compared_weakly(header: str | None, answer: bool) -> None:
    assert matches(header, '"v1"') is answer


async def test_head_says_what_get_would(client: httpx.AsyncClient) -> None:
    answer = await client.head("/long", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert answer.content == b""
