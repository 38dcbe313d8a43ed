"""What happens to one question on its way to a vendor."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx
import msgspec
import pytest
from pydantic import SecretStr

from simutrador_core.errors import AuthenticationError, DataProviderError, RateLimitError
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    Retries,
    Timeouts,
    UnsafeAnswerError,
    VendorUnavailableError,
    decoded,
    raise_for_vendor_error,
    vendor_client,
)

KEY = "a-key-nobody-may-see"


def ok() -> httpx.Response:
    return httpx.Response(200, json={"n": 1})


def status(code: int, **headers: str) -> Callable[[], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(code, headers=named, json={"error": f"code {code}"})


def body(content: bytes, kind: str = "application/json", **headers: str) -> Callable[[], object]:
    named = {"content-type": kind, **{n.replace("_", "-"): v for n, v in headers.items()}}
    return lambda: httpx.Response(200, headers=named, stream=Pieces(content))


def failure(error: Exception) -> Callable[[], Exception]:
    return lambda: error


class Pieces(httpx.AsyncByteStream):
    def __init__(self, content: bytes, pause_s: float = 0.0) -> None:
        self.content, self.pause_s = content, pause_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.content), 65_536):
            await asyncio.sleep(self.pause_s)
            yield self.content[at : at + 65_536]


async def ask(access: ProviderAccess) -> int:
    async with vendor_client(access, provider="acme", headers={"X-Key": KEY}) as client:
        response = await client.get("/bars", params={"from": "1"})
    raise_for_vendor_error(response, provider="acme")
    return decoded(response, dict[str, int], provider="acme")["n"]


WRONG_CERTIFICATE = httpx.ConnectError("no")
WRONG_CERTIFICATE.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")

MENDED = {
    "408": status(408),
    "429": status(429),
    "429 with a wait": status(429, retry_after="0"),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "504": status(504),
    "connection refused": failure(httpx.ConnectError("refused")),
    "no connection in time": failure(httpx.ConnectTimeout("late")),
    "silence": failure(httpx.ReadTimeout("late")),
    "reset": failure(httpx.RemoteProtocolError("peer closed connection")),
    "HTML": body(b"<html>down</html>", "text/html"),
    "cut off": body(b'{"n": 1, "m": [1, 2'),
    "cut off when packed": body(gzip.compress(b'{"n": 1}')[:-9], content_encoding="gzip"),
    "not packed as said": body(b'{"n": 1}', content_encoding="gzip"),
    "empty": body(b""),
    "redirected in a circle": status(302, location="/v1/bars"),
}


@pytest.mark.parametrize("fault", MENDED.values(), ids=MENDED)
async def test_what_can_succeed_later_is_asked_again(vendor, fault) -> None:
    circle = [fault] * (4 if fault is MENDED["redirected in a circle"] else 1)
    made, access = vendor(*circle, ok)
    assert await ask(access) == 1
    assert len(made.asked) == len(circle) + 1


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 405, 422, 501])
async def test_what_cannot_succeed_later_is_asked_once(vendor, code) -> None:
    made, access = vendor(status(code))
    with pytest.raises(DataProviderError, match=f"code {code}"):
        await ask(access)
    assert len(made.asked) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (status(401), AuthenticationError),
        (status(403), AuthenticationError),
        (status(429, retry_after="0"), RateLimitError),
        (status(418, retry_after="7"), RateLimitError),
        (status(503), VendorUnavailableError),
        (failure(httpx.ReadTimeout("late")), VendorUnavailableError),
        (body(b"<html>", "text/html"), BadAnswerError),
        (status(302, location="https://elsewhere.example/v1/bars"), UnsafeAnswerError),
        (status(302, location="http://vendor.example/v1/bars"), UnsafeAnswerError),
        (failure(WRONG_CERTIFICATE), UnsafeAnswerError),
        (body(b'{"n": "one"}'), BadAnswerError),
    ],
)
async def test_what_stays_wrong_is_one_of_our_errors(vendor, fault, error) -> None:
    made, access = vendor(fault)
    with pytest.raises(error) as raised:
        await ask(access)
    assert raised.type is error
    assert len(made.asked) <= access.retries.attempts


async def test_a_wait_the_vendor_asks_for_is_kept(vendor) -> None:
    _, access = vendor(status(429, retry_after="1"), ok)
    begun = time.monotonic()
    assert await ask(access) == 1
    assert time.monotonic() - begun >= 1.0


async def test_a_wait_beyond_our_patience_is_reported_at_once(vendor) -> None:
    made, access = vendor(status(429, retry_after="3600"))
    with pytest.raises(RateLimitError) as raised:
        await ask(access)
    assert raised.value.retry_after == timedelta(hours=1)
    assert len(made.asked) == 1


async def test_a_slow_drip_ends_with_the_total_time(vendor) -> None:
    def drip() -> httpx.Response:
        stream = Pieces(b" " * 65_536 * 100, pause_s=0.05)
        return httpx.Response(200, headers={"content-type": "application/json"}, stream=stream)

    _, access = vendor(drip, retries=Retries(attempts=1), timeouts=Timeouts(total_s=0.1))
    with pytest.raises(VendorUnavailableError, match=r"0\.1 s"):
        await ask(access)


async def test_a_gzip_bomb_stops_at_the_bound(vendor) -> None:
    bomb = gzip.compress(gzip_of_zeros := b"0" * (80 * 1024**2), compresslevel=1)
    assert len(bomb) < len(gzip_of_zeros) // 100
    _, access = vendor(body(bomb, content_encoding="gzip"), retries=Retries(attempts=1))
    with pytest.raises(BadAnswerError, match="larger than 67,108,864 bytes"):
        await ask(access)


async def test_a_redirect_on_the_same_host_is_followed(vendor) -> None:
    made, access = vendor(status(307, location="/v2/bars?x=1"), ok)
    assert await ask(access) == 1
    assert str(made.asked[1].url) == "https://vendor.example/v2/bars?x=1"
    assert made.asked[1].headers["x-key"] == KEY


async def test_a_key_the_vendor_repeats_is_masked(vendor) -> None:
    made, access = vendor(lambda: httpx.Response(403, json={"error": f"no such key {KEY}"}))
    access = ProviderAccess(access.base_url, keys={"ACME__API_KEY": SecretStr(KEY)}, transport=made)
    with pytest.raises(AuthenticationError) as raised:
        await ask(access)
    assert "no such key" in str(raised.value)
    assert KEY not in str(raised.value)
    assert KEY not in repr(access)


async def test_a_word_too_short_for_a_key_is_left_in_the_answer(vendor) -> None:
    made, access = vendor(lambda: httpx.Response(200, json={"n": 1}))
    access = ProviderAccess(access.base_url, keys={"ACME__API_KEY": SecretStr("n")}, transport=made)
    assert await ask(access) == 1


async def test_numbers_and_text_of_an_answer_come_through_unchanged(vendor) -> None:
    text = '{"n": 1, "price": 0.1000000000000000055511151231257827, "name": "Ünïcode"}'
    _, access = vendor(body(gzip.compress(text.encode()), content_encoding="gzip"))
    async with vendor_client(access, provider="acme") as client:
        response = await client.get("/bars")
    assert msgspec.json.decode(response.content)["name"] == "Ünïcode"
    assert "content-encoding" not in response.headers


async def test_a_missing_key_names_the_setting_and_where_to_get_one() -> None:
    with pytest.raises(AuthenticationError, match=r"set ACME__API_KEY; .* at https://acme.example"):
        ProviderAccess("").key("ACME__API_KEY", provider="acme", url="https://acme.example")
