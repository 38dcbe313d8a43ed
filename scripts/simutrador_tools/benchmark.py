"""`scripts/benchmark`: run one of the comparisons in `benchmarks/`."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from simutrador_tools.workspace import ROOT


def available(root: Path = ROOT) -> dict[str, Path]:
    """Return the benchmarks there are, by name: one folder each, with a `run.py`."""
    return {path.parent.name: path for path in sorted(root.glob("benchmarks/*/run.py"))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark named and return its exit code; 2 if there is none of that name."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("name", nargs="?", help="which one; without a name they are listed")
    known = available()
    options, rest = parser.parse_known_args(arguments)
    listed = ", ".join(known) or "none yet"
    if options.name is None:
        print(f"benchmarks: {listed}")
        return 0
    if options.name not in known:
        print(f"no benchmark {options.name!r}; there are: {listed}", file=sys.stderr)
        return 2
    command = [sys.executable, str(known[options.name]), *rest]
    return subprocess.run(command, cwd=ROOT, check=False).returncode
