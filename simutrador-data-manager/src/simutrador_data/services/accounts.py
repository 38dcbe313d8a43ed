"""Who may call the service: keys and log-ins of its database, or everybody of this machine."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from simutrador_data.core.settings import Settings
from simutrador_data.services.service_database import opened_database
from simutrador_service.auth import (
    Accounts,
    Authenticator,
    Exposure,
    can_be_reached,
    guard_exposure,
    open_accounts,
)
from simutrador_service.errors import SettingsError

SCOPES: Final = ("bars:read",)
"""What a key may do unless it is made for something else."""

SECTION: Final = "API"
"""What our settings call the section of the server."""


@contextmanager
def opened_accounts(settings: Settings) -> Generator[Accounts]:
    """Yield the accounts that the settings name; their database is made when absent.

    Raises:
        SettingsError: the database or the signing key cannot be used, or their folder not be made.
    """
    with opened_database(settings) as database:
        accounts = open_accounts(database, settings.auth, data=settings.service_folder)
        try:
            yield accounts
        finally:
            accounts.close()


def admission(
    settings: Settings, accounts: Accounts | None
) -> tuple[Exposure | None, Authenticator | None]:
    """Return whether the service is open, and who knows the credentials of those it asks for one.

    When nobody could get in, a first key is written into the service's folder.

    Args:
        settings: Where it listens, and whether it asks who calls.
        accounts: Who may call it; None leaves it open to this machine alone.

    Raises:
        SettingsError: others can reach it and it would ask for no key.
    """
    if accounts is not None:
        exposure = guard_exposure(
            settings.api,
            settings.auth,
            keys=accounts.keys,
            data=settings.service_folder,
            section=SECTION,
        )
        return exposure, accounts.authenticator(is_open=exposure.is_open)
    if settings.auth.enabled or can_be_reached(settings.api):
        raise SettingsError(
            "this application has no accounts, so it is open and for this machine alone; hand it "
            "some, start it with `simutrador-data serve`, or set API__HOST=127.0.0.1 and neither "
            "API__PUBLIC_URL nor AUTH__ENABLED=true",
            field="host",
        )
    return None, None
