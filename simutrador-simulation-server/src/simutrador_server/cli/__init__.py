"""The command `simutrador-server`."""
