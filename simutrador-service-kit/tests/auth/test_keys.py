"""Keys are shown once, kept as hashes, and stop working at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from kit_auth import PASSWORD, START, Clock, quick_passwords
from simutrador_core.errors import InputError
from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.authenticator import Authenticator
from simutrador_service.auth.errors import UnknownKeyError
from simutrador_service.auth.keys import CACHE_SIZE, KeyStore
from simutrador_service.auth.principal import Principal, Role
from simutrador_service.auth.users import Users
from simutrador_service.database import Database
from simutrador_service.errors import UnauthenticatedError


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, clock=clock)


def test_a_key_stands_for_its_owner_with_scopes_plan_and_tenant(keys: KeyStore) -> None:
    made = keys.create(
        "ann", scopes=["bars:read", "jobs:*"], plan=UserPlan.FREE, tenant="acme", label="laptop"
    )
    assert keys.verify(made.key) == Principal(
        "ann", frozenset({"bars:read", "jobs:*"}), UserPlan.FREE, "acme", made.kept.prefix
    )


def test_a_key_has_256_random_bits_and_only_its_hash_is_kept(keys: KeyStore) -> None:
    made = keys.create("ann", scopes=["*"])
    prefix, _, secret = made.key.partition(".")
    assert len(secret) == 43  # 43 characters of 6 bits hold 256
    assert made.key not in repr(made)
    with keys.database.read() as session:
        row = session.execute(text("SELECT * FROM api_key")).mappings().one()
    assert row["sha256"] == hashlib.sha256(made.key.encode()).hexdigest()
    assert row["prefix"] == prefix
    assert not any(secret in str(value) for value in row.values())


def test_two_keys_are_never_alike(sqlite: Database) -> None:
    keys = KeyStore(sqlite)
    made = {keys.create("ann", scopes=["*"]).key for _ in range(20)}
    assert len(made) == 20


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.replace("sk_", "SK_"),
        lambda key: key.partition(".")[0],
        lambda key: "sk_000000000000." + key.partition(".")[2],
        lambda key: key + "\x00",
        lambda _: "sk_\x00.\ud800",
        lambda _: "",
    ],
)
def test_a_key_that_is_nearly_right_is_refused(keys: KeyStore, spoil: Callable[[str], str]) -> None:
    wrong = spoil(keys.create("ann", scopes=["*"]).key)
    with pytest.raises(UnauthenticatedError):
        Authenticator(keys).authenticate(wrong)
    with pytest.raises(UnauthenticatedError):
        keys.verify("sk_000000000000." + "A" * 43)


def test_the_secret_of_one_key_does_not_open_another(keys: KeyStore) -> None:
    one, two = keys.create("ann", scopes=["*"]), keys.create("bob", scopes=["*"])
    crossed = f"{one.kept.prefix}.{two.key.partition('.')[2]}"
    with pytest.raises(UnauthenticatedError):
        keys.verify(crossed)


def test_a_revoked_key_is_refused_at_once_though_it_was_just_used(keys: KeyStore) -> None:
    made = keys.create("ann", scopes=["*"])
    keys.verify(made.key)
    assert keys.recall(made.key) is not None
    keys.revoke(made.kept.prefix)
    assert keys.recall(made.key) is None
    with pytest.raises(UnauthenticatedError):
        keys.verify(made.key)
    assert keys.list_keys()[0].revoked_at == START


def test_another_process_learns_of_it_when_its_memory_ends(database: Database) -> None:
    here, there = KeyStore(database), KeyStore(database)
    elapsed = [0.0]
    there.recent._clock = lambda: elapsed[0]
    made = here.create("ann", scopes=["*"])
    there.verify(made.key)
    here.revoke(made.kept.prefix)
    elapsed[0] = 1.99
    assert there.recall(made.key) is not None
    elapsed[0] = 2.0
    assert there.recall(made.key) is None
    with pytest.raises(UnauthenticatedError):
        there.verify(made.key)


def test_a_key_revoked_while_it_is_looked_up_is_not_remembered(keys: KeyStore) -> None:
    made = keys.create("ann", scopes=["*"])
    mark = keys.recent.mark()
    keys.revoke(made.kept.prefix)
    keys.recent.put("looked up before", Principal("ann", frozenset()), mark=mark, keep_s=2)
    assert keys.recent.get("looked up before") is None


def test_an_expired_key_is_refused_from_the_instant_on(keys: KeyStore, clock: Clock) -> None:
    made = keys.create("ann", scopes=["*"], lifetime=timedelta(days=1))
    clock.advance(seconds=86_399)
    assert keys.verify(made.key).id == "ann"
    clock.advance(seconds=1)
    keys.recent.forget()
    with pytest.raises(UnauthenticatedError):
        keys.verify(made.key)


def test_rotation_gives_an_equal_key_and_ends_the_old_after_the_overlap(
    keys: KeyStore, clock: Clock
) -> None:
    old = keys.create("ann", scopes=["bars:read"], plan=UserPlan.FREE, tenant="t", label="l")
    new = keys.rotate(old.kept.prefix, overlap=timedelta(hours=1))
    before, after = keys.verify(old.key), keys.verify(new.key)
    assert (before.id, before.scopes, before.plan, before.tenant) == (
        (after.id, after.scopes, after.plan, after.tenant)
    )
    clock.advance(hours=1)
    keys.recent.forget()
    assert keys.verify(new.key).id == "ann"
    with pytest.raises(UnauthenticatedError):
        keys.verify(old.key)
    with pytest.raises(InputError, match="has ended"):
        keys.rotate(old.kept.prefix)


def test_rotation_without_overlap_ends_the_old_key_at_once(keys: KeyStore) -> None:
    old = keys.create("ann", scopes=["*"])
    keys.verify(old.key)
    keys.rotate(old.kept.prefix)
    with pytest.raises(UnauthenticatedError):
        keys.verify(old.key)


def test_last_use_is_noted_once_a_minute(keys: KeyStore, clock: Clock) -> None:
    made = keys.create("ann", scopes=["*"])
    for seconds, noted in ((0, START), (59, START), (60, START + timedelta(seconds=60))):
        clock.now = START + timedelta(seconds=seconds)
        keys.recent.forget()
        keys.verify(made.key)
        assert keys.get(made.kept.prefix).last_used_at == noted


def test_a_users_key_does_no_more_than_the_user_may(database: Database, clock: Clock) -> None:
    keys = KeyStore(database, clock=clock)
    users = Users(database, passwords=quick_passwords(), on_change=keys.recent.forget, clock=clock)
    user = users.create("ann", PASSWORD, role=Role.TRADER)
    made = keys.create(user.id, scopes=["bars:write", "bars:read", "keys:admin"])
    assert keys.verify(made.key).scopes == {"bars:write", "bars:read"}
    users.change("ann", role=Role.VIEWER)
    assert keys.verify(made.key).scopes == {"bars:read"}
    users.change("ann", active=False)
    with pytest.raises(UnauthenticatedError):
        keys.verify(made.key)


@pytest.mark.parametrize(
    ("owner", "scopes", "label", "says"),
    [
        ("", ["*"], "", "owner"),
        ("a" * 101, ["*"], "", "owner has at most 100"),
        ("a\nb", ["*"], "", "owner has at most 100"),
        ("ann", [], "", "at least one scope"),
        ("ann", ["everything"], "", "topic:action"),
        ("ann", ["*"], "x" * 101, "label"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    sqlite: Database, owner: str, scopes: list[str], label: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        KeyStore(sqlite).create(owner, scopes=scopes, label=label)
    assert KeyStore(sqlite).list_keys() == []


def test_an_unknown_key_is_named_without_its_secret(sqlite: Database) -> None:
    with pytest.raises(UnknownKeyError, match="no key 'sk_1'; list") as caught:
        KeyStore(sqlite).revoke("sk_1.the-secret-half")
    assert "the-secret-half" not in str(caught.value)


def test_memory_is_bounded(sqlite: Database) -> None:
    recent = KeyStore(sqlite).recent
    for number in range(CACHE_SIZE + 10):
        recent.put(str(number), Principal("a", frozenset()), mark=recent.mark(), keep_s=2)
    assert recent.get("9") is None
    assert recent.get("10") is not None


def test_every_change_is_in_the_audit_log(keys: KeyStore) -> None:
    made = keys.create("ann", scopes=["*"])
    newer = keys.rotate(made.kept.prefix)
    keys.revoke(newer.kept.prefix)
    with keys.database.read() as session:
        rows = session.execute(text("SELECT action, subject FROM audit_entry ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        ("key.create", made.kept.prefix),
        ("key.create", newer.kept.prefix),
        ("key.rotate", made.kept.prefix),
        ("key.revoke", newer.kept.prefix),
    ]
