"""Reversible repair of stored bars; see docs/repair.md."""
