"""Finding the strategy in a file the user names."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from simutrador_client.bar_strategy import BarStrategyAdapter
from simutrador_core.errors import InputError


def load_strategy(target: str) -> tuple[str, object]:
    """Return name and instance of the strategy in `FILE.py` or `FILE.py:Class`.

    Without a class name the file must define exactly one class with an `on_tick`, or an `on_bar`
    (a strategy of the engine, which is adapted).

    Raises:
        InputError: there is no such file or class, several classes qualify, or making the
            strategy failed.
    """
    file, _, wanted = target.partition(".py:")
    path = Path(f"{file}.py" if wanted else target)
    module = _load(path)
    kind = getattr(module, wanted, None) if wanted else _only_strategy(module, path)
    if not isinstance(kind, type):
        raise InputError(f"{path} has no class {wanted!r}", field="strategy")
    try:
        made = kind()
    except TypeError as e:
        raise InputError(f"{kind.__name__} of {path} needs arguments: {e}", field="strategy") from e
    return kind.__name__, BarStrategyAdapter(made) if hasattr(kind, "on_bar") else made


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"there is no file {path}", field="strategy")
    spec = importlib.util.spec_from_file_location(f"strategy_{path.stem}", path.resolve())
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file", field="strategy")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    sys.path.insert(0, str(path.resolve().parent))  # so that it may import its neighbours
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError) as e:
        raise InputError(f"{path} cannot be loaded: {e}", field="strategy") from e
    return module


def _only_strategy(module: ModuleType, path: Path) -> type[Any]:
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and (hasattr(value, "on_tick") or hasattr(value, "on_bar"))
    ]
    if len(found) != 1:
        names = ", ".join(kind.__name__ for kind in found) or "none"
        raise InputError(
            f"{path} must define one class with an on_tick or on_bar, found {names}; "
            f"name one: {path}:NAME",
            field="strategy",
        )
    return found[0]
