"""`simutrador-data config`: what is set, where, and whether it holds."""

from __future__ import annotations

from simutrador_data.core.addresses import check_host
from simutrador_data.core.settings import load_settings
from simutrador_service.config.commands import config_commands

config = config_commands(
    load_settings,
    check=lambda settings: check_host(settings.api.host),
    facts=lambda settings: {"store": str(settings.data_storage.root)},
)
