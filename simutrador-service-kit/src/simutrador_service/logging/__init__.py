"""Structured logs, the standard library's included, that never show a secret."""

from simutrador_service.logging.loggers import get_logger
from simutrador_service.logging.secrets import MASK, mask, mask_credentials, mask_text
from simutrador_service.logging.setup import LogFormat, configure_logging

__all__ = [
    "LogFormat",
    "MASK",
    "configure_logging",
    "get_logger",
    "mask",
    "mask_credentials",
    "mask_text",
]
