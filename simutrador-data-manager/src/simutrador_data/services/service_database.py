"""The database of the service: keys, users, budgets and jobs, in one place."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from simutrador_data.core.settings import Settings
from simutrador_data.services.nightly.table import NIGHTLY
from simutrador_service.database import KIT, Database
from simutrador_service.errors import SettingsError


@contextmanager
def opened_database(settings: Settings) -> Generator[Database]:
    """Yield the database that the settings name, up to date; it is made when absent.

    Raises:
        SettingsError: it cannot be used, or its folder cannot be made.
    """
    folder = settings.service_folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise SettingsError(
            f"{folder}, where keys, users and jobs are kept, cannot be made ({e.strerror}); let "
            "the service write there, or name another folder with DATA_STORAGE__SERVICE_PATH",
            field="service_path",
        ) from e
    database = Database(settings.database_url)
    try:
        KIT.upgrade(database)
        NIGHTLY.upgrade(database)
        yield database
    finally:
        database.close()
