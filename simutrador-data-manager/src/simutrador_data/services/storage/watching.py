"""How a long task tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Watch: TypeAlias = Callable[[int, int], None]
"""Called with how much is done and how much there is to do in all."""


def nobody(done: int, total: int) -> None:
    """Watch nothing."""


__all__ = ["Watch", "nobody"]
