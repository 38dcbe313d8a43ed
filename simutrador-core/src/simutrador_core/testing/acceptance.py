"""Pytest plugin: acceptance tests, each with an id, a figure and the fault it exists to catch.

Loaded by `-p simutrador_core.testing.acceptance`. A test claims an id like this:

    @pytest.mark.acceptance("S1", package="data-manager", breaks=skip_the_fsync)
    def test_kill_loses_no_acknowledged_bar(figure):
        ...
        figure("100 rounds, 0 bars lost")

`breaks` is called without arguments and returns a context manager that plants one fault. With
`--acceptance-prove` every claimed test runs inside it and is expected to fail; `scripts/acceptance`
reads the lines of `--acceptance-report FILE` and decides. This is the only module of the package
that needs pytest (extra `testing`).
"""

import importlib.util
import json
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar, cast

import pytest

T = TypeVar("T")
Fault = Callable[[], AbstractContextManager[object]]
Figure = Callable[[str], None]
"""The type of the fixture `figure`."""

SCALE_VARIABLE: Final = "SIMUTRADOR_ACCEPTANCE"
DATA_VARIABLE: Final = "SIMUTRADOR_TEST_DATA"
_PROPERTY: Final = "acceptance"
_FIGURE: Final = pytest.StashKey[str]()
_PLANTED: Final = pytest.StashKey[bool]()
_in_fault = False


class Scale(StrEnum):
    """How large the figures of the acceptance tests are: seconds in CI, hours before a release."""

    CI = "ci"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one test claims: the id it proves, for which package, and the fault it catches."""

    id: str
    package: str
    breaks: Fault


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the report.

    `outcome` is passed, failed, skipped, collected (listing only), or error: a fault was asked for
    and the test failed before it was in place, which proves nothing.
    """

    id: str
    package: str
    nodeid: str
    outcome: str
    figure: str
    reason: str


def acceptance_scale() -> Scale:
    """Return the scale that the environment asks for (`SIMUTRADOR_ACCEPTANCE=ci|full`; default ci).

    Raises:
        pytest.UsageError: the variable holds another word.
    """
    word = os.environ.get(SCALE_VARIABLE, Scale.CI).lower()
    if word not in set(Scale):
        raise pytest.UsageError(f"{SCALE_VARIABLE}={word!r} is neither 'ci' nor 'full'")
    return Scale(word)


def at_scale(ci: T, full: T) -> T:
    """Return `ci` or `full`, whichever the scale asks for; usable in decorators."""
    return full if acceptance_scale() is Scale.FULL else ci


def patience(seconds: float, *, planted_s: float = 3.0) -> float:
    """Return how many seconds to wait for what has to come, fewer while a fault keeps it away.

    Args:
        seconds: Enough on a machine that is busy.
        planted_s: What is waited with the test's fault in place, so that a proof takes no longer.
    """
    return min(seconds, planted_s) if _in_fault else seconds


