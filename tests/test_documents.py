"""The root's documents: links lead somewhere, indexes are whole."""

import json
import re
from pathlib import Path

import pytest

from simutrador_tools.workspace import ROOT, packages

DECISIONS = ROOT / "docs" / "decisions"
FOLDERS = [ROOT, *(package.path for package in packages())]
DOCUMENTS = sorted(
    document
    for folder in FOLDERS
    for pattern in ("*.md", "docs/**/*.md")
    for document in folder.glob(pattern)
)


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as Markdown renderers make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_decision_is_in_the_index_with_its_title() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    for page in DECISIONS.glob("[0-9]*.md"):
        number, _, title = page.read_text(encoding="utf-8").splitlines()[0][2:].partition(". ")
        assert page.name.startswith(number)
        assert f"- [{number}]({page.name}) {title}\n" in index


def test_every_decision_says_context_decision_and_consequences() -> None:
    for page in DECISIONS.glob("[0-9]*.md"):
        words = re.findall(r"^\*\*(\w+)\.\*\*", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert words == ["Context", "Decision", "Consequences"], page.name


def test_the_editor_workspace_opens_every_package() -> None:
    opened = json.loads((ROOT / "simutrador.code-workspace").read_text(encoding="utf-8"))
    folders = [folder["path"] for folder in opened["folders"]]
    assert sorted(folders) == sorted([".", *(package.folder for package in packages())])
