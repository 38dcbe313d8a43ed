"""Splits, dividends, renames and delistings: kept beside the bars, applied when bars are read."""
