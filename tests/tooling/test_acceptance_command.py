import json
from dataclasses import asdict
from pathlib import Path

import pytest

from simutrador_tools.acceptance import Run, listing, main, verdicts


def ran(id_: str, outcome: str, *, test: str = "test_a", figure: str = "", reason: str = "") -> Run:
    return Run(id_, "data-manager", test, outcome, figure, reason)


def lines(*runs: Run, named: tuple[str, ...] = (), prove: bool = False) -> list[str]:
    return [str(line) for line in verdicts(runs, named=named, prove=prove)]


def test_a_passing_id_shows_its_figure() -> None:
    assert lines(ran("S1", "passed", figure="100 rounds, 0 lost")) == [
        "S1 data-manager pass 100 rounds, 0 lost"
    ]


def test_an_id_passes_only_if_all_its_tests_pass() -> None:
    found = lines(ran("S1", "passed"), ran("S1", "failed", test="test_b", reason="lost 3"))
    assert found == ["S1 data-manager fail test_b failed: lost 3"]


def test_a_skipped_test_is_no_pass() -> None:
    assert lines(ran("D1", "skipped", reason="no data")) == [
        "D1 data-manager fail test_a skipped: no data"
    ]


def test_a_named_id_without_a_test_is_missing() -> None:
    assert lines(ran("S2", "passed"), named=("S2", "S10")) == [
        "S2 data-manager pass",
        "S10 - missing",
    ]


def test_proved_means_that_every_test_failed_with_its_fault() -> None:
    runs = (ran("S1", "failed", reason="lost 3"), ran("S1", "failed", test="test_b"))
    assert lines(*runs, prove=True) == ["S1 data-manager proved lost 3"]


def test_a_test_that_passes_with_its_fault_is_not_proved() -> None:
    runs = (ran("S1", "failed"), ran("S1", "passed", test="test_b"))
    assert lines(*runs, prove=True) == [
        "S1 data-manager NOT PROVED test_b passes with its fault planted"
    ]


def test_a_fault_that_could_not_be_planted_is_not_proved() -> None:
    assert lines(ran("S1", "error", reason="OSError"), prove=True) == [
        "S1 data-manager NOT PROVED test_a error: OSError"
    ]


def test_ids_are_listed_by_number() -> None:
    found = list(listing([ran("S10", "collected"), ran("S2", "collected"), ran("A5", "collected")]))
    assert [line.split()[0] for line in found] == ["A5", "S2", "S10"]


def test_a_report_that_was_written_before_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.jsonl"
    runs = [ran("S1", "passed", figure="0 lost"), ran("S2", "failed", reason="lost 3")]
    report.write_text("".join(json.dumps(asdict(run)) + "\n" for run in runs), encoding="utf-8")
    assert main(["--read", str(report)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "S1 data-manager pass 0 lost",
        "S2 data-manager fail test_a failed: lost 3",
    ]
