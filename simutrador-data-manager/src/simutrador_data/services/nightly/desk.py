"""What a run works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.enums import Timeframe
from simutrador_data.core.nightly_settings import NightlyUpdateSection
from simutrador_data.services.downloading import Patience
from simutrador_data.services.nightly.run import NightlyRun
from simutrador_data.services.nightly.state import RunState


@dataclass(frozen=True, slots=True)
class Desk:
    """What the symbols of a run share.

    Attributes:
        run: What is to be done.
        section: The settings.
        store: Where bars are, and go.
        registry: What is known about symbols.
        providers: Whom to ask, in this order.
        state: Where each symbol stands.
        turns: As many as symbols may be asked of the vendor side by side.
        cancel: Set when the run is to stop.
        now: The clock, aware.
        quarantine: Folder for the lists of rejected rows; None writes none.
        patience: How often a range is asked for again; None takes the usual.
    """

    run: NightlyRun
    section: NightlyUpdateSection
    store: BarStore
    registry: AssetRegistry
    providers: Sequence[DataProvider]
    state: RunState
    turns: asyncio.Semaphore
    cancel: asyncio.Event
    now: Callable[[], datetime]
    quarantine: Path | None = None
    patience: Patience | None = None

    @property
    def validates(self) -> bool:
        """Whether sessions are judged before and after."""
        return self.run.force_validation and self.section.enable_data_validation

    @property
    def targets(self) -> Sequence[Timeframe]:
        """The timeframes to make."""
        wanted = self.run.enable_resampling and self.section.enable_auto_resampling
        return self.section.target_timeframes if wanted else ()
