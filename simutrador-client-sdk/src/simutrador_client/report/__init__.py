"""A run as one HTML file: everything inline, nothing fetched from anywhere."""

from simutrador_client.report.page import RunFacts, metrics, page

__all__ = ["RunFacts", "metrics", "page"]
