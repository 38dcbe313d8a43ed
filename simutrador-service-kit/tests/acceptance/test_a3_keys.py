"""A3: only a whole and living key gets in, sees its own tenant, and time tells nothing of it."""

from __future__ import annotations

import gc
import random
import statistics
import string
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest

from kit_auth import Clock
from kit_whole import Whole, next_address, opened
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_service.auth import Authenticator, KeyStore, Principal, keys, new_keys
from simutrador_service.auth import key_routes as routes
from simutrador_service.errors import UnauthenticatedError

SAMPLES = at_scale(600, 10_000)
ALPHABET = string.ascii_letters + string.digits + "-_"
LEAST_Z, LEAST_S = 5.0, 2e-6


@contextmanager
def look_at_the_public_half_alone() -> Iterator[None]:
    """Believe whoever knows the prefix, which is shown in lists and logs."""
    with patch.object(keys.hmac, "compare_digest", lambda _a, _b: True):
        yield


@contextmanager
def show_keys_of_every_tenant() -> Iterator[None]:
    """Forget to ask whose tenant a key belongs to."""
    with patch.object(routes, "_is_visible", lambda _key, _caller: True):
        yield


@contextmanager
def compare_character_by_character() -> Iterator[None]:
    """Keep the keys themselves, and stop at the first character that differs."""
    real = KeyStore.verify

    def verify(self: KeyStore, credential: str) -> Principal:
        for given, kept in zip(credential, PLAIN.get("key", ""), strict=False):
            if given != kept:
                raise UnauthenticatedError("wrong")
            sha256(given.encode()).digest()  # a microsecond, as on a slow machine
        return real(self, credential)

    with patch.object(KeyStore, "verify", verify):
        yield


PLAIN: dict[str, str] = {}


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with opened(tmp_path, clock=Clock()) as service:
        yield service


def wrong_keys(whole: Whole) -> dict[str, str]:
    """Return what is nearly a key, by what is wrong with it."""
    key = whole.key("*")
    prefix, _, secret = key.partition(".")
    other = whole.key("*").partition(".")[2]
    revoked, ended = whole.key("*"), whole.accounts.keys.create("ann", scopes=["*"])
    whole.accounts.keys.revoke(revoked.partition(".")[0])
    rotated = whole.key("*")
    whole.accounts.keys.rotate(rotated.partition(".")[0])
    mortal = whole.accounts.keys.create("ann", scopes=["*"], lifetime=timedelta(seconds=1)).key
    swapped = secret.swapcase() if secret.swapcase() != secret else secret[::-1]
    return {
        "one character changed": f"{prefix}.{changed(secret, 42)}",
        "first character changed": f"{prefix}.{changed(secret, 0)}",
        "secret of another key": f"{prefix}.{other}",
        "unknown prefix": f"sk_{'0' * 12}.{secret}",
        "capitals": f"{prefix}.{swapped}",
        "prefix in capitals": f"{prefix.upper()}.{secret}",
        "secret cut": key[:-1],
        "secret empty": f"{prefix}.",
        "prefix alone": prefix,
        "secret alone": secret,
        "one more": key + "A",
        "a line feed at the end": key + "\n",
        "a NUL in the middle": f"{prefix}.\0{secret[1:]}",
        "two keys": f"{key},{whole.key('*')}",
        "SQL": f"{prefix}' OR '1'='1.{secret}",
        "like": f"sk_%.{secret}",
        "look-alike letters": key.replace("s", "\u0455", 1),
        "the kept hash": f"{prefix}.{new_keys.digest_of(key)[:43]}",
        "revoked": revoked,
        "rotated": rotated,
        "expired": mortal,
        "1 MiB": key + "A" * 2**20,
        "of another service": f"{ended.kept.prefix}.{secret}",
    }


def changed(text: str, place: int) -> str:
    """Return the text with one other character."""
    instead = "A" if text[place] != "A" else "B"
    return text[:place] + instead + text[place + 1 :]


@pytest.mark.acceptance("A3", package="service-kit", breaks=look_at_the_public_half_alone)
async def test_only_a_whole_and_living_key_gets_in(whole: Whole, figure: Figure) -> None:
    cases = wrong_keys(whole)
    clock = whole.accounts.keys.clock
    assert isinstance(clock, Clock)
    clock.advance(seconds=2)
    authenticator: Authenticator = whole.app.state.authenticator
    assert authenticator.authenticate(whole.key("*")).id == "ann"
    got_in: list[str] = []
    for name, key in cases.items():
        with suppress(UnauthenticatedError):
            authenticator.authenticate(key)
            got_in.append(name)
        if not key.isascii() or not key.isprintable():
            continue  # no client can put it into a header
        async with whole.client(next_address()) as client:  # many from one have to wait
            for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
                answer = await client.get("/auth/me", headers=headers)
                if answer.status_code not in {401, 431} or key in answer.text:
                    got_in.append(f"{name}: {answer.status_code}")
    assert got_in == []
    figure(f"{len(cases)} wrong keys refused in every place a key may stand")


