"""A2: forged, stale and stolen tokens are refused; a refresh token used twice ends its log-in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from kit_auth import PASSWORD, SECRET, START, Clock, claims, forge, unsigned
from kit_whole import USERS, Whole, next_address, opened
from simutrador_core.testing.acceptance import Figure
from simutrador_service.auth import Role, Tokens, tokens
from simutrador_service.config import AuthSection, ServiceSettings, load
from simutrador_service.errors import SettingsError, UnauthenticatedError

OTHER_KEY = "another key of thirty-two bytes!"
PUBLIC_KEY = (
    "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----\n"
)
NOW = int(START.timestamp())


def signed(payload: dict[str, Any], *, digest: str, secret: str = SECRET, **header: Any) -> str:
    """Return a token whose HMAC uses another hash than its header, or than ours."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"typ": "JWT", **header}, payload)
    ]
    proof = hmac.new(secret.encode(), b".".join(parts), digest).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(proof).rstrip(b"=")]).decode()


def tampered() -> str:
    """Return a real token whose claims were exchanged for an admin's."""
    head, _, proof = forge(claims()).split(".")
    richer = base64.urlsafe_b64encode(json.dumps(claims(scopes=["*"])).encode()).rstrip(b"=")
    return f"{head}.{richer.decode()}.{proof}"


GOOD = forge(claims())
FORGED = {
    "alg none": unsigned(claims()),
    "alg None, capital": forge(claims(), alg="None"),
    "alg nOnE without signature": forge(claims(), alg="nOnE").rpartition(".")[0] + ".",
    "alg none with the right signature": forge(claims(), alg="none"),
    "alg empty": forge(claims(), alg=""),
    "alg a list": forge(claims(), alg=["HS256", "none"]),
    "no alg": signed(claims(), digest="sha256"),
    "RS256 over our own key": forge(claims(), alg="RS256"),
    "RS256 over a public key": forge(claims(), alg="RS256", secret=PUBLIC_KEY),
    "HS256 over a public key": forge(claims(), secret=PUBLIC_KEY),
    "ES256 over our own key": forge(claims(), alg="ES256"),
    "HS512 with our key": signed(claims(), digest="sha512", alg="HS512"),
    "HS384 with our key": signed(claims(), digest="sha384", alg="HS384"),
    "wrong key": forge(claims(), secret=OTHER_KEY),
    "empty key": forge(claims(), secret=""),
    "our key, cut": forge(claims(), secret=SECRET[:-1]),
    "claims exchanged": tampered(),
    "signature cut": GOOD[:-1],
    "signature gone": GOOD.rpartition(".")[0] + ".",
    "kid of an empty file": forge(claims(), secret="", kid="../../../../../../dev/null"),
    "kid of a readable file": forge(claims(), secret="127.0.0.1", kid="../../../etc/hosts"),
    "kid with SQL": forge(claims(), secret="k", kid="x' UNION SELECT 'k' -- "),
    "kid with a shell": forge(claims(), secret="k", kid="|echo k"),
    "jwk brings its key": forge(claims(), secret=OTHER_KEY, jwk={"kty": "oct", "k": OTHER_KEY}),
    "jku names a server": forge(claims(), secret=OTHER_KEY, jku="http://127.0.0.1:9/keys"),
    "1 MiB, validly signed": forge(claims(filler="x" * 2**20)),
    "1 MiB of header": forge(claims(), filler="x" * 2**20),
    "1 MiB of dots": "." * 2**20,
    "deep claims": forge(b'{"a":' * 500 + b"1" + b"}" * 500),
    "no JSON": forge(b"not json"),
    "a list": forge([claims()]),
}
MISUSED = {
    "expired": forge(claims(iat=NOW - 2000, nbf=NOW - 2000, exp=NOW - 31)),
    "expired long ago": forge(claims(exp=0)),
    "nbf in the future": forge(claims(nbf=NOW + 31)),
    "iat in the future": forge(claims(iat=NOW + 31)),
    "no exp": forge(claims(exp=None)),
    "exp is a text": forge(claims(exp=str(NOW + 900))),
    "exp never": forge(claims(exp=2**63)),
    "exp a float": forge(claims(exp=1e300)),
    "no iat": forge(claims(iat=None)),
    "no jti": forge(claims(jti=None)),
    "no sub": forge(claims(sub=None)),
    "no aud": forge(claims(aud=None)),
    "no iss": forge(claims(iss=None)),
    "other aud": forge(claims(aud="another-service")),
    "other iss": forge(claims(iss="another-issuer")),
    "a refresh token's type": forge(claims(type="refresh")),
    "scopes a text": forge(claims(scopes="*")),
    "revoked jti": forge(claims(jti="f" * 32)),
}


@contextmanager
def believe_whatever_is_signed_or_not() -> Iterator[None]:
    """Decode without checking the signature."""
    real = tokens._jwt.decode

    def decode(token: str, *_: Any, options: Any, **others: Any) -> Any:
        return real(token, options={**options, "verify_signature": False}, **others)

    with patch.object(tokens._jwt, "decode", decode):
        yield


