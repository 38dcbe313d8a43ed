"""Tokens of the venue: what is refused, and with which close code."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from simutrador_core.models.enums import UserPlan
from simutrador_server.auth.door import Door, NotAdmittedError, opened_accounts
from simutrador_server.auth.user import User
from simutrador_server.core.settings import Settings, VenueSettings
from simutrador_service.auth import Principal
from venue_fixtures import ALICE, NOW, PRINCIPAL, SECRET, Clock, opened_door

CLAIMS: dict[str, Any] = {
    "sub": "alice",
    "jti": "0123456789abcdef",
    "type": "access",
    "plan": "professional",
    "scopes": ["simulations:write"],
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 3600,
    "iss": "simutrador-server",
    "aud": "simutrador-client",
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(tmp_path: Path, clock: Clock) -> Iterator[Door]:
    with opened_door(tmp_path, clock) as one:
        yield one


def signed(algorithm: str = "HS256", **changes: Any) -> str:
    claims = {key: value for key, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, SECRET, algorithm=algorithm)


async def test_token_grants_what_its_claims_say(door: Door) -> None:
    visit = await door.admit(signed())
    assert (visit.user, visit.expires_at.timestamp()) == (ALICE, NOW.timestamp() + 3600)


async def test_key_without_a_plan_is_professional(door: Door) -> None:
    token = door.tokens.issue(Principal("bob", PRINCIPAL.scopes))
    assert (await door.admit(token)).user == User("bob", UserPlan.PROFESSIONAL)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"plan": "gold"},
        {"exp": None},
        {"iat": None},
        {"aud": None},
        {"sub": None},
        {"exp": "soon"},
        {"exp": 10**18},
        {"iat": int(NOW.timestamp()) + 60},
        {"nbf": int(NOW.timestamp()) + 60},
        {"algorithm": "HS384"},
        {"scopes": ["bars:read"]},
        {"scopes": None},
    ],
)
async def test_token_that_says_something_else_is_invalid(
    door: Door, changes: dict[str, Any]
) -> None:
    with pytest.raises(NotAdmittedError) as caught:
        await door.admit(signed(**changes))
    assert caught.value.close_code == 4002


async def test_token_lives_as_long_as_it_says_and_half_a_minute(door: Door, clock: Clock) -> None:
    token = signed()
    clock.pass_time(seconds=3629)
    assert (await door.admit(token)).user == ALICE
    clock.pass_time(seconds=1)
    with pytest.raises(NotAdmittedError) as caught:
        await door.admit(token)
    assert caught.value.close_code == 4003


async def test_error_does_not_repeat_the_token(door: Door) -> None:
    with pytest.raises(NotAdmittedError) as caught:
        await door.admit("secret-looking-thing")
    assert "secret-looking-thing" not in str(caught.value)


def test_folder_of_keys_and_its_files_are_private(tmp_path: Path) -> None:
    settings = Settings(venue=VenueSettings(data_path=tmp_path / "venue"))
    with opened_accounts(settings):
        secret = tmp_path / "venue" / "jwt-secret"
        assert stat.S_IMODE((tmp_path / "venue").stat().st_mode) == 0o700
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert len(secret.read_text().strip().encode()) >= 32
