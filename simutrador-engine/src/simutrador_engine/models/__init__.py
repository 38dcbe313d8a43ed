"""Frozen values: configuration, commands, events, decimals."""
