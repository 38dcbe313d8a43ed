"""The ledger: cash, lots, round trips."""
