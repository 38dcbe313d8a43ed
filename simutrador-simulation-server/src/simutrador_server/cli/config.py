"""`simutrador-server config`: what is set, where, and whether it holds."""

from __future__ import annotations

from simutrador_server.core.settings import load_settings
from simutrador_service.config.commands import config_commands

config = config_commands(load_settings)