@pytest.mark.acceptance("A3", package="service-kit", breaks=show_keys_of_every_tenant)
async def test_a_tenant_reaches_no_other_tenant(whole: Whole, figure: Figure) -> None:
    boss = {"X-API-Key": whole.key("*", owner="boss", tenant="acme")}
    own = whole.key("bars:read", tenant="acme").partition(".")[0]
    others = [
        whole.key("bars:read", owner=owner, tenant=tenant).partition(".")[0]
        for owner in ("ann", "boss")
        for tenant in ("umbrella", None)
    ]
    async with whole.client() as client:
        for owner in ("*", "ann", "boss"):
            listed = (await client.get(f"/auth/keys?owner={owner}", headers=boss)).json()
            assert not {key["prefix"] for key in listed} & set(others)
            assert {key["tenant"] for key in listed} == {"acme"}
        for prefix in others:
            for answer in (
                await client.delete(f"/auth/keys/{prefix}", headers=boss),
                await client.post(f"/auth/keys/{prefix}/rotate", json={}, headers=boss),
            ):
                assert (answer.status_code, answer.json()["code"]) == (404, "unknown_key")
        for path in ("/auth/users", "/auth/audit"):
            assert (await client.get(path, headers=boss)).status_code == 403
        assert (await client.delete(f"/auth/keys/{own}", headers=boss)).status_code == 204
    for prefix in others:
        assert whole.accounts.keys.get(prefix).revoked_at is None
    figure(f"{len(others)} keys of other tenants: unseen, not renewed, not ended")


def sample(store: KeyStore, classes: Sequence[Sequence[str]]) -> list[list[float]]:
    """Return the seconds each guess of each class takes, classes mixed in every round."""
    chance, took = random.Random(7), [[0.0] * len(one) for one in classes]
    for number in range(len(classes[0])):
        order = list(range(len(classes)))
        chance.shuffle(order)
        for which in order:
            guess = classes[which][number]
            begun = time.perf_counter()
            with suppress(UnauthenticatedError):
                store.verify(guess)
            took[which][number] = time.perf_counter() - begun
    return took


def difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Return how many seconds two classes differ, and in how many standard errors.

    Each guess is paired with its neighbour of the other class, so what the machine does beside it
    weighs on both; the middle half of the differences is looked at, so that a pause weighs nothing.
    """
    pairs = sorted(a - b for a, b in zip(one, other, strict=True))
    middle = pairs[len(pairs) // 4 : -len(pairs) // 4]
    spread = statistics.stdev(pairs[len(pairs) // 10 : -len(pairs) // 10])
    mean = statistics.fmean(middle)
    return mean, abs(mean) / (spread / len(pairs) ** 0.5)


@pytest.mark.acceptance("A3", package="service-kit", breaks=compare_character_by_character)
def test_time_tells_nothing_of_a_key(whole: Whole, figure: Figure) -> None:
    key = whole.key("*")
    PLAIN["key"] = key
    prefix, _, secret = key.partition(".")
    chance = random.Random(3)

    def guesses(known: int, start: str = prefix) -> list[str]:
        """Return guesses that begin with so many right characters."""
        rest = "".join
        return [
            f"{start}.{secret[:known]}{rest(chance.choices(ALPHABET, k=43 - known))}"
            for _ in range(SAMPLES)
        ]

    classes = {
        "nothing right": guesses(0),
        "half right": guesses(21),
        "nearly all right": guesses(40),
        "unknown prefix": guesses(40, f"sk_{'0' * 12}"),
    }
    gc.collect()
    gc.disable()
    try:
        first, *others = sample(whole.accounts.keys, list(classes.values()))
    finally:
        gc.enable()
    found = [difference(other, first) for other in others]
    shown = ", ".join(f"{mean * 1e6:+.1f} us (z {z:.1f})" for mean, z in found)
    # A difference counts when it is sure and as large as could be told over any network.
    assert not any(abs(mean) > LEAST_S and z > LEAST_Z for mean, z in found), shown
    figure(f"{SAMPLES} guesses of each of {len(classes)} kinds differ by {shown}")
