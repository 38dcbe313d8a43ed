"""Python SDK of SimuTrador: trade a strategy against replayed market data."""
