"""`scripts/wheels`: build the wheels of a package's siblings into its own `wheels/` folder.

A package that stands alone (a container image, a copy of its folder) installs its siblings from the
package index, or from there: `pip install --find-links wheels .`
"""

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from simutrador_tools.workspace import ROOT, ToolError, find_package, must_run, packages


def build_wheel(source: Path, target: Path) -> Path:
    """Build the package in folder `source` and return its wheel in folder `target`.

    The versions of the build tools are those of the workspace.
    """
    target.mkdir(parents=True, exist_ok=True)
    before = set(target.glob("*.whl"))
    command = [
        "uv",
        "build",
        "--wheel",
        "--quiet",
        "--build-constraints",
        ROOT / "requirements.lock",
    ]
    must_run([*command, "--out-dir", target, source])
    return (set(target.glob("*.whl")) - before or before).pop()


def fill(folder: Path, siblings: Iterable[Path]) -> list[Path]:
    """Replace `folder/wheels` by wheels of the packages in `siblings`; return them."""
    target = folder / "wheels"
    shutil.rmtree(target, ignore_errors=True)
    return [build_wheel(sibling, target) for sibling in siblings]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the `wheels/` of the packages asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/wheels", description=__doc__)
    parser.add_argument("package", nargs="*", help="only these packages (default: all)")
    options = parser.parse_args(arguments)
    try:
        for package in [find_package(name) for name in options.package] or packages():
            for wheel in fill(package.path, [ROOT / sibling for sibling in package.siblings]):
                print(wheel.relative_to(ROOT))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
