"""The command `simutrador-client`."""
