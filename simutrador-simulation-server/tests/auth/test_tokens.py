"""Tokens: what is refused, and with which close code."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from simutrador_server.auth.tokens import TokenError, Tokens, load_secret
from venue_fixtures import ALICE, NOW, SECRET

TOKENS = Tokens(SECRET, lifetime=timedelta(hours=1))
CLAIMS: dict[str, Any] = {
    "sub": "alice",
    "user_id": "alice",
    "plan": "professional",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 3600,
    "iss": "simutrador-server",
    "aud": "simutrador-client",
}


def signed(algorithm: str = "HS256", **changes: Any) -> str:
    claims = {key: value for key, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, SECRET, algorithm=algorithm)


def test_token_grants_what_was_issued() -> None:
    grant = TOKENS.verify(TOKENS.issue(ALICE, now=NOW), now=NOW)
    assert grant.principal == ALICE
    assert grant.expires_at == NOW + timedelta(hours=1)


def test_token_of_another_maker_with_the_same_secret_is_accepted() -> None:
    assert TOKENS.verify(signed(), now=NOW).principal == ALICE


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"plan": "gold"},
        {"exp": None},
        {"iat": None},
        {"aud": None},
        {"user_id": None},
        {"exp": "soon"},
        {"exp": 10**18},
        {"iat": int(NOW.timestamp()) + 60},
        {"nbf": int(NOW.timestamp()) + 60},
        {"algorithm": "HS384"},
    ],
)
def test_token_that_says_something_else_is_invalid(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenError) as caught:
        TOKENS.verify(signed(**changes), now=NOW)
    assert caught.value.close_code == 4002


def test_token_lives_exactly_as_long_as_it_says() -> None:
    token = TOKENS.issue(ALICE, now=NOW)
    assert TOKENS.verify(token, now=NOW + timedelta(seconds=3599)).principal == ALICE
    with pytest.raises(TokenError) as caught:
        TOKENS.verify(token, now=NOW + timedelta(seconds=3600))
    assert caught.value.close_code == 4003


def test_error_does_not_repeat_the_token() -> None:
    with pytest.raises(TokenError) as caught:
        TOKENS.verify("secret-looking-thing", now=NOW)
    assert "secret-looking-thing" not in str(caught.value)


def test_secret_of_a_folder_is_made_once_and_private(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret.encode()) >= 32
    assert load_secret(tmp_path) == secret
    assert load_secret(tmp_path / "other") != secret
    assert stat.S_IMODE((tmp_path / "jwt-secret").stat().st_mode) == 0o600
