"""The plugin runs in a pytest of its own, so that its options do not reach the tests around it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.testing.acceptance import Scale, acceptance_scale, at_scale

pytest_plugins = ["pytester"]

OPTIONS = (
    "-p simutrador_core.testing.acceptance -p xdist.plugin -p pytest_asyncio.plugin "
    "-o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function --strict-markers"
)

STORE = """
    import contextlib
    import pytest

    rows = [1, 2, 3]

    @contextlib.contextmanager
    def lose_a_row():
        rows.pop()
        yield
        rows.append(3)

    @contextlib.contextmanager
    def change_nothing():
        yield

    def fail_to_plant():
        raise OSError("no such fault")
"""

ASKS_FOR_THE_FIGURE = """
    @pytest.mark.acceptance("S1", package="data-manager", breaks=lose_a_row)
    def test_keeps_rows(figure):
        figure(f"{len(rows)} rows")
        assert len(rows) == 3
"""


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "SIMUTRADOR_TEST_DATA", "SIMUTRADOR_ACCEPTANCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # saves a second a test


def run(
    pytester: pytest.Pytester, source: str, *options: str
) -> tuple[pytest.RunResult, list[dict[str, Any]]]:
    """Run the tests in `source` and return pytest's result and the report's lines."""
    pytester.makepyfile(test_it=STORE + source)
    report = Path(pytester.path) / "report.jsonl"
    # Proving changes Hypothesis for the whole process: that one gets a process of its own.
    apart = "--acceptance-prove" in options
    result = (pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess)(
        *OPTIONS.split(),
        f"--acceptance-report={report}",
        *options,
    )
    lines = report.read_text().splitlines() if report.exists() else []
    return result, [json.loads(line) for line in lines]


def column(lines: Sequence[dict[str, Any]], name: str) -> list[str]:
    return sorted(line[name] for line in lines)


def test_report_holds_id_package_outcome_and_figure(pytester: pytest.Pytester) -> None:
    _, lines = run(pytester, ASKS_FOR_THE_FIGURE)
    assert lines == [
        {
            "id": "S1",
            "package": "data-manager",
            "nodeid": "test_it.py::test_keeps_rows",
            "outcome": "passed",
            "figure": "3 rows",
            "reason": "",
        }
    ]


def test_prove_runs_the_test_with_its_fault_planted(pytester: pytest.Pytester) -> None:
    result, lines = run(pytester, ASKS_FOR_THE_FIGURE, "--acceptance-prove")
    result.assert_outcomes(failed=1)
    assert (lines[0]["outcome"], lines[0]["figure"]) == ("failed", "2 rows")
    assert lines[0]["reason"].startswith("AssertionError") or "assert 2 == 3" in lines[0]["reason"]


def test_prove_reports_a_pass_when_the_fault_goes_unnoticed(pytester: pytest.Pytester) -> None:
    source = ASKS_FOR_THE_FIGURE.replace("lose_a_row", "change_nothing")
    _, lines = run(pytester, source, "--acceptance-prove")
    assert column(lines, "outcome") == ["passed"]


def test_a_proof_waits_less_for_what_its_fault_keeps_away(pytester: pytest.Pytester) -> None:
    source = """
    from simutrador_core.testing.acceptance import patience

    @pytest.mark.acceptance("S1", package="core", breaks=change_nothing)
    def test_waits(figure):
        figure(f"{patience(20)} s, {patience(1)} s, {patience(20, planted_s=2)} s")
    """
    _, lines = run(pytester, source)
    assert column(lines, "figure") == ["20 s, 1 s, 20 s"]
    (Path(pytester.path) / "report.jsonl").unlink()
    _, lines = run(pytester, source, "--acceptance-prove")
    assert column(lines, "figure") == ["3.0 s, 1 s, 2 s"]


def test_a_fault_that_cannot_be_planted_proves_nothing(pytester: pytest.Pytester) -> None:
    source = ASKS_FOR_THE_FIGURE.replace("lose_a_row", "fail_to_plant")
    _, lines = run(pytester, source, "--acceptance-prove")
    assert column(lines, "outcome") == ["error"]


def test_async_test_runs_inside_its_fault(pytester: pytest.Pytester) -> None:
    source = ASKS_FOR_THE_FIGURE.replace("def test", "async def test")
    _, lines = run(pytester, source, "--acceptance-prove")
    assert column(lines, "outcome") == ["failed"]


def test_report_is_whole_when_workers_run_the_tests(pytester: pytest.Pytester) -> None:
    second = ASKS_FOR_THE_FIGURE.replace("S1", "S2").replace("keeps", "holds")
    _, lines = run(pytester, ASKS_FOR_THE_FIGURE + second, "-n", "2")
    assert column(lines, "id") == ["S1", "S2"]
    assert column(lines, "figure") == ["3 rows", "3 rows"]


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        ('"S1", package="core"', "*needs breaks=*"),
        ('"S1", breaks=lose_a_row', "*needs package=*"),
        ('package="core", breaks=lose_a_row', "*starts with an id*"),
    ],
)
def test_incomplete_claim_fails_at_collection(
    pytester: pytest.Pytester, marker: str, complaint: str
) -> None:
    source = f"""
    @pytest.mark.acceptance({marker})
    def test_anything():
        pass
    """
    result, _ = run(pytester, source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([complaint])


def test_a_test_claims_one_id_only(pytester: pytest.Pytester) -> None:
    first = '    @pytest.mark.acceptance("S2", package="core", breaks=lose_a_row)'
    result, _ = run(pytester, "\n" + first + ASKS_FOR_THE_FIGURE)
    result.assert_outcomes(errors=1)


def test_only_the_ids_and_package_named_run(pytester: pytest.Pytester) -> None:
    other = ASKS_FOR_THE_FIGURE.replace("S1", "S2").replace("keeps", "holds")
    elsewhere = ASKS_FOR_THE_FIGURE.replace("data-manager", "core").replace("keeps", "has")
    asked = ("--acceptance-id=S1", "--acceptance-package=core")
    _, lines = run(pytester, ASKS_FOR_THE_FIGURE + other + elsewhere, *asked)
    assert column(lines, "nodeid") == ["test_it.py::test_has_rows"]


def test_listing_names_the_claims_and_runs_none(pytester: pytest.Pytester) -> None:
    result, lines = run(pytester, ASKS_FOR_THE_FIGURE, "--collect-only")
    assert column(lines, "outcome") == ["collected"]
    assert "passed" not in result.parseoutcomes()


NEEDS_DATA = """
    @pytest.mark.acceptance("D1", package="core", breaks=lose_a_row)
    def test_reads(test_data):
        assert (test_data / "bars").is_dir()
