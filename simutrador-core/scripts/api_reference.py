"""Write docs/api-reference.md from the docstrings; `--check` only says whether it is up to date.

It reads the source as text, so it imports nothing and gives the same on every Python.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "src"
TARGET: Final = ROOT / "docs" / "api-reference.md"
HEAD: Final = """# API reference

Every public name of simutrador-core, by the module that defines it. Those of `models`, `utils`,
`interfaces`, `errors` and `dataset`, and the main ones of `sessions` and `assets`, can be imported
from `simutrador_core` too.
Written by `scripts/api_reference.py` from the docstrings; do not edit it here.
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SECTION: Final = re.compile(r"(Args|Attributes|Returns|Yields|Raises|Source):\s*(.*)")
_ENTRY: Final = re.compile(r"    ([\w*, ]+): (.*)")


def main() -> int:
    """Write or check the reference; return 1 when a check finds it out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--target", type=Path, default=TARGET, help="the file (default: in docs)")
    options = parser.parse_args()
    text = "\n".join([HEAD, *reference()])
    if not options.check:
        options.target.parent.mkdir(exist_ok=True)
        options.target.write_text(text, encoding="utf-8")
        return 0
    if options.target.is_file() and options.target.read_text("utf-8") == text:
        return 0
    print(f"{options.target.name} is out of date; run: python scripts/api_reference.py")
    return 1


def reference() -> Iterator[str]:
    """Yield the reference, piece by piece, in the order of module names."""
    files = {module_name(path): path for path in SOURCE.rglob("*.py")}
    for module in sorted(files):
        if any(part.startswith("_") for part in module.split(".")):
            continue
        tree = ast.parse(files[module].read_text("utf-8"))
        parts = list(definitions(tree))
        if parts:
            yield f"## `{module}`\n"
            yield from prose(ast.get_docstring(tree))
            yield from parts


def module_name(path: Path) -> str:
    """Return the dotted name of a source file."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def definitions(tree: ast.Module) -> Iterator[str]:
    """Yield the public constants, functions and classes of a module, in its order."""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef) and is_public(node.name):
            yield from class_entry(node)
        elif isinstance(node, Function) and is_public(node.name):
            yield from function_entry(node, level=3)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = constant_text(after)
            if is_public(node.target.id) and text:
                yield f"### `{node.target.id}`\n"
                yield from prose(text)


def class_entry(node: ast.ClassDef) -> Iterator[str]:
    """Yield a class: its fields or members, its docstring, its public methods."""
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    yield f"### `class {node.name}({bases})`\n" if bases else f"### `class {node.name}`\n"
    fields = [line for child in node.body for line in field_lines(child)]
    if fields:
        yield "\n".join(["```python", *fields, "```", ""])
    yield from prose(ast.get_docstring(node))
    for child in node.body:
        if isinstance(child, Function) and is_public(child.name):
            yield from function_entry(child, level=4)


def field_lines(node: ast.stmt) -> Iterator[str]:
    """Yield the line of a field or an enum's member; nothing for other statements."""
    if isinstance(node, ast.AnnAssign) and is_public(ast.unparse(node.target)):
        yield ast.unparse(node)
    elif isinstance(node, ast.Assign) and is_public(ast.unparse(node.targets[0])):
        line = ast.unparse(node)
        if not line.startswith("model_config"):
            yield line


def function_entry(node: Function, *, level: int) -> Iterator[str]:
    """Yield a function or method: its signature and its docstring."""
    arguments = ast.unparse(node.args)
    arguments = re.sub(r"^(self|cls)(, )?(/, )?", "", arguments)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    shown = f"{node.name}({arguments}){returns}"
    if "property" in decorators:
        shown = f"{node.name}{returns.replace(' -> ', ': ')}"
    yield f"{'#' * level} `{shown}`\n"
    yield from prose(ast.get_docstring(node))


def prose(docstring: str | None) -> Iterator[str]:
    """Yield a docstring as Markdown: sections in bold, their entries as a list."""
    if not docstring:
        return
    lines: list[str] = []
    for line in docstring.splitlines():
        section, entry = _SECTION.fullmatch(line), _ENTRY.fullmatch(line)
        if section:
            lines += [f"**{section[1]}** {section[2]}".rstrip(), ""]
        elif entry:
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(line.replace("        ", "  ", 1))
    yield "\n".join([*lines, ""])


def constant_text(node: ast.stmt | None) -> str | None:
    """Return the docstring that follows a constant, or None."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return None


def is_public(name: str) -> bool:
    """Return whether a name is for users: no underscore in front, no test of a contract suite."""
    return not name.startswith(("_", "test_"))


if __name__ == "__main__":
    sys.exit(main())
