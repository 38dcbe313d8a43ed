"""A secret is masked by the name of its field and by its shape; what is no secret stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from simutrador_service.logging import MASK, mask, mask_text, secrets

JWT = jwt.encode({"sub": "ann"}, "k" * 32, algorithm="HS256")
SECRET = "vGJ7_0tQx2mPzL4aB9cD1eF3gH5iJ6kK8lM0nO2pQ4s"


@pytest.mark.parametrize(
    "text",
    [
        f"key sk_0123456789ab.{SECRET} refused",
        f"key reader.{SECRET} refused",
        f"key 9f2c.{'0f' * 32}",
        f"sent {JWT}",
        f"GET /bars?token={SECRET}&limit=5",
        f"GET /bars?limit=5&api_key={SECRET}",
        f"GET /bars?key={SECRET}",
        f"redis://:{SECRET}@127.0.0.1:6379/0",
        f"postgresql+psycopg://me:{SECRET}@db/x",
        f"Authorization: Bearer {SECRET}",
        f"authorization: {SECRET}",
        f"X-API-Key: {SECRET}",
        f"Cookie: session={SECRET}",
        f"(b'authorization', b'Bearer {SECRET}')",
        f"(b'x-api-key', b'{SECRET}')",
        f"{{'password': '{SECRET}'}}",
        f'{{"refresh_token": "{SECRET}"}}',
        f"login(password='{SECRET}')",
        f"JWT_SECRET_KEY=x AUTH__JWT_SECRET={SECRET}",
    ],
)
def test_a_secret_is_masked_by_its_shape(text: str) -> None:
    masked = mask_text(text)
    assert SECRET not in masked
    assert JWT.split(".")[2] not in masked
    assert "0f0f" not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "AAPL 1min: 390 bars from 2026-11-20T14:30:00Z",
        "http://127.0.0.1:8002/bars?symbol=AAPL&limit=10",
        "File simutrador_data/services/storage/parquet_store.py, line 121",
        "simutrador_service.database.migrations.versions.m0001_jobs",
        "sqlalchemy.exc.OperationalError: database is locked",
        "job 0f6a9b7e5d1c4a52b3f1aa77cc00de11 failed: token_bucket empty",
        "the key is missing; run `simutrador-data keys create`",
        "mail to ann@example.com at 12:30",
        "dataset 5b0c6d60b1d1f06c1c2f7f8b8a0e4d7a5b0c6d60b1d1f06c1c2f7f8b8a0e4d7a",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "key",
        "Authorization",
        "client_secret",
        "x_token",
        "cookie",
        "X-API-Key",
        "password",
    ],
)
def test_a_secret_is_masked_by_its_name(name: str) -> None:
    assert mask({"a": [{name: "s3cret"}]}) == {"a": [{name: MASK}]}


def test_numbers_of_keys_and_tokens_stay_and_a_password_of_digits_does_not() -> None:
    shown = mask({"tokens": 5, "keys": 2, "password": 12345, "token": None, "job_key": "AAPL"})
    assert shown == {"tokens": 5, "keys": 2, "password": MASK, "token": None, "job_key": "AAPL"}


def test_every_kind_of_value_becomes_json() -> None:
    class Side(StrEnum):
        BUY = "buy"

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    values = {
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "price": Decimal("185.50"),
        "side": Side.BUY,
        "big": 2**70,
        "nan": float("nan"),
        "secret_inside": {"k": SecretStr(SECRET)},
        "error": ValueError(f"token={SECRET}"),
        "broken": Broken(),
    }
    shown = json.loads(json.dumps(mask(values), allow_nan=False))
    assert shown["at"] == "2026-01-02 00:00:00+00:00"
    assert (shown["price"], shown["side"]) == ("185.50", "buy")
    assert (shown["big"], shown["nan"]) == (str(2**70), "nan")
    assert shown["error"] == f"ValueError('token={MASK}')"
    assert "Broken" in shown["broken"]
    assert SECRET not in str(shown)


def test_a_value_that_holds_itself_ends() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert len(str(mask(loop))) < 1000


@given(st.text(max_size=300))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once


@given(st.from_regex(r"[\w/{}-]*", fullmatch=True))
def test_what_is_passed_over_has_no_shape_of_a_secret(text: str) -> None:
    masked = text
    for shape, instead in secrets._SHAPES:
        masked = shape.sub(instead, masked)
    assert masked == text


def test_a_hostile_text_is_masked_in_no_time() -> None:
    for part in ("a-", "token", "eyJ", "://a:", "x.", "key=", "Bearer "):
        begun = datetime.now(UTC)
        mask_text(part * 20_000)
        assert (datetime.now(UTC) - begun).total_seconds() < 1.0
