"""U3: every error message of the venue names its cause, its place and the next step.

Each is provoked and judged by the rules of `simutrador_core.testing.messages`; the texts stand in
`u3_messages.txt`. What the venue answers inside a simulation has tests of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from simutrador_core.testing.acceptance import Figure
from simutrador_core.testing.messages import Case, check_messages, say_only_that_it_failed
from simutrador_server.auth.door import Door
from simutrador_server.core.settings import load_settings
from simutrador_server.services.opening import load_registry, open_local
from simutrador_service.web import bind
from venue_fixtures import PRINCIPAL, opened_door

KEPT: Final = Path(__file__).with_name("u3_messages.txt")


def settings_cases() -> list[Case]:
    """Return what goes wrong with settings, each as an environment would say it."""
    wrong = {
        "VENUE__WS_PORT": "99999",
        "VENUE__WS_PROT": "8003",
        "VENUE__BARS": "storage",
        "VENUE__TOKEN_LIFETIME_S": "0",
        "VENUE__MAX_MESSAGE_BYTES": "12",
        "JWT_SECRET_KEY": "short",
        "SIMULATION__SHORT_SELLING": "perhaps",
        "SIMULATION__LEVERAGE": "0",
    }

    def setting(name: str, value: str) -> Callable[[], object]:
        def provoke() -> object:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(name, value)
                return load_settings()

        return provoke

    return [(name, setting(name, value)) for name, value in wrong.items()]


def door_cases(door: Door) -> list[Case]:
    """Return what goes wrong with keys and tokens."""
    viewer = door.keys.create("ann", scopes=["simulations:read"]).key

    def admit(token: str) -> Callable[[], object]:
        return lambda: asyncio.run(door.admit(token))

    def exchange(key: str) -> Callable[[], object]:
        return lambda: asyncio.run(door.exchange(key))

    other = door.tokens.issue(PRINCIPAL, audience="somewhere-else")
    seen = asyncio.run(door.exchange(viewer)).token
    return [
        ("X-API-Key", exchange("")),
        ("key", exchange("nonsense")),
        ("key", exchange(f"sk_{'0' * 12}.{'A' * 43}")),
        ("token", admit("")),
        ("token", admit("a.b.c")),
        ("token", admit(other)),
        ("simulations:write", admit(seen)),
    ]


def bar_cases(folder: Path) -> list[Case]:
    """Return what goes wrong with the folder of bars and the ports."""
    told = folder / "told"
    told.mkdir()
    (told / "assets.toml").write_text("[[asset]]\nsymbol = 'A B'")
    broken = folder / "broken"
    broken.mkdir()
    (broken / "assets.toml").write_text("[[asset")
    taken = bind("127.0.0.1", 0)
    port = int(taken.getsockname()[1])

    def listen() -> None:
        try:
            bind("127.0.0.1", port)
        finally:
            taken.close()

    return [
        (str(folder / "no-store"), lambda: open_local(folder / "no-store")),
        ("assets.toml", lambda: load_registry(told)),
        ("assets.toml", lambda: load_registry(broken)),
        (str(port), listen),
    ]


def steady(text: str, folder: Path) -> str:
    """Return a text without what differs from run to run."""
    text = text.replace(str(folder), "FOLDER")
    return re.sub(r"\b(127\.0\.0\.1:|port, for instance )\d{4,5}", r"\1PORT", text)


@pytest.mark.acceptance("U3", package="simulation-server", breaks=say_only_that_it_failed)
def test_every_message_names_cause_place_and_next_step(
    tmp_path: Path, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened_door(tmp_path) as door:
        cases = [*settings_cases(), *door_cases(door), *bar_cases(tmp_path)]
        said = check_messages(cases, KEPT, steady=lambda text: steady(text, tmp_path))
    figure(f"{len(said)} messages, each with cause, place and next step")
