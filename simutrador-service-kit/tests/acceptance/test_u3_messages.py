"""U3: every error message of core and kit names its cause, its place and the next step.

Each is provoked and judged by the rules of `simutrador_core.testing.messages`; the texts stand in
`u3_messages.txt`. The data manager and the venue judge theirs in tests of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from pydantic import SecretStr

from kit_auth import PASSWORD, SECRET, Clock
from kit_redis import unused_port
from kit_whole import Settings, Told, Whole, opened, repeat
from simutrador_core.errors import SimutradorError
from simutrador_core.models import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.models.series import to_us
from simutrador_core.remote.asking import check_url
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.acceptance import Figure
from simutrador_core.testing.messages import Case, check_messages, say_only_that_it_failed
from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_service.auth import Role, Tokens, require
from simutrador_service.config import AuthSection, ServerSection, load
from simutrador_service.database import Database
from simutrador_service.jobs import Jobs
from simutrador_service.limits import Rule
from simutrador_service.redis import connect, ping
from simutrador_service.scheduler import Schedule, Schedules, cron
from simutrador_service.web import bind

SNAPSHOT: Final = Path(__file__).with_name("u3_messages.txt")


def accounts_cases(whole: Whole) -> list[Case]:
    """Return what goes wrong with keys, users and tokens."""
    keys, users, login = whole.accounts.keys, whole.accounts.users, whole.accounts.logins
    ended = keys.create("ann", scopes=["*"]).kept.prefix
    keys.revoke(ended)
    door = whole.app.state.authenticator
    return [
        ("X-API-Key", lambda: door.authenticate("")),
        ("credential", lambda: door.authenticate("nonsense")),
        ("key", lambda: door.authenticate(f"sk_{'0' * 12}.{'A' * 43}")),
        ("token", lambda: door.authenticate("a.b.c")),
        ("scope", lambda: keys.create("ann", scopes=[])),
        ("bars", lambda: keys.create("ann", scopes=["bars"])),
        ("owner", lambda: keys.create(" ", scopes=["*"])),
        ("label", lambda: keys.create("ann", scopes=["*"], label="x" * 300)),
        ("lifetime", lambda: keys.create("ann", scopes=["*"], lifetime=timedelta(0))),
        (ended, lambda: keys.rotate(ended)),
        ("sk_nobody", lambda: keys.revoke("sk_nobody")),
        ("name", lambda: users.create("a b", PASSWORD, role=Role.VIEWER)),
        ("trader@", lambda: users.create("trader@example.com", PASSWORD, role=Role.VIEWER)),
        ("password", lambda: users.create("bob", "short", role=Role.VIEWER)),
        ("password", lambda: users.create("bob", "a" * 20, role=Role.VIEWER)),
        ("nobody", lambda: users.get("nobody")),
        ("password", lambda: users.check("nobody", PASSWORD, address=None)),
        ("refresh token", lambda: login.refresh("rt_wrong", address=None)),
        ("AUTH__JWT_SECRET", lambda: Tokens(SecretStr("short"))),
        ("5 requests", lambda: [fails(whole) for _ in range(6)]),
        ("bars read", lambda: require("bars read")),
    ]


def fails(whole: Whole) -> None:
    """Try a wrong password; raise only what keeps from trying."""
    try:
        whole.accounts.users.check("locked", "wrong", address=None)
    except SimutradorError as e:
        if e.code == "rate_limit_exceeded":
            raise


def settings_cases() -> list[Case]:
    """Return what goes wrong with settings: each as an environment would say it."""
    wrong = {
        "SERVER__PORT": "99999",
        "SERVER__HOSTT": "127.0.0.1",
        "SERVER__ALLOWED_ORIGINS": '["*"]',
        "SERVER__MAX_HEADERS": "many",
        "AUTH__ENABLED": "perhaps",
        "AUTH__JWT_SECRET": "short",
        "AUTH__ACCESS_TOKEN_S": "0",
        "AUTH__REFRESH": "1",
    }

    def setting(name: str, value: str) -> Callable[[], object]:
        def provoke() -> object:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(name, value)
                return load(Settings)

        return provoke

    return [(name, setting(name, value)) for name, value in wrong.items()]


def service_cases(whole: Whole, folder: Path) -> list[Case]:
    """Return what goes wrong with jobs, schedules, limits, servers and addresses."""
    jobs, port = whole.jobs, unused_port()
    ended = jobs.submit(repeat, Told(text="a"))
    nightly = Schedule("nightly", cron("0 22 * * *", "UTC"), repeat, Told(text="a"))
    schedules = Schedules(jobs, [nightly])
    taken = bind("127.0.0.1", 0)
    name = str(taken.getsockname()[1])

    def ask_redis() -> None:
        with connect(f"redis://:word@127.0.0.1:{port}/0", timeout_s=0.1, retries=0) as client:
            ping(client)

    def start(host: str) -> None:
        auth = AuthSection(enabled=False, jwt_secret=SecretStr(SECRET))
        with opened(folder, server=ServerSection(host=host), auth=auth):
            pass

    def listen() -> None:
        try:
            bind("127.0.0.1", int(name))
        finally:
            taken.close()

    return [
        ("nothing", lambda: jobs.get("nothing")),
        ("'nokind'", lambda: jobs.submit_named("nokind", {})),
        ("text", lambda: jobs.submit_named("repeat", {})),
        ("text", lambda: jobs.submit_named("repeat", {"text": 1})),
        ("key", lambda: jobs.submit(repeat, Told(text="a"), key="k" * 500)),
        (ended.id, lambda: jobs.retry(ended.id)),
        ("'weekly'", lambda: schedules.run_now("weekly")),
        ("nightly", lambda: Schedules(jobs, [nightly, nightly])),
        ("repeat", lambda: Schedules(Jobs(whole.database, []), [nightly])),
        ("name", lambda: Schedule("", nightly.trigger, repeat, Told(text="a"))),
        ("61", lambda: cron("61 22 * * *", "UTC")),
        ("0 22", lambda: cron("0 22", "UTC")),
        ("Mars/Base", lambda: cron("0 22 * * *", "Mars/Base")),
        ("0 0 30 2", lambda: cron("0 0 30 2 *", "UTC")),
        ("5 per minute", lambda: Rule.of("5 per minute")),
        ("9999999", lambda: Rule.of("9999999/s")),
        (f"127.0.0.1:{port}", ask_redis),
        ("REDIS__URL", lambda: connect("http://127.0.0.1")),
        ("DATABASE__URL", lambda: Database("oracle://127.0.0.1/x")),
        ("SERVER__HOST=0.0.0.0", lambda: start("0.0.0.0")),
        (name, listen),
    ]


def bar_cases() -> list[Case]:
    """Return what goes wrong with bars, timeframes and calendars."""
    one = np.array([100.0])

    def bars(**changed: Any) -> Bars:
        made: dict[str, Any] = {
            "symbol": "AAPL",
            "timeframe": Timeframe.MINUTE_1,
            "adjustment": "raw",
            "opened_at": np.array([0]),
            **dict.fromkeys(("open", "high", "low", "close", "volume"), one),
        }
        return Bars(**{**made, **changed})

    return [
        ("7min", lambda: parse_timeframe("7min")),
        ("XNYX", lambda: get_calendar("XNYX")),
        ("1700-01-02", lambda: get_calendar("XNYS").hours(date(1700, 1, 2))),
        ("2024-07-04", lambda: get_calendar("XNYS").hours(date(2024, 7, 4))),
        ("open", lambda: bars(open=np.array([1.0, 2.0]))),
        ("close", lambda: bars(close=np.array(["a"]))),
    ]


def address_cases() -> list[Case]:
    """Return what goes wrong with instants and with the addresses of services."""
    return [
        ("XNYSS", lambda: get_calendar("XNYSS")),
        ("2026-01-05T00:00:00", lambda: to_us(datetime(2026, 1, 5))),
        ("address", lambda: check_url("http://ann:word@127.0.0.1")),
        ("ftp://a", lambda: check_url("ftp://a")),
    ]


def steady(text: str, folder: Path) -> str:
    """Return a text without what differs from run to run."""
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"[0-9a-f]{32}", "ID", re.sub(r"sk_[0-9a-f]{12}", "sk_ID", text))
    return re.sub(r"\b(127\.0\.0\.1:|port, for instance )\d{4,5}", r"\1PORT", text)


@pytest.mark.acceptance("U3", package="service-kit", breaks=say_only_that_it_failed)
def test_every_message_names_cause_place_and_next_step(
    tmp_path: Path, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(tmp_path, clock=Clock()) as whole:
        cases = [
            *accounts_cases(whole),
            *settings_cases(),
            *service_cases(whole, tmp_path),
            *bar_cases(),
            *address_cases(),
        ]
        said = check_messages(cases, SNAPSHOT, steady=lambda text: steady(text, tmp_path))
    figure(f"{len(said)} messages, each with cause, place and next step")
