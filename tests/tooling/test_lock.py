import shutil
from pathlib import Path

import pytest

from simutrador_tools import lock
from simutrador_tools.lock import Pin, read_pins
from simutrador_tools.workspace import ROOT, packages

TWO_PINS = """\
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
tzdata==2026.3 \\
    --hash=sha256:cc
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the files that the lock is about."""
    for folder in ("", *(package.folder for package in packages())):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(ROOT / folder / "pyproject.toml", tmp_path / folder / "pyproject.toml")
    shutil.copy(ROOT / lock.LOCK, tmp_path / lock.LOCK)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_pins_are_read_with_their_markers() -> None:
    assert read_pins(TWO_PINS) == [
        Pin("numpy", "2.4.6", "python_full_version < '3.12'"),
        Pin("tzdata", "2026.3", ""),
    ]


def test_the_committed_lock_is_in_step(workspace: Path) -> None:
    assert list(lock.problems(workspace)) == []


def test_constraints_are_written_and_read_back(workspace: Path) -> None:
    (workspace / lock.LOCK).write_text(TWO_PINS)
    lock.write_constraints(workspace / "pyproject.toml", read_pins(TWO_PINS))
    found = list(lock.problems(workspace))
    assert not [problem for problem in found if "the constraints" in problem]
    assert [problem for problem in found if problem.startswith("pandas>=")]  # declared, not pinned


def test_another_version_in_the_constraints_is_found(workspace: Path) -> None:
    pin = next(pin for pin in read_pins((ROOT / lock.LOCK).read_text()) if pin.name == "pandas")
    edit(workspace / "pyproject.toml", f'"{pin}"', '"pandas==1.0"')
    assert list(lock.problems(workspace)) == [
        "the constraints in pyproject.toml are not those of requirements.lock"
    ]


def test_a_dependency_nobody_pinned_is_found(workspace: Path) -> None:
    project = workspace / "simutrador-core" / "pyproject.toml"
    edit(project, 'dependencies = ["numpy', 'dependencies = ["left-pad>=1", "numpy')
    assert "left-pad>=1 is declared but not pinned for Python 3.11" in list(
        lock.problems(workspace)
    )


def test_a_pin_below_what_is_declared_is_found(workspace: Path) -> None:
    edit(workspace / "simutrador-core" / "pyproject.toml", "numpy>=2.0", "numpy>=99")
    found = list(lock.problems(workspace))
    assert [problem.partition(" but ")[0] for problem in found] == ["numpy>=99 is declared"] * 3


def test_an_address_in_the_lock_is_refused(workspace: Path) -> None:
    path = workspace / lock.LOCK
    path.write_text(path.read_text() + "# from https://index.example/simple\n")
    assert list(lock.problems(workspace)) == [
        "requirements.lock holds an address; it may hold versions and hashes only"
    ]


def test_a_pin_without_hash_is_found(workspace: Path) -> None:
    path = workspace / lock.LOCK
    path.write_text(path.read_text() + "zzz==1.0\n")
    assert "zzz==1.0 has no hash" in list(lock.problems(workspace))


def test_an_installed_version_other_than_its_pin_is_found() -> None:
    installed = f"pytest {pytest.__version__} is installed, requirements.lock says 1.0"
    assert list(lock.drift([Pin("pytest", "1.0", "")])) == [installed]
    assert list(lock.drift([Pin("pytest", "1.0", "sys_platform == 'nowhere'")])) == []