@contextmanager
def tell_no_time() -> Iterator[None]:
    """Leave so much room that no token is early or late."""
    with patch.object(tokens, "LEEWAY_S", 2**40):
        yield


@contextmanager
def keep_the_family() -> Iterator[None]:
    """Refuse the second use and let the thief's own descendants live."""
    with patch("simutrador_service.auth.logins.end_family"):
        yield


@contextmanager
def accept_any_key() -> Iterator[None]:
    """Take whatever PyJWT takes: it only warns."""
    with patch.object(tokens, "LEAST_SECRET_BYTES", 1):
        yield


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with opened(tmp_path, clock=Clock()) as service:
        yield service


async def accepted(whole: Whole, cases: dict[str, str]) -> list[str]:
    """Return the cases that got in anywhere: by header, as a key, or through a handshake's call."""
    found: list[str] = []
    for name, token in cases.items():
        # An address that tries many is kept waiting (A9), so each case comes from its own.
        async with whole.client(next_address()) as client:
            begun = time.perf_counter()
            for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": token}):
                answer = await client.get("/auth/me", headers=headers)
                if answer.status_code not in {401, 431} or token in answer.text:
                    found.append(f"{name}: {answer.status_code}")
            try:
                whole.app.state.authenticator.authenticate(token)
                found.append(f"{name}: authenticated")
            except UnauthenticatedError:
                pass
            if time.perf_counter() - begun > 1:
                found.append(f"{name}: took more than a second")
    return found


async def gets_in(whole: Whole, token: str) -> bool:
    async with whole.client(next_address()) as client:
        answer = await client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


@pytest.mark.acceptance("A2", package="service-kit", breaks=believe_whatever_is_signed_or_not)
async def test_no_forged_token_gets_in(whole: Whole, figure: Figure) -> None:
    assert await gets_in(whole, GOOD)
    assert await accepted(whole, FORGED) == []
    figure(f"{len(FORGED)} forged tokens, 3 ways each: all refused")


@pytest.mark.acceptance("A2", package="service-kit", breaks=tell_no_time)
async def test_no_token_works_outside_its_time_and_place(whole: Whole, figure: Figure) -> None:
    whole.accounts.revocations.revoke("f" * 32, until=START.replace(year=2027))
    assert await gets_in(whole, GOOD)
    assert await gets_in(whole, forge(claims(exp=NOW - 29, iat=NOW - 900, nbf=NOW - 900)))
    assert await accepted(whole, MISUSED) == []
    figure(f"{len(MISUSED)} tokens out of time, place or shape, and one revoked: all refused")


@pytest.mark.acceptance("A2", package="service-kit", breaks=keep_the_family)
async def test_a_refresh_token_used_twice_ends_its_log_in_alone(
    whole: Whole, figure: Figure
) -> None:
    async with whole.client() as client:
        login = {"username": USERS[Role.TRADER], "password": PASSWORD}
        stolen, other = [(await client.post("/auth/token", json=login)).json() for _ in range(2)]
        chain = [stolen]
        for _ in range(3):
            asked = {"refresh_token": chain[-1]["refresh_token"]}
            chain.append((await client.post("/auth/refresh", json=asked)).json())
        asked = {"refresh_token": stolen["refresh_token"]}
        assert (await client.post("/auth/refresh", json=asked)).status_code == 401
        for pair in chain:
            assert not await gets_in(whole, pair["access_token"])
            asked = {"refresh_token": pair["refresh_token"]}
            assert (await client.post("/auth/refresh", json=asked)).status_code == 401
        assert await gets_in(whole, other["access_token"])
    figure(f"{len(chain)} access and refresh tokens of the log-in ended; another log-in lives on")


class Service(ServiceSettings):
    """The settings of a service with nothing but a signing key."""

    model_config = ConfigDict(frozen=True)
    auth: AuthSection = AuthSection()


@pytest.mark.acceptance("A2", package="service-kit", breaks=accept_any_key)
def test_a_signing_key_below_32_bytes_keeps_the_service_from_starting(
    figure: Figure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for length in (1, 16, 31):
        short = hashlib.sha256(b"short").hexdigest()[:length]
        monkeypatch.setenv("AUTH__JWT_SECRET", short)
        with pytest.raises(SettingsError, match="AUTH__JWT_SECRET") as from_settings:
            load(Service)
        with pytest.raises(SettingsError, match="AUTH__JWT_SECRET") as from_tokens:
            Tokens(SecretStr(short))
        for told in (from_settings, from_tokens):
            assert "32" in str(told.value)
            assert short not in str(told.value).split()
    monkeypatch.setenv("AUTH__JWT_SECRET", SECRET)
    assert isinstance(load(Service), BaseModel)
    figure("keys of 1, 16 and 31 bytes refused by settings and by the signer; 32 accepted")
