"""Market data for trading simulations: import, validate, resample, store and serve OHLCV bars."""
