"""What every SimuTrador service shares; import what you need from the sub-packages."""

from __future__ import annotations

from typing import Final

__version__: Final = "1.0.0"

__all__ = ["__version__"]
