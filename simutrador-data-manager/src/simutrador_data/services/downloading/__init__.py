"""Downloads: plan what is missing, ask providers, believe with care, commit page by page."""

from simutrador_data.services.downloading.asks import Patience
from simutrador_data.services.downloading.engine import DownloadRequest, download
from simutrador_data.services.downloading.report import (
    DownloadReport,
    DownloadStatus,
    FailedRange,
    SourceTally,
    SymbolReport,
)
from simutrador_data.services.downloading.watching import Stage, SymbolProgress, Watch

__all__ = [
    "download",
    "DownloadRequest",
    "DownloadReport",
    "DownloadStatus",
    "SymbolReport",
    "SourceTally",
    "FailedRange",
    "Patience",
    "Stage",
    "SymbolProgress",
    "Watch",
]
