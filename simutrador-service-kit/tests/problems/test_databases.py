"""A database that is away, full or cannot keep a value: a problem that says what to do next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from kit_web import client, logged
from simutrador_service.database import Database
from simutrador_service.problems import install_problems


def app_that(act: Callable[[], None]) -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.get("/act")
    def serve() -> None:
        act()

    return app


async def test_a_database_that_does_not_open_is_503_and_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "service.db").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'service.db'}")

    def ask() -> None:
        with database.read() as session:
            session.execute(text("SELECT 1"))

    with logged():
        async with client(app_that(ask)) as caller:
            answer = await caller.get("/act")
    database.close()
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "unavailable")
    assert "DATABASE__URL" in problem["detail"]
    assert str(tmp_path) not in answer.text


@pytest.mark.integration
async def test_a_value_that_the_database_cannot_keep_is_the_callers_fault(postgres: str) -> None:
    database = Database(postgres)

    def ask() -> None:
        with database.read() as session:
            session.execute(text("SELECT :value"), {"value": "a\x00b"})

    with logged():
        async with client(app_that(ask)) as caller:
            answer = await caller.get("/act")
    database.close()
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
