"""A password opens a log-in, a refresh token renews it once, and a second use ends all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from kit_auth import PASSWORD, SECRET, START, Clock, quick_passwords
from simutrador_core.errors import InputError
from simutrador_service.auth.accounts import Accounts, open_accounts
from simutrador_service.auth.audit import Actor
from simutrador_service.auth.lockout import PER_ADDRESS, PER_USER, wait_after
from simutrador_service.auth.logins import TokenPair
from simutrador_service.auth.principal import Role
from simutrador_service.auth.users import Users
from simutrador_service.config import AuthSection
from simutrador_service.database import Database
from simutrador_service.errors import TooManyRequestsError, UnauthenticatedError

HOME, AWAY = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database: Database, clock: Clock, tmp_path: Path) -> Iterator[Accounts]:
    opened = open_accounts(
        database,
        AuthSection(jwt_secret=SecretStr(SECRET)),
        data=tmp_path,
        passwords=quick_passwords(),
        clock=clock,
    )
    opened.users.create("Ann@Example.com", PASSWORD, role=Role.TRADER)
    yield opened
    opened.close()


async def log_in(accounts: Accounts, password: str = PASSWORD, address: str = HOME) -> TokenPair:
    return await accounts.logins.log_in("ann@example.com", password, address=address)


def audit_of(accounts: Accounts) -> list[tuple[str, str, str | None]]:
    entries = reversed(accounts.audit.entries())
    return [(entry.action, entry.outcome, entry.address) for entry in entries]


async def test_the_right_password_gives_tokens_of_the_users_role(accounts: Accounts) -> None:
    pair = await log_in(accounts)
    principal = accounts.tokens.verify(pair.access)
    assert principal.id == accounts.users.get("ann@example.com").id
    assert principal.scopes == {"*:read", "*:write"}
    assert pair.expires_in_s == 900


async def test_capitals_and_spaces_around_a_name_do_not_matter(accounts: Accounts) -> None:
    pair = await accounts.logins.log_in("  ANN@example.COM ", PASSWORD, address=None)
    assert accounts.tokens.verify(pair.access)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann@example.com", PASSWORD + " "),
        ("ann@example.com", ""),
        ("bob@example.com", PASSWORD),
        ("a\x00b", PASSWORD),
        ("\ud800", "\ud800"),
    ],
)
async def test_wrong_names_and_passwords_get_the_same_answer(
    accounts: Accounts, name: str, password: str
) -> None:
    with pytest.raises(
        UnauthenticatedError, match=r"^the name or the password is wrong; try again$"
    ):
        await accounts.logins.log_in(name, password, address=HOME)


async def test_somebody_kept_out_gets_it_too_and_loses_what_they_had(accounts: Accounts) -> None:
    pair = await log_in(accounts)
    accounts.users.change("ann@example.com", active=False)
    with pytest.raises(UnauthenticatedError, match="name or the password"):
        await log_in(accounts)
    with pytest.raises(UnauthenticatedError):
        accounts.tokens.verify(pair.access)
    with pytest.raises(UnauthenticatedError):
        accounts.logins.refresh(pair.refresh, address=HOME)


async def test_a_new_password_ends_every_log_in(accounts: Accounts) -> None:
    pair = await log_in(accounts)
    accounts.users.set_password("ann@example.com", "another good long one")
    with pytest.raises(UnauthenticatedError):
        accounts.tokens.verify(pair.access)
    with pytest.raises(UnauthenticatedError):
        await log_in(accounts)
    assert await log_in(accounts, "another good long one")


async def test_a_refresh_token_gives_the_next_pair(accounts: Accounts, clock: Clock) -> None:
    first = await log_in(accounts)
    clock.advance(days=29)
    second = accounts.logins.refresh(first.refresh, address=HOME)
    assert second.refresh != first.refresh
    assert accounts.tokens.verify(second.access).scopes == {"*:read", "*:write"}
    clock.advance(days=30)
    with pytest.raises(UnauthenticatedError):
        accounts.logins.refresh(second.refresh, address=HOME)


async def test_a_refresh_token_used_twice_ends_its_family_and_no_other(accounts: Accounts) -> None:
    stolen, other = await log_in(accounts), await log_in(accounts, address=AWAY)
    thief = accounts.logins.refresh(stolen.refresh, address=AWAY)
    with pytest.raises(UnauthenticatedError):
        accounts.logins.refresh(stolen.refresh, address=HOME)
    for token in (stolen.access, thief.access):
        with pytest.raises(UnauthenticatedError):
            accounts.tokens.verify(token)
    with pytest.raises(UnauthenticatedError):
        accounts.logins.refresh(thief.refresh, address=AWAY)
    assert accounts.tokens.verify(other.access)
    assert accounts.logins.refresh(other.refresh, address=AWAY)
    assert ("refresh.reused", "refused", HOME) in audit_of(accounts)


async def test_of_two_uses_at_once_at_most_one_succeeds(accounts: Accounts) -> None:
    pair = await log_in(accounts)
    good: list[TokenPair] = []

    def use() -> None:
        try:
            good.append(accounts.logins.refresh(pair.refresh, address=HOME))
        except UnauthenticatedError:
            return

    threads = [Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(good) == 1
    with pytest.raises(UnauthenticatedError):  # the others were reuse: the family has ended
        accounts.logins.refresh(good[0].refresh, address=HOME)


@pytest.mark.parametrize("token", ["", "rt_", "rt_" + "0" * 32 + "." + "A" * 43, "x" * 10_000])
def test_a_made_up_refresh_token_is_refused(accounts: Accounts, token: str) -> None:
    with pytest.raises(UnauthenticatedError, match="log in again"):
        accounts.logins.refresh(token, address=HOME)


async def test_logging_out_ends_both_tokens(accounts: Accounts) -> None:
    pair = await log_in(accounts)
    grant = accounts.tokens.grant(pair.access)
    accounts.logins.log_out(grant.family or "", by=Actor(grant.principal.id, HOME))
    with pytest.raises(UnauthenticatedError):
        accounts.tokens.verify(pair.access)
    with pytest.raises(UnauthenticatedError):
        accounts.logins.refresh(pair.refresh, address=HOME)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(4, 0), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (99, 900)]
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(failures: int, seconds: int) -> None:
    assert wait_after(failures, PER_USER) == timedelta(seconds=seconds)


async def fail(accounts: Accounts, name: str, times: int, address: str | None) -> None:
    for _ in range(times):
        with pytest.raises(UnauthenticatedError):
            accounts.users.check(name, "wrong", address=address)


async def test_after_five_failures_even_the_right_password_waits(
    accounts: Accounts, clock: Clock
) -> None:
    await fail(accounts, "ann@example.com", 5, HOME)
    with pytest.raises(TooManyRequestsError) as caught:
        await log_in(accounts, address=AWAY)
    assert caught.value.retry_after_s == 30
    assert caught.value.headers["Retry-After"] == "30"
    clock.advance(seconds=30)
    assert await log_in(accounts)
    await fail(accounts, "ann@example.com", 4, HOME)  # the success wiped the slate
    assert await log_in(accounts)
    assert ("login", "locked", AWAY) in audit_of(accounts)


async def test_an_address_that_guesses_names_waits_but_others_do_not(accounts: Accounts) -> None:
    for number in range(PER_ADDRESS.free):
        with pytest.raises(UnauthenticatedError):
            accounts.users.check(f"user{number}", "wrong", address=AWAY)
    with pytest.raises(TooManyRequestsError):
        await log_in(accounts, address=AWAY)
    assert await log_in(accounts, address=HOME)


async def test_failures_are_forgotten_after_an_hour(accounts: Accounts, clock: Clock) -> None:
    await fail(accounts, "ann@example.com", 4, HOME)
    clock.advance(hours=1, seconds=1)
    await fail(accounts, "ann@example.com", 4, HOME)
    assert await log_in(accounts)


async def test_tries_at_once_cannot_outrun_the_count(accounts: Accounts) -> None:
    async def guess() -> str:
        try:
            await log_in(accounts, "wrong")
        except (UnauthenticatedError, TooManyRequestsError) as e:
            return type(e).__name__
        return "in"

    answers = await asyncio.gather(*(guess() for _ in range(12)))
    assert answers.count("UnauthenticatedError") == 5
    assert answers.count("TooManyRequestsError") == 7


async def test_the_event_loop_goes_on_while_a_password_is_judged(
    sqlite: Database, tmp_path: Path
) -> None:
    accounts = open_accounts(sqlite, AuthSection(), data=tmp_path)
    accounts.users.create("ann@example.com", PASSWORD, role=Role.VIEWER)
    judged = asyncio.create_task(log_in(accounts))
    turns = 0
    while not judged.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 50
    assert (await judged).access
    accounts.close()


def test_what_was_typed_as_a_name_is_kept_nowhere(accounts: Accounts) -> None:
    typed = "my-secret-password-typed-in-the-wrong-box"
    with pytest.raises(UnauthenticatedError):
        accounts.users.check(typed, "x", address=HOME)
    with accounts.users.database.read() as session:
        for table in ("audit_entry", "login_failures"):
            rows = session.execute(text(f"SELECT * FROM {table}")).all()
            assert rows
            assert typed not in str(rows)


def test_a_password_is_kept_as_argon2_alone(sqlite: Database) -> None:
    Users(sqlite).create("ann", PASSWORD, role=Role.VIEWER)
    with sqlite.read() as session:
        kept = session.execute(text("SELECT password_hash FROM user_account")).scalar_one()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in kept


def test_a_weaker_hash_is_replaced_at_the_next_log_in(sqlite: Database) -> None:
    Users(sqlite, passwords=quick_passwords()).create("ann", PASSWORD, role=Role.VIEWER)
    users = Users(sqlite)
    for _ in range(2):
        assert users.check("ann", PASSWORD, address=None)
        assert users.get("ann").password_hash.startswith("$argon2id$v=19$m=65536")


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("bob", "elevenchars", "12 to 256 characters, this one has 11"),
        ("bob", "x" * 257, "12 to 256"),
        ("bob", "aaaaaaaaaaaaab", "too easy"),
        ("bobby", "my name is Bobby!", "too easy"),
        ("ANN@example.com", "another good long one", "is taken"),
        ("", "another good long one", "name has"),
        ("a b", "another good long one", "no spaces"),
        ("a\x00b", "another good long one", "no spaces"),
    ],
)
def test_a_user_that_makes_no_sense_is_not_added(
    accounts: Accounts, name: str, password: str, says: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        accounts.users.create(name, password, role=Role.VIEWER)
    assert password not in str(caught.value)
    assert len(accounts.users.list_users()) == 1


async def test_purging_forgets_what_has_expired(accounts: Accounts, clock: Clock) -> None:
    pair = await log_in(accounts)
    await fail(accounts, "bob", 1, HOME)
    grant = accounts.tokens.grant(pair.access)
    accounts.logins.log_out(grant.family or "", by=Actor("ann"))
    clock.advance(days=31)
    accounts.purge(keep_audit=timedelta(days=30))
    with accounts.users.database.read() as session:
        for table in ("refresh_token", "revoked_token", "login_failures", "audit_entry"):
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0, table
    assert accounts.users.get("ann@example.com").created_at == START


async def test_a_log_out_during_an_exchange_ends_the_new_token_too(accounts: Accounts) -> None:
    for _ in range(10):
        pair = await log_in(accounts)
        family = accounts.tokens.grant(pair.access).family
        assert family is not None
        given: list[TokenPair] = []

        def exchange(old: TokenPair = pair, into: list[TokenPair] = given) -> None:
            with suppress(UnauthenticatedError):
                into.append(accounts.logins.refresh(old.refresh, address=HOME))

        renewing = Thread(target=exchange)
        renewing.start()
        accounts.logins.log_out(family, by=Actor("ann"))
        renewing.join()
        for newer in given:
            with pytest.raises(UnauthenticatedError):
                accounts.logins.refresh(newer.refresh, address=HOME)


@pytest.mark.parametrize("texts", [("a\x00b", ""), ("", "a\x00b")])
def test_a_user_with_a_text_that_no_database_keeps_is_refused(
    accounts: Accounts, texts: tuple[str, str]
) -> None:
    with pytest.raises(InputError, match="printable"):
        accounts.users.create(
            "bob", PASSWORD, role=Role.VIEWER, full_name=texts[0], tenant=texts[1]
        )
