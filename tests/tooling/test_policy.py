import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simutrador_tools import policy
from simutrador_tools.workspace import ROOT, packages


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of what the policy reads and writes."""
    for file in ("pyproject.toml", *policy.COPIES):
        shutil.copy(ROOT / file, tmp_path / file)
    for package in packages():
        (tmp_path / package.folder).mkdir()
        for file in ("pyproject.toml", *policy.COPIES.values()):
            shutil.copy(package.path / file, tmp_path / package.folder / file)
    return tmp_path


def test_a_changed_copy_is_found_and_brought_back(workspace: Path) -> None:
    copy = workspace / "simutrador-core" / "ruff.toml"
    copy.write_text("line-length = 200\n")
    assert policy.stale(workspace) == [copy]
    assert policy.write(workspace) == [copy]
    assert copy.read_bytes() == (ROOT / "ruff.toml").read_bytes()


def test_an_absent_copy_is_found(workspace: Path) -> None:
    (workspace / "simutrador-core" / "pyrightconfig.json").unlink()
    assert policy.stale(workspace) == [workspace / "simutrador-core" / "pyrightconfig.json"]


def ruff_codes(folder: Path, source: str) -> set[str]:
    pytest.importorskip("ruff", reason="ruff is not installed: uv sync --group lint")
    (folder / "ruff.toml").write_bytes((ROOT / "ruff.toml").read_bytes())
    module = folder / "src" / "package" / "module.py"
    module.parent.mkdir(parents=True)
    (module.parent / "__init__.py").write_text('"""Package."""\n')
    module.write_text(source)
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "."]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    return {line.split(" ")[1] for line in output.splitlines() if ".py:" in line}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("X = 1\n", "D100"),
        ('"""M."""\n\n\nclass Public:\n    x = 1\n', "D101"),
        (
            '"""M."""\n\n\nclass P:\n    """P."""\n\n    def run(self) -> None:\n        return\n',
            "D102",
        ),
        (
            '"""M."""\n\n\nclass P:\n    """P."""\n\n    @property\n    def x(self): return 1\n',
            "D102",
        ),
        ('"""M."""\n\n\ndef run() -> None:\n    return\n', "D103"),
    ],
)
def test_every_public_name_needs_a_docstring(tmp_path: Path, source: str, code: str) -> None:
    assert code in ruff_codes(tmp_path, source)


def branches(count: int) -> str:
    lines = [f"    if x == {n}:\n        return {n}\n" for n in range(count)]
    return '"""M."""\n\n\ndef pick(x: int) -> int:\n    """Return x."""\n' + "".join(lines)


@pytest.mark.parametrize(("ifs", "refused"), [(9, False), (10, True)])
def test_complexity_above_10_is_refused(tmp_path: Path, ifs: int, refused: bool) -> None:
    assert ("C901" in ruff_codes(tmp_path, branches(ifs) + "    return -1\n")) is refused
