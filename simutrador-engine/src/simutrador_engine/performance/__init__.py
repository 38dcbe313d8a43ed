"""Numbers about a finished run; formulas in docs/metrics.md."""
