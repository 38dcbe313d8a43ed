"""U1: one command from an installation to the first gap report, without a key or a network."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from typer.testing import CliRunner

from simutrador_data.cli.commands import app
from simutrador_data.demo import tour

SECONDS = 60


def fetches_something() -> AbstractContextManager[object]:
    """Fault: the demo asks a server before it reads the bars that ship with the package."""
    shipped = tour.write_demo_files

    def fetching(folder: Path) -> list[Path]:
        socket.create_connection(("192.0.2.1", 443), timeout=0.001).close()
        return shipped(folder)

    return patch.object(tour, "write_demo_files", fetching)


def refuse(*_arguments: Any, **_named: Any) -> None:
    """Stand in for the network."""
    raise AssertionError("the demo used the network")


@pytest.mark.acceptance("U1", package="data-manager", breaks=fetches_something)
def test_one_command_gives_the_first_gap_report_without_key_or_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if "KEY" in name or "__" in name]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    started = time.perf_counter()
    done = CliRunner().invoke(app, ["demo", "--no-serve", "--json"])
    seconds = time.perf_counter() - started
    assert done.exit_code == 0, done.output
    reasons = {gap["reason"] for gap in orjson.loads(done.stdout)["gaps"]}
    assert reasons == {"closed", "not_listed"}
    assert seconds < SECONDS
    figure(f"1 command, {seconds:.1f} s of {SECONDS}, 0 connections")
