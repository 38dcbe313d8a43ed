"""The hash of the rows that several queries read, for readers elsewhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.api.dependencies import PROBLEMS, ServicesDep
from simutrador_data.api.parameters import known_parameters
from simutrador_data.services.serving.reading import explained
from simutrador_service.auth import require

MOST_QUERIES: Final = 10_000

router = APIRouter(
    prefix="/trading-data",
    tags=["Trading Data"],
    dependencies=[require("bars:read"), Depends(known_parameters)],
)


class QueryText(BaseModel):
    """One query: the bars of a series that open in `[start, end)`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str = Field(min_length=1, max_length=300, examples=["AAPL"])
    timeframe: Timeframe
    start: datetime = Field(description="With a zone")
    end: datetime = Field(description="With a zone")
    adjustment: Adjustment = Adjustment.RAW
    actions_as_of: date | None = None
    as_of: int | None = Field(default=None, ge=0, le=2**62)

    def query(self) -> BarQuery:
        """Return the query.

        Raises:
            InvalidRangeError: an end has no zone, or they are reversed.
        """
        return BarQuery(
            self.symbol,
            self.timeframe,
            self.start,
            self.end,
            self.adjustment,
            actions_as_of=self.actions_as_of,
            as_of=self.as_of,
        )


class Queries(BaseModel):
    """What is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queries: Annotated[list[QueryText], Field(max_length=MOST_QUERIES)]


class DatasetId(BaseModel):
    """The answer."""

    model_config = ConfigDict(frozen=True)

    dataset_id: str


@router.post("/dataset-id", responses=PROBLEMS)
def get_dataset_id(services: ServicesDep, asked: Queries) -> DatasetId:
    """Return the hash of exactly the rows these queries read, in whatever order they are given.

    Those without `as_of` read one version, the newest.
    """
    queries = [one.query() for one in asked.queries]
    with explained(services.bars, queries):
        return DatasetId(dataset_id=services.ids.of(services.bars, queries))
