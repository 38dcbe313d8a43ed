"""What a nightly update is asked to do."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from simutrador_core.utils.validation import parse_symbol
from simutrador_data.models.nightly_update_api import MOST_SYMBOLS
from simutrador_data.services.nightly.dates import Dates

KIND: Final = "nightly_update"
"""The kind of job that a run is."""

Symbol = Annotated[str, Field(max_length=300), AfterValidator(parse_symbol)]


class NightlyRun(BaseModel):
    """The parameters of a run, as its job keeps them.

    Attributes:
        symbols: Canonical symbols, each once.
        force_validation: Whether sessions are judged before and after.
        max_concurrent: Symbols worked on side by side.
        enable_resampling: Whether longer timeframes are made.
        start_date, end_date: First and last session, where they were given.
        retry_of: The run whose rest this one does.
        scheduled: Whether a schedule asked for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: tuple[Symbol, ...] = Field(min_length=1, max_length=MOST_SYMBOLS)
    force_validation: bool = True
    max_concurrent: int = Field(default=3, ge=1, le=100)
    enable_resampling: bool = True
    start_date: date | None = None
    end_date: date | None = None
    retry_of: str | None = Field(default=None, max_length=32)
    scheduled: bool = False

    @property
    def dates(self) -> Dates:
        """The sessions that were asked for."""
        return Dates(self.start_date, self.end_date)

    @property
    def at_once(self) -> int:
        """Symbols worked on side by side: there are no more than there are."""
        return min(self.max_concurrent, len(set(self.symbols)))
