from pathlib import Path

import pytest

from simutrador_tools import benchmark
from simutrador_tools.pre_push import touched
from simutrador_tools.workspace import ToolError, find_package, packages, short_name

PROJECT = """
[project]
name = "{name}"
dependencies = [{needs}]
[tool.hatch.build.targets.wheel]
packages = ["src/{module}"]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three packages, listed top first: `top` needs `middle` needs `base`."""
    members = '["top", "middle", "base"]'
    (tmp_path / "pyproject.toml").write_text(f"[tool.uv.workspace]\nmembers = {members}\n")
    for name, needs in [("top", '"Acme_Middle>=1"'), ("middle", '"acme-base[x]>=1"'), ("base", "")]:
        (tmp_path / name).mkdir()
        text = PROJECT.format(name=f"acme-{name}", needs=needs, module=f"acme_{name}")
        (tmp_path / name / "pyproject.toml").write_text(text)
    return tmp_path


def test_packages_come_after_what_they_need(workspace: Path) -> None:
    found = packages(workspace)
    assert [package.folder for package in found] == ["base", "middle", "top"]
    assert found[2].siblings == ("base", "middle")


def test_a_package_is_found_by_folder_distribution_or_short_name() -> None:
    assert find_package("data-manager") == find_package("simutrador-data-manager")
    assert short_name(find_package("core")) == "core"


def test_an_unknown_package_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match=r"no package 'cor'; there are simutrador-core"):
        find_package("cor")


def test_a_push_touches_the_packages_whose_files_changed() -> None:
    files = {"simutrador-core/README.md", "docs/glossary.md", "simutrador-core-other/x.py"}
    assert [package.folder for package in touched(files, packages())] == ["simutrador-core"]


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["no-such"]) == 2
    assert "no benchmark 'no-such'" in capsys.readouterr().err


def test_benchmarks_are_the_folders_with_a_run_file(tmp_path: Path) -> None:
    (tmp_path / "benchmarks" / "storage").mkdir(parents=True)
    (tmp_path / "benchmarks" / "storage" / "run.py").touch()
    assert list(benchmark.available(tmp_path)) == ["storage"]
