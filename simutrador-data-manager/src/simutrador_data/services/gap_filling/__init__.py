"""Gap filling: what the ledger lists as absent is asked for, once, and what is learnt is kept."""

from simutrador_data.services.gap_filling.engine import FillRequest, fill_gaps
from simutrador_data.services.gap_filling.report import (
    FillReport,
    GapFillResult,
    SymbolFill,
)

__all__ = ["fill_gaps", "FillReport", "FillRequest", "GapFillResult", "SymbolFill"]
