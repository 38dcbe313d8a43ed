"""The bar store as a Delta Lake table (extra `delta`)."""

from simutrador_data.services.storage.delta.store import DeltaStore

__all__ = ["DeltaStore"]
