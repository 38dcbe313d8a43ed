"""The service's own tables: SQLite by default, PostgreSQL by URL."""

from simutrador_service.database.base import Base, UtcDateTime
from simutrador_service.database.engine import Database
from simutrador_service.database.migrate import KIT, Migrations

__all__ = ["Base", "Database", "KIT", "Migrations", "UtcDateTime"]
