"""The provider of docs/providers.md, run through the contract as it stands there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from simutrador_core.interfaces.data_provider import BarRequest
from simutrador_core.models.enums import Timeframe

DOCUMENT = Path(__file__).parents[3] / "docs" / "providers.md"
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def acme(request: httpx.Request) -> httpx.Response:
    """Answer as Acme would: minutes from 14:30 to 16:00, thirty a page."""
    query = request.url.params
    if query["symbol"] != "ACME":
        return httpx.Response(404, json={"error": "unknown symbol"})
    first = max(START.timestamp(), float(query["from"]))
    last = min((START + timedelta(minutes=90)).timestamp(), float(query["to"]))
    times = list(range(int(first), int(last), 60))
    page = times[:30]
    columns = {name: [10.0] * len(page) for name in "ohlcv"}
    after = times[30] if len(times) > 30 else None
    return httpx.Response(200, json={"t": page, **columns, "next": after})


REQUEST = BarRequest("ACME", Timeframe.MINUTE_1, START, START + timedelta(hours=2))
NAMES: dict[str, Any] = {
    "__name__": "acme",
    "REQUEST": REQUEST,
    "EMPTY": replace(REQUEST, start=START - timedelta(days=9), end=START - timedelta(days=8)),
    "KEYS": {"ACME__API_KEY": SecretStr("a-key")},
    "VENDOR": httpx.MockTransport(acme),
}
for block in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL):
    exec(block, NAMES)


class TestDocumentedProvider(NAMES["TestAcme"]):
    """The suite of the document."""


def test_the_documented_plug_in_names_what_it_needs() -> None:
    plugin = NAMES["PLUGIN"]
    assert plugin.key_names == ("ACME__API_KEY",)
    assert plugin.capabilities is NAMES["AcmeProvider"].capabilities
