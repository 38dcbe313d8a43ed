"""Two accounts of the same bars: of two vendors, or of two timeframes, side by side."""

from simutrador_data.services.comparing.differences import (
    BarDifferences,
    Tolerance,
    differences,
    joined_differences,
)

__all__ = ["BarDifferences", "Tolerance", "differences", "joined_differences"]
