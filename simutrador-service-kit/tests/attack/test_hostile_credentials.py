"""Credentials of every broken form: refused as a problem, never a crash, never in log or answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kit_auth import Clock
from kit_web import Log, logged
from kit_whole import Whole, next_address, opened

SECRET = "Zx9-HostileSecretThatNobodyMaySee-42"
Headers = list[tuple[bytes, bytes]]


def bearer(value: bytes) -> Headers:
    return [(b"Authorization", b"Bearer " + value)]


NAMED = SECRET.encode()
BROKEN: dict[str, Headers] = {
    "beyond ASCII": bearer(NAMED + "é€".encode()),
    "Latin-1": bearer(NAMED + b"\xe9\xff"),
    "a line break": bearer(NAMED + b"\nX-Admin: 1"),
    "a line break and return": bearer(b"a\r\nX-API-Key: " + NAMED),
    "NUL": bearer(b"\x00" + NAMED),
    "tabs": bearer(b"\t" + NAMED + b"\t"),
    "spaces inside": bearer(NAMED + b" " + NAMED),
    "dots alone": bearer(b".." + b"." * 50),
    "half a surrogate": bearer(b"\xed\xa0\x80." + NAMED + b".x"),
    "shape of a key, not of ASCII": bearer(b"sk_0123456789ab." + NAMED + b"\xe9"),
    "shape of a token, not of ASCII": bearer(b"eyJ\xe9." + NAMED + b".\xe9"),
    "60 kB": bearer(NAMED * 1700),
    "another scheme": [(b"Authorization", b"Basic " + NAMED)],
    "no scheme": [(b"Authorization", NAMED)],
    "scheme alone": [(b"Authorization", b"Bearer")],
    "empty": [(b"Authorization", b"")],
    "as a key": [(b"X-API-Key", NAMED + b"\xe9\n")],
    "in a cookie": [(b"Cookie", b"Authorization=Bearer%20" + NAMED)],
}


@pytest.fixture
def log() -> Iterator[Log]:
    with logged("DEBUG") as stream:
        yield stream


@pytest.fixture
def whole(tmp_path: Path, log: Log) -> Iterator[Whole]:
    with opened(tmp_path, clock=Clock()) as service:
        yield service


async def ask(whole: Whole, headers: Headers) -> httpx.Response:
    """Ask who one is, from an address that has not tried yet."""
    async with whole.client(next_address()) as client:
        return await client.get("/auth/me", headers=headers)


async def test_each_is_refused_as_a_problem_and_written_nowhere(whole: Whole, log: Log) -> None:
    for name, headers in BROKEN.items():
        answer = await ask(whole, headers)
        assert answer.status_code in {400, 401, 431}, (name, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json", name
        assert "Traceback" not in answer.text, name
        assert SECRET not in answer.text, name
    assert SECRET not in log.getvalue()
    assert not [line for line in log.lines if line["level"] in {"error", "critical"}]


async def test_two_authorizations_are_refused_though_one_is_good(whole: Whole) -> None:
    """A proxy may have judged the other one."""
    good, other = (whole.key("bars:read jobs:read").encode() for _ in range(2))
    for headers in (
        bearer(good) + bearer(other),
        bearer(good) + bearer(b"nonsense"),
        [(b"Authorization", b"Basic eDp5"), *bearer(good)],
        [(b"X-API-Key", good), (b"X-API-Key", other)],
    ):
        answer = await ask(whole, headers)
        assert answer.status_code == httpx.codes.UNAUTHORIZED, headers
        assert "send it once" in answer.json()["detail"]
    for headers in (bearer(good), [(b"X-API-Key", good)]):
        assert (await ask(whole, headers)).status_code == httpx.codes.OK
