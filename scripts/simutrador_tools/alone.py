"""`scripts/alone`: prove that each package's folder works without the rest of the repository.

Each folder is taken from the last commit by `git archive` and put beside wheels of its siblings,
built the same way. Its own wheel goes into a clean environment with only the dependencies it
declares; every module must import there and every command answer `--help`. With `--full` the folder
is also linted, type-checked and tested there.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from simutrador_tools.wheels import build_wheel, fill
from simutrador_tools.workspace import (
    ROOT,
    Package,
    ToolError,
    find_package,
    indent,
    must_run,
    packages,
    read_toml,
)

IMPORT_ALL: Final = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    parts = found.name.split(".")
    # testing needs the extra of that name; what runs by itself is no module to import
    if not {"testing", "examples", "__main__"} & set(parts):
        importlib.import_module(found.name)
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A package's folder by itself, its siblings' wheels in its `wheels/`."""

    package: Package
    folder: Path


def extract(package: Package, target: Path, *, revision: str = "HEAD") -> Path:
    """Write the committed folder of a package into `target` and return where it stands."""
    # The folder's own tree: what a repository made of it would hold.
    command = ["git", "archive", "--format=tar", f"{revision}:{package.folder}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise ToolError(f"{package.folder} is not committed: {done.stderr.decode().strip()}")
    folder = target / package.folder
    with tarfile.open(fileobj=BytesIO(done.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def prepare(package: Package, target: Path) -> Copy:
    """Put a package's folder and its siblings' wheels together under `target`."""
    siblings = [extract(find_package(name), target / "siblings") for name in package.siblings]
    folder = extract(package, target)
    fill(folder, siblings)
    return Copy(package, folder)


def smoke(copy: Copy, python: str) -> Iterator[str]:
    """Install the copy's wheel with declared dependencies only; yield what was shown to work."""
    wheel = build_wheel(copy.folder, copy.folder / "dist")
    here = environment(copy.folder.parent / "smoke", python)
    install(here, copy, str(wheel))
    must_run([here / "python", "-I", "-c", IMPORT_ALL, copy.package.module], cwd=copy.folder.parent)
    yield "imports"
    for command in copy.package.commands:
        must_run([here / command, "--help"], cwd=copy.folder.parent)
        yield f"{command} --help"


def gates(copy: Copy, python: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield the checks of the whole folder, each by name; the first installs what they need."""
    here = environment(copy.folder / ".venv", python)
    groups = read_toml(copy.folder / "pyproject.toml").get("dependency-groups", {})
    asked = [f"--group={copy.folder / 'pyproject.toml'}:{name}" for name in groups]
    interpreter = str(here / "python")
    # Newer releases of libraries ship stubs that only a newer Python can read: judge as this one.
    version = must_run([interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    commands: dict[str, list[str]] = {
        "lint": ["ruff", "check", "--quiet", "."],
        "format": ["ruff", "format", "--check", "--quiet", "."],
        "types": ["pyright", "--pythonpath", interpreter, "--pythonversion", version.strip()],
        "tests": ["pytest", "-q", "-n", "2"] if "dev" in groups else ["pytest", "-q"],
    }
    yield "install", lambda: install(here, copy, *asked, "--editable", str(copy.folder))
    for name, (program, *rest) in commands.items():
        command = [str(here / program), *rest]
        yield name, lambda command=command: must_run(command, cwd=copy.folder)


def environment(folder: Path, python: str) -> Path:
    """Make a clean environment and return the folder of its programs."""
    must_run(["uv", "venv", "--quiet", "--python", python, folder])
    return folder / "bin"


def install(programs: Path, copy: Copy, *what: str) -> str:
    """Install into an environment: our versions, siblings from the copy's `wheels/` only."""
    command = ["uv", "pip", "install", "--quiet", "--python", str(programs / "python")]
    command += ["--constraint", str(ROOT / "requirements.lock")]
    command += ["--find-links", str(copy.folder / "wheels")] if copy.package.siblings else []
    # A sibling's version is rebuilt all the time while it is developed: never take a cached one.
    command += [f"--refresh-package={find_package(name).name}" for name in copy.package.siblings]
    return must_run([*command, *what], cwd=copy.folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try each package alone; return 0 when all work, else 1."""
    parser = argparse.ArgumentParser(
        prog="scripts/alone", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("package", nargs="*", help="only these packages (default: all)")
    parser.add_argument("--full", action="store_true", help="also lint, types and all tests")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to use")
    options = parser.parse_args(arguments)
    try:
        chosen = [find_package(name) for name in options.package] or packages()
        results = [_try(package, options) for package in chosen]
    except ToolError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(results) else 1


def _try(package: Package, options: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        copy = prepare(package, Path(scratch))
        steps = [("smoke", lambda: ", ".join(smoke(copy, options.python)))]
        if options.full:
            steps += gates(copy, options.python)
        results = [_passes(package, name, step) for name, step in steps]
        return all(results)


def _passes(package: Package, name: str, step: Callable[[], str]) -> bool:
    started = time.monotonic()
    try:
        note = step()
    except ToolError as error:
        print(f"FAIL  {package.folder} alone: {name}\n{indent(str(error))}", flush=True)
        return False
    took = f"{time.monotonic() - started:.1f} s"
    last = (note.strip().splitlines() or [""])[-1]
    print(f"ok    {package.folder} alone: {name} ({took}) {last}".rstrip(), flush=True)
    return True