"""


def test_without_the_data_folder_a_test_skips_with_the_reason(pytester: pytest.Pytester) -> None:
    result, lines = run(pytester, NEEDS_DATA)
    result.assert_outcomes(skipped=1)
    assert "SIMUTRADOR_TEST_DATA is not set" in lines[0]["reason"]


def test_without_the_data_folder_ci_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result, lines = run(pytester, NEEDS_DATA)
    result.assert_outcomes(errors=1)
    assert column(lines, "outcome") == ["failed"]


def test_data_folder_is_the_one_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bars").mkdir()
    monkeypatch.setenv("SIMUTRADOR_TEST_DATA", str(tmp_path))
    result, _ = run(pytester, NEEDS_DATA)
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(("word", "rounds"), [("ci", 100), ("full", 1000), ("FULL", 1000)])
def test_scale_picks_the_figure(monkeypatch: pytest.MonkeyPatch, word: str, rounds: int) -> None:
    monkeypatch.setenv("SIMUTRADOR_ACCEPTANCE", word)
    assert at_scale(ci=100, full=1000) == rounds


def test_scale_is_ci_unless_asked_otherwise() -> None:
    assert acceptance_scale() is Scale.CI


def test_an_unknown_scale_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMUTRADOR_ACCEPTANCE", "huge")
    with pytest.raises(pytest.UsageError, match="'huge' is neither 'ci' nor 'full'"):
        acceptance_scale()
