"""How errors end, and what reaches which stream."""

from __future__ import annotations

import errno
import json

import pytest
import typer

from simutrador_data.cli.doctor import Verdict, check_disk, check_python
from simutrador_data.cli.output import ExitCode, reporting
from simutrador_data.cli.validate import percent


def test_an_error_of_the_disk_names_the_place_and_what_to_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as ended, reporting(as_json=True, debug=False):
        raise OSError(errno.ENOSPC, "No space left on device", "/store/x")
    assert ended.value.exit_code == ExitCode.PROBLEMS
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "os_error"
    assert error["message"].startswith("/store/x: No space left on device")


def test_ctrl_c_is_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, reporting(as_json=False, debug=False):
        raise KeyboardInterrupt
    assert ended.value.exit_code == ExitCode.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_an_unforeseen_error_asks_for_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, reporting(as_json=False, debug=False):
        raise RuntimeError("oh")
    assert ended.value.exit_code == ExitCode.PROBLEMS
    assert "--debug" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="oh"), reporting(as_json=False, debug=True):
        raise RuntimeError("oh")


@pytest.mark.parametrize(
    ("fraction", "text"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %")]
)
def test_only_a_whole_series_is_a_hundred_percent(fraction: float, text: str) -> None:
    assert percent(fraction) == text


def test_an_old_python_and_a_full_disk_are_found(tmp_path: object) -> None:
    from pathlib import Path

    assert check_python((3, 10)).verdict is Verdict.FAILED
    assert check_python((3, 13)).verdict is Verdict.OK
    assert check_disk(10, Path("/x")).verdict is Verdict.WARNING
    assert check_disk(10, Path("/x")).next_step
