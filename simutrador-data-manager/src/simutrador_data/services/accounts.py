"""Opens the keys and users of the service, with their database."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from simutrador_service.auth.accounts import Accounts, open_accounts
from simutrador_service.database import KIT, Database

if TYPE_CHECKING:
    from simutrador_data.core.settings import Settings

SCOPES: Final = ("bars:read",)
"""What a key may do unless it is made for something else."""


@contextmanager
def opened_accounts(settings: Settings) -> Generator[Accounts]:
    """Yield the accounts that the settings name; their database is made when absent.

    Raises:
        SettingsError: the database or the signing key cannot be used.
    """
    folder = settings.service_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database_url)
    try:
        KIT.upgrade(database)
        accounts = open_accounts(database, settings.auth, data=folder)
        try:
            yield accounts
        finally:
            accounts.close()
    finally:
        database.close()
