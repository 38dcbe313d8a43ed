"""A token is believed when we signed it, for us, for now; whatever else it is, it is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr

from kit_auth import SECRET, START, Clock, claims, forge, unsigned
from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.authenticator import Authenticator
from simutrador_service.auth.principal import Principal
from simutrador_service.auth.revocations import Revocations
from simutrador_service.auth.tokens import MAX_TOKEN, TokenError, TokenFault, Tokens
from simutrador_service.database import Database
from simutrador_service.errors import SettingsError, UnauthenticatedError

ANN = Principal("ann", frozenset({"bars:read"}), UserPlan.FREE, "acme")
AT = int(START.timestamp())
RSA_PUBLIC = (
    "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----\n"
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(SecretStr(SECRET), clock=clock)


def test_a_token_says_who_speaks(tokens: Tokens) -> None:
    grant = tokens.grant(tokens.issue(ANN))
    said = grant.principal
    assert (said.id, said.scopes, said.plan, said.tenant) == ("ann", ANN.scopes, ANN.plan, "acme")
    assert grant.expires_at == START + timedelta(minutes=15)


def test_a_token_made_by_hand_after_the_standard_is_understood(tokens: Tokens) -> None:
    assert tokens.verify(forge(claims())) == Principal(
        "u1", frozenset({"*:read"}), credential="0" * 32
    )


def test_a_venue_token_has_the_documented_claims(clock: Clock) -> None:
    import json
    from base64 import urlsafe_b64decode

    venue = Tokens(
        SecretStr(SECRET), issuer="simutrador-server", audience="simutrador-client", clock=clock
    )
    token = venue.issue(ANN, lifetime_s=3600)
    said = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    documented = {"sub", "user_id", "plan", "iat", "exp", "iss", "aud"}
    assert {name: said[name] for name in documented} == {
        "sub": "ann",
        "user_id": "ann",
        "plan": "free",
        "iat": AT,
        "exp": AT + 3600,
        "iss": "simutrador-server",
        "aud": "simutrador-client",
    }
    with pytest.raises(TokenError):
        Tokens(SecretStr(SECRET), clock=clock).verify(token)


REFUSED = {
    "no signature": unsigned(claims()),
    "none in capitals": forge(claims(), alg="NONE"),
    "RS256 header over our key": forge(claims(), alg="RS256"),
    "signed with a public key as secret": forge(claims(), secret=RSA_PUBLIC),
    "HS512": forge(claims(), alg="HS512"),
    "wrong key": forge(claims(), secret=SECRET[::-1]),
    "key id that is a path": forge(claims(), secret="", kid="../../../dev/null"),
    "key id that is SQL": forge(claims(), secret="x", kid="' UNION SELECT 'x' --"),
    "key it brings along": forge(claims(), secret="x", jwk={"kty": "oct", "k": "eA"}),
    "no exp": forge(claims(exp=None)),
    "no sub": forge(claims(sub=None)),
    "no jti": forge(claims(jti=None)),
    "no iat": forge(claims(iat=None)),
    "no audience": forge(claims(aud=None)),
    "other audience": forge(claims(aud="other")),
    "no issuer": forge(claims(iss=None)),
    "other issuer": forge(claims(iss="other")),
    "refresh used as access": forge(claims(type="refresh")),
    "no type": forge(claims(type=None)),
    "nbf in the future": forge(claims(nbf=AT + 31)),
    "iat in the future": forge(claims(iat=AT + 31)),
    "exp as text": forge(claims(exp=str(AT + 900))),
    "exp as float": forge(claims(exp=AT + 900.5)),
    "exp beyond all calendars": forge(claims(exp=10**30)),
    "exp not a number": forge(b'{"exp": NaN}'),
    "exp true": forge(claims(exp=True)),
    "scopes as text": forge(claims(scopes="*")),
    "scopes of numbers": forge(claims(scopes=[1])),
    "subject a number": forge(claims(sub=7)),
    "unknown plan": forge(claims(plan="gold")),
    "not an object": forge(b"[1]"),
    "not JSON": forge(b"{"),
    "deeply nested": forge(b"[" * 2500),
    "header deeply nested": "W1tb" * 800 + ".e30.AAAA",
    "no base64": "a b.c d.e f",
    "only dots": "..",
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
def test_a_forged_token_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(TokenError) as caught:
        tokens.verify(token)
    assert caught.value.fault is TokenFault.INVALID
    assert token not in str(caught.value)
    with pytest.raises(UnauthenticatedError):
        Authenticator(tokens).authenticate(token)


def test_any_change_of_a_character_is_refused(tokens: Tokens) -> None:
    good = tokens.issue(ANN)
    for place in range(0, len(good) - 1, 7):  # the very last holds bits that mean nothing
        wrong = "B" if good[place] == "A" else "A"
        with pytest.raises(TokenError):
            tokens.verify(good[:place] + wrong + good[place + 1 :])


@pytest.mark.parametrize(("late", "refused"), [(900, False), (929, False), (930, True)])
def test_thirty_seconds_of_leeway_for_clocks_that_differ(
    tokens: Tokens, clock: Clock, late: int, refused: bool
) -> None:
    token = tokens.issue(ANN)
    clock.advance(seconds=late)
    if not refused:
        assert tokens.verify(token).id == "ann"
        return
    with pytest.raises(TokenError, match="expired") as caught:
        tokens.verify(token)
    assert caught.value.fault is TokenFault.EXPIRED


def test_a_token_of_a_clock_slightly_ahead_is_believed(tokens: Tokens) -> None:
    assert tokens.verify(forge(claims(nbf=AT + 30, iat=AT + 30))).id == "u1"


def test_a_key_id_is_not_looked_at(tokens: Tokens) -> None:
    assert tokens.verify(forge(claims(), kid="../../etc/passwd")).id == "u1"


def test_a_huge_token_is_refused_before_it_is_read(tokens: Tokens) -> None:
    huge = forge(claims(extra="x" * 2**20))
    assert len(huge) > 2**20
    with pytest.raises(TokenError):
        tokens.verify(huge)
    assert not tokens.recognises(huge)
    fits = forge(claims(extra="x" * (MAX_TOKEN // 2)))
    assert tokens.verify(fits).id == "u1"


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_short_key_refuses_to_start(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"AUTH__JWT_SECRET has .* at least 32"):
        Tokens(SecretStr(secret))


def test_the_signing_key_is_never_shown(tokens: Tokens) -> None:
    assert SECRET not in repr(vars(tokens))


def test_a_revoked_token_is_refused_at_once(database: Database, clock: Clock) -> None:
    revocations = Revocations(database, clock=clock)
    tokens = Tokens(SecretStr(SECRET), revocations=revocations, clock=clock)
    one, two = tokens.issue(ANN, family="f" * 32), tokens.issue(ANN, family="e" * 32)
    grant = tokens.grant(one)
    assert tokens.recall(one) is not None
    revocations.revoke(grant.principal.credential or "", until=grant.expires_at)
    assert tokens.recall(one) is None
    with pytest.raises(TokenError, match="revoked"):
        tokens.verify(one)
    assert tokens.verify(two).id == "ann"
    revocations.revoke("e" * 32, until=grant.expires_at)
    with pytest.raises(TokenError, match="revoked"):
        tokens.verify(two)


def test_another_process_learns_of_it_within_two_seconds(database: Database, clock: Clock) -> None:
    elapsed = [0.0]
    here = Revocations(database, clock=clock)
    there = Revocations(database, clock=clock, monotonic=lambda: elapsed[0])
    assert not there.hold(["a"])
    here.revoke("a", until=START + timedelta(hours=1))
    elapsed[0] = 2.0
    assert there.hold(["a"])
    clock.advance(hours=2)
    assert here.purge() == 1
    elapsed[0] = 4.0
    assert not there.hold(["a"])
