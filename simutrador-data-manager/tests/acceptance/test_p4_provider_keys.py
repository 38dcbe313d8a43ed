"""P4: vendors are asked well and badly, by the command; no key is in anything that was written."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from data_vendors import made_up_minutes
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_data.cli.commands import app
from simutrador_data.services.data_providers.http import transport
from simutrador_data.testing import Fault, FaultServer, Pace

TRUTH: Final = made_up_minutes("AAPL", date(2024, 5, 1), date(2024, 5, 1))
KEYS: Final = {
    "polygon": "pKq7Lm2Zx9Vb4Nc8",
    "fmp": "fRt5Yh1Uj6Ik3Ol7",
    "tiingo": "tWe8Sd4Fg2Hj9Kl5",
    "alpaca": "aZx3Cv7Bn1Mq6We9",
}
KEY_ID: Final = "PKAQ2WS4ED6RF8TG"
SETTINGS: Final = {
    "polygon": ("POLYGON", "API_KEY"),
    "fmp": ("FINANCIAL_MODELING_PREP", "API_KEY"),
    "tiingo": ("TIINGO", "API_KEY"),
    "alpaca": ("ALPACA", "API_SECRET_KEY"),
}
TROUBLES: Final = (
    None,
    Fault.KEY_IN_ERROR,
    Fault.UNAUTHORIZED,
    Fault.REDIRECT_AWAY,
    Fault.HOST_SWITCH,
    *at_scale((), (Fault.FORBIDDEN, Fault.HTML, Fault.TRUNCATED_JSON, Fault.RESET)),
)


@contextmanager
def answers_are_taken_as_they_come() -> Iterator[None]:
    """Fault: a key that a vendor repeats is not struck out of its answer."""

    def as_it_is(body: bytes, secrets: Any) -> bytes:
        return body

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transport, "scrubbed", as_it_is)
        yield


@pytest.mark.acceptance("P4", package="data-manager", breaks=answers_are_taken_as_they_come)
def test_no_vendor_key_is_in_anything_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    figure: Figure,
) -> None:
    said: list[str] = []
    pace = Pace(drip_s=0.01, hang_s=1.0, retry_after="0")
    with FaultServer([TRUTH], keys=KEYS, page_rows=100, pace=pace) as server:
        for vendor, (section, key) in SETTINGS.items():
            monkeypatch.setenv(f"{section}__BASE_URL", server.url(vendor))
            monkeypatch.setenv(f"{section}__{key}", KEYS[vendor])
            monkeypatch.setenv(f"{section}__RATE_LIMIT", "1000/s")
        monkeypatch.setenv("ALPACA__API_KEY_ID", KEY_ID)
        for vendor in SETTINGS:
            for trouble in TROUBLES:
                server.always(trouble)
                folder = tmp_path / f"{vendor}-{trouble}"
                said.append(told("update", "AAPL", *days(vendor), "--data", str(folder)))
        said += [told("providers", "list"), told("config", "show", "--json")]
        calls = server.calls
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    out, err = capfd.readouterr()
    everything = [*said, out, err, repr(calls)]
    everything += [path.read_bytes().decode("latin-1") + str(path) for path in written]
    for secret in (*KEYS.values(), KEY_ID):
        for shape in (secret, quote(secret), base64.b64encode(secret.encode()).decode()):
            assert not [text for text in everything if shape in text], "a key was written"
    assert not any(call.key_in_url for call in calls)
    assert not any(call.key_shown for call in calls if call.host.startswith("localhost"))
    assert any(call.status == 200 and call.key_shown for call in calls)
    figure(f"{len(calls)} requests, {len(said)} answers, {len(written)} files: no key in any")


def days(vendor: str) -> list[str]:
    return ["--provider", vendor, "--start", "2024-05-01", "--end", "2024-05-02", "--debug"]


def told(*command: str) -> str:
    """Run a command and return all it printed, its traceback included."""
    ended = CliRunner().invoke(app, list(command))
    return f"{ended.stdout}{ended.stderr}{ended.exception!r}"
