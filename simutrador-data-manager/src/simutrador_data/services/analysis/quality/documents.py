"""Findings as plain documents, for `--json` and routes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from simutrador_core.models.bars import Bars, from_us
from simutrador_data.services.analysis.quality.checking import Checked
from simutrador_data.services.analysis.quality.findings import Finding, Severity
from simutrador_data.services.serving.text_formats import columns

MOST_BARS: Final = 20
"""Bars a finding shows at most."""


def checked_document(checked: Checked, *, most: int | None = None) -> dict[str, Any]:
    """Return what `orjson` can write of one series: counts, and the first `most` findings."""
    errors = sum(one.severity is Severity.ERROR for one in checked.findings)
    series = checked.series
    return {
        "symbol": series.symbol,
        "timeframe": str(series.timeframe),
        "adjustment": str(series.adjustment),
        "bars": checked.bars,
        "checks": [str(check) for check in checked.checks],
        "errors": errors,
        "warnings": len(checked.findings) - errors,
        "passed": not errors,
        "findings": [finding_document(one) for one in checked.findings[:most]],
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return what `orjson` can write of a finding."""
    bars = finding.bars
    return {
        "check": str(finding.check),
        "severity": str(finding.severity),
        "rule": finding.rule,
        "figure": float(finding.figure),
        "limit": float(finding.limit),
        "start": from_us(int(bars.opened_at[0])),
        "end": from_us(int(bars.opened_at[-1])),
        "count": len(bars),
        "bars": _columns(bars),
        "other": None if finding.other is None else _columns(finding.other),
    }


def _columns(bars: Bars) -> dict[str, Any]:
    shown = columns(bars.take(slice(0, MOST_BARS)))
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in shown.items()
    }


__all__ = ["checked_document", "finding_document"]
