"""What routes are given: the open store, the asset registry, and parsed parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from pydantic import BeforeValidator

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.api.turns import Turns
from simutrador_data.core.settings import Settings
from simutrador_data.services.corporate_actions.adjusted_store import AdjustedStore
from simutrador_data.services.serving.dataset_ids import DatasetIds
from simutrador_service.errors import UnavailableError
from simutrador_service.jobs import Jobs
from simutrador_service.problems import problem_answers

PROBLEMS: Final = problem_answers(404, 422)


@dataclass(frozen=True, slots=True)
class Services:
    """What one running application holds.

    Attributes:
        settings: How it runs.
        store: Its bars as they are stored.
        registry: What is known about symbols.
        adjusted: The same with adjusted series made on read; None where no actions are kept.
        ids: Hashes of ranges of the store asked for before.
        turns: Where short work of the processor is done.
        jobs: Its long tasks; None where the application was given no accounts, and so no database.
    """

    settings: Settings
    store: BarStore
    registry: AssetRegistry
    adjusted: AdjustedStore | None = None
    ids: DatasetIds = field(default_factory=DatasetIds)
    turns: Turns = field(default_factory=Turns)
    jobs: Jobs | None = None

    @property
    def bars(self) -> BarStore:
        """The bars to answer with: adjusted on read where actions are kept."""
        return self.store if self.adjusted is None else self.adjusted


async def get_services(request: Request) -> Services:
    """Return what the application holds."""
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(get_services)]


async def get_jobs(services: ServicesDep) -> Jobs:
    """Return the long tasks of the application.

    Raises:
        UnavailableError: it was made without a database.
    """
    if services.jobs is None:
        raise UnavailableError(
            "this application was made without accounts, so it has no database for jobs; hand it "
            "some, or start it with `simutrador-data serve`"
        )
    return services.jobs


JobsDep = Annotated[Jobs, Depends(get_jobs)]


async def _timeframe(
    timeframe: Annotated[
        str,
        Query(
            description=f"One of {', '.join(Timeframe)}; aliases such as 1m or 1D are accepted.",
            examples=["daily"],
            max_length=20,
        ),
    ] = Timeframe.MINUTE_1,
) -> Timeframe:
    return parse_timeframe(timeframe)


TimeframeDep = Annotated[Timeframe, Depends(_timeframe)]


async def _symbol(
    symbol: Annotated[
        str, Query(description="A symbol in any letter case.", examples=["AAPL"], max_length=300)
    ],
) -> str:
    return parse_symbol(symbol)


SymbolDep = Annotated[str, Depends(_symbol)]


async def _symbol_in_path(
    symbol: Annotated[
        str, Path(description="A symbol in any letter case; `EUR/USD` may be written as it is.")
    ],
) -> str:
    return parse_symbol(symbol)


PathSymbolDep = Annotated[str, Depends(_symbol_in_path)]

AdjustmentParam = Annotated[
    Adjustment, Query(description="Prices as traded, or corrected for splits, or for all actions.")
]
ActionsAsOfParam = Annotated[
    date | None,
    BeforeValidator(lambda text: text or None),  # a form sends an empty text for nothing
    Query(
        description=(
            "Adjust by the splits and dividends in effect and known on that date; all by default."
        ),
        examples=["2014-06-06"],
    ),
]
BoundText = Annotated[
    str | None,
    Query(
        description=(
            "A date (a trading day of the exchange) or an instant with a time zone: "
            "2013-01-02, 2013-01-02T14:30:00Z."
        ),
        max_length=64,
    ),
]
