"""Files of bars: CSV, Parquet and Lean zips, detected, checked and read page by page."""

from simutrador_data.services.data_providers.files.calendars import Calendars, RegistryCalendars
from simutrador_data.services.data_providers.files.detect import SUFFIXES, open_bar_file
from simutrador_data.services.data_providers.files.model import (
    BarFile,
    DateOrder,
    Description,
    Fact,
    FilePage,
    ImportOptions,
    Label,
    NotBarsError,
    Quotes,
    RejectedRow,
)

__all__ = [
    "open_bar_file",
    "ImportOptions",
    "BarFile",
    "Description",
    "Fact",
    "FilePage",
    "RejectedRow",
    "Label",
    "Quotes",
    "DateOrder",
    "NotBarsError",
    "Calendars",
    "RegistryCalendars",
    "SUFFIXES",
]
