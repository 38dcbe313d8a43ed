"""Opens keys and users for one command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simutrador_data.cli.session import settings_for

if TYPE_CHECKING:
    from simutrador_service.auth.accounts import Accounts
    from simutrador_service.cli import Place


@contextmanager
def accounts_at(place: Place) -> Generator[Accounts]:
    """Yield the accounts that the options before the command name.

    Raises:
        SettingsError: the settings, the database or the folder of the service cannot be used.
    """
    from simutrador_data.services.accounts import opened_accounts

    settings = settings_for(place.data, env_file=place.env_file, config_file=place.config)
    with opened_accounts(settings) as accounts:
        yield accounts
