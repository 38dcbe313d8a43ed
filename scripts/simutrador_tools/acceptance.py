"""`scripts/acceptance`: run the acceptance tests, one line an id, or prove that each can fail."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from simutrador_tools.workspace import ToolError, run, tool


@dataclass(frozen=True, slots=True)
class Run:
    """What one claimed test did, as the pytest plugin reports it."""

    id: str
    package: str
    nodeid: str
    outcome: str
    figure: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One printed line: what the tests of one id show together."""

    id: str
    package: str
    word: str
    figure: str

    def __str__(self) -> str:
        """The line as printed."""
        return f"{self.id} {self.package} {self.word} {self.figure}".rstrip()


def verdicts(runs: Iterable[Run], *, named: Sequence[str], prove: bool) -> list[Verdict]:
    """Return one verdict for each id and package that ran, and for each named id that did not.

    An id passes only if all its tests pass: a skipped test counts as a failure. It is proved only
    if every test of it fails while its fault is planted.
    """
    groups = groupby(sorted(runs, key=_key), key=_claim)
    found = [_judge(list(group), prove=prove) for _, group in groups]
    seen = {verdict.id for verdict in found}
    missing = [Verdict(id_, "-", "missing", "") for id_ in named if id_ not in seen]
    return sorted([*found, *missing], key=lambda verdict: _natural(verdict.id))


def listing(runs: Iterable[Run]) -> Iterator[str]:
    """Yield a line for each claimed test: id, package, test."""
    yield from (f"{run.id} {run.package} {run.nodeid}" for run in sorted(runs, key=_key))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests asked for; return 0 if every line is good, 1 if not, 2 if pytest broke."""
    parser = argparse.ArgumentParser(prog="scripts/acceptance", description=__doc__)
    parser.add_argument("id", nargs="*", help="only these ids (default: all)")
    parser.add_argument("--list", action="store_true", help="name the tests and run none")
    parser.add_argument(
        "--prove", action="store_true", help="demand that each fails with its fault"
    )
    parser.add_argument("--package", metavar="P", help="only the claims of this package")
    parser.add_argument(
        "--read", metavar="FILE", type=Path, help="judge what a run with --acceptance-report wrote"
    )
    options = parser.parse_args(arguments)
    try:
        runs = list(_reported(options.read) if options.read else _collect(options))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(listing(runs)) or "no test claims an acceptance id")
        return 0
    lines = verdicts(runs, named=options.id, prove=options.prove)
    print(*lines, sep="\n", end="\n" if lines else "")
    if not lines:
        print("no test claims an acceptance id", file=sys.stderr)
        return 1
    return 0 if all(line.word in {"pass", "proved"} for line in lines) else 1


def _collect(options: argparse.Namespace) -> Iterator[Run]:
    """Run pytest over the claims asked for and yield its report."""
    # What takes minutes belongs to the full scale.
    full = os.environ.get("SIMUTRADOR_ACCEPTANCE", "ci").lower() == "full"
    command = [tool("pytest"), "-q", "-m", "acceptance" if full else "acceptance and not slow"]
    command += [f"--acceptance-id={id_}" for id_ in options.id]
    command += [f"--acceptance-package={options.package}"] if options.package else []
    command += ["--collect-only"] if options.list else []
    # A planted fault may make large values differ: to show how takes pytest minutes.
    command += ["--acceptance-prove", "--assert=plain", "-n", "2"] if options.prove else []
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.jsonl"
        done = run([*command, f"--acceptance-report={report}"])
        if done.returncode not in {0, 1, 5}:  # all passed, some failed, none collected
            raise ToolError(f"pytest could not run the acceptance tests:\n{done.stdout.strip()}")
        yield from _reported(report)


def _reported(report: Path) -> Iterator[Run]:
    """Yield what a run of pytest reported; nothing where it met no claimed test."""
    lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    yield from (Run(**json.loads(line)) for line in lines)


def _judge(runs: Sequence[Run], *, prove: bool) -> Verdict:
    outcomes = [run.outcome for run in runs]
    if prove:
        word = "proved" if set(outcomes) == {"failed"} else "NOT PROVED"
        unproved = [run for run in runs if run.outcome != "failed"]
        note = "; ".join(f"{run.nodeid} {_prove_note(run)}" for run in unproved)
        return Verdict(runs[0].id, runs[0].package, word, note or runs[0].reason)
    word = "pass" if set(outcomes) == {"passed"} else "fail"
    notes = [f"{run.nodeid} {run.outcome}: {run.reason}" for run in runs if run.outcome != "passed"]
    figures = [run.figure for run in runs if run.figure]
    return Verdict(runs[0].id, runs[0].package, word, "; ".join(notes or figures))


def _prove_note(run: Run) -> str:
    if run.outcome == "passed":
        return "passes with its fault planted"
    return f"{run.outcome}: {run.reason}"


def _key(run: Run) -> tuple[str, int, str, str]:
    return (*_claim(run), run.nodeid)


def _claim(run: Run) -> tuple[str, int, str]:
    return (*_natural(run.id), run.package)


def _natural(id_: str) -> tuple[str, int]:
    """Return a key that puts S2 before S10."""
    letters = id_.rstrip("0123456789")
    return letters, int(id_[len(letters) :] or 0)