def claim_of(item: pytest.Item) -> Claim | None:
    """Return what the test claims, or None for a test without the marker.

    Raises:
        pytest.Collector.CollectError: the marker is incomplete, or the test carries two.
    """
    markers = list(item.iter_markers("acceptance"))
    if not markers:
        return None
    if len(markers) > 1:
        raise pytest.Collector.CollectError(
            f"{item.nodeid}: two acceptance markers; write one test for each id"
        )
    args, kwargs = markers[0].args, markers[0].kwargs
    if len(args) != 1 or not isinstance(args[0], str):
        raise pytest.Collector.CollectError(
            f'{item.nodeid}: the marker starts with an id: acceptance("S1", ...)'
        )
    package, breaks = kwargs.get("package"), kwargs.get("breaks")
    if not isinstance(package, str):
        raise pytest.Collector.CollectError(
            f'{item.nodeid}: acceptance {args[0]} needs package="..."'
        )
    if not callable(breaks):
        raise pytest.Collector.CollectError(
            f"{item.nodeid}: acceptance {args[0]} needs breaks=..., a function that returns a "
            "context manager planting the fault this test exists to catch"
        )
    return Claim(args[0], package, cast("Fault", breaks))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that `scripts/acceptance` uses."""
    group = parser.getgroup("acceptance", "SimuTrador acceptance tests")
    group.addoption("--acceptance-prove", action="store_true", help="plant each test's fault")
    group.addoption("--acceptance-report", metavar="FILE", help="append one JSON line per test")
    group.addoption("--acceptance-id", action="append", metavar="ID", help="only these ids")
    group.addoption("--acceptance-package", metavar="P", help="only the claims of this package")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; when faults are planted, keep Hypothesis from shrinking failures."""
    config.addinivalue_line(
        "markers",
        "acceptance(id, package=..., breaks=...): proves one figure of the acceptance list",
    )
    if config.getoption("acceptance_prove") and importlib.util.find_spec("hypothesis"):
        from hypothesis import Phase, settings

        # A failure is wanted here: neither shrink it nor keep it for the next ordinary run.
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("acceptance-prove", database=None, phases=phases)
        settings.load_profile("acceptance-prove")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn an incomplete claim into a collection error of its module."""
    report = yield
    try:
        for node in report.result or []:
            if isinstance(node, pytest.Item):
                claim_of(node)
    except pytest.Collector.CollectError as error:
        report.outcome, report.longrepr, report.result = "failed", str(error), []
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only the ids and the package asked for."""
    ids = config.getoption("acceptance_id")
    package = config.getoption("acceptance_package")
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        claim = claim_of(item)
        wanted = (not ids or (claim is not None and claim.id in ids)) and (
            not package or (claim is not None and claim.package == package)
        )
        (kept if wanted else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_collection_finish(session: pytest.Session) -> None:
    """Report what was collected when nothing is going to run."""
    if not session.config.getoption("collectonly"):
        return
    for item in session.items:
        claim = claim_of(item)
        if claim is not None:
            found = Outcome(claim.id, claim.package, item.nodeid, "collected", "", "")
            _append(session.config, found)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run the test inside its fault when asked to."""
    claim = claim_of(item)
    with ExitStack() as stack:
        if claim is not None and item.config.getoption("acceptance_prove"):
            stack.enter_context(claim.breaks())
            stack.enter_context(_impatient())
            item.stash[_PLANTED] = True
        return (yield)


@contextmanager
def _impatient() -> Generator[None]:
    global _in_fault  # noqa: PLW0603  (one test runs at a time, also with xdist)
    _in_fault = True
    try:
        yield
    finally:
        _in_fault = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the claim's outcome to the report, where it survives the way between processes."""
    report = yield
    claim = claim_of(item)
    if claim is not None and (report.when == "call" or report.outcome != "passed"):
        line = Outcome(
            claim.id,
            claim.package,
            item.nodeid,
            _outcome(item, report),
            item.stash.get(_FIGURE, ""),
            _reason(report),
        )
        report.user_properties.append((_PROPERTY, json.dumps(asdict(line))))
    return report


def _outcome(item: pytest.Item, report: pytest.TestReport) -> str:
    proving = item.config.getoption("acceptance_prove")
    in_fault = report.when == "call" and item.stash.get(_PLANTED, False)
    return "error" if proving and report.failed and not in_fault else report.outcome


def _reason(report: pytest.TestReport) -> str:
    """Return the line that says why a test did not pass."""
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr).strip()
    return text.splitlines()[0] if text else ""


class _ReportWriter:
    """Writes the report; lives in the process that sees every test, never in an xdist worker."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Append the lines that arrived with a report."""
        for name, value in report.user_properties:
            if name == _PROPERTY and isinstance(value, str):
                line = Outcome(**json.loads(value))
                if line.outcome in {report.outcome, "error"}:
                    _append(self._config, line)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the writer in the controlling process."""
    config = session.config
    if config.getoption("acceptance_report") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_ReportWriter(config), "simutrador-acceptance-report")


def _append(config: pytest.Config, line: Outcome) -> None:
    target = config.getoption("acceptance_report")
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Return a function that records the figure this test reached, for `scripts/acceptance`."""
    item: pytest.Item = request.node

    def record(text: str) -> None:
        item.stash[_FIGURE] = text

    return record


@pytest.fixture(name="acceptance_scale", scope="session")
def acceptance_scale_fixture() -> Scale:
    """Return the scale of this run."""
    return acceptance_scale()


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of recorded market data that `SIMUTRADOR_TEST_DATA` names.

    Without it the test is skipped; in CI (variable `CI` set) it fails, so that nothing is missed.
    """
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        reason = f"{DATA_VARIABLE} is not set: it names the folder of recorded market data"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"{DATA_VARIABLE}={named} is not a folder")
    return folder
