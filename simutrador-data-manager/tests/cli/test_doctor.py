"""What the doctor makes of a machine."""

from __future__ import annotations

from pathlib import Path

from simutrador_data.cli.doctor import Verdict, check_disk, check_python


def test_an_old_python_and_a_full_disk_are_found() -> None:
    assert check_python((3, 10)).verdict is Verdict.FAILED
    assert check_python((3, 13)).verdict is Verdict.OK
    assert check_disk(10, Path("/x")).verdict is Verdict.WARNING
    assert check_disk(10, Path("/x")).next_step
