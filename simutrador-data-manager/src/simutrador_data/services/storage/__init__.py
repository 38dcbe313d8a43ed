"""The bar store: `ParquetStore` writes and reads, `LocalBars` only reads."""

from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

__all__ = ["ParquetStore", "LocalBars", "FileOps", "DiskError"]
