"""What the REST interface answers with, beside core's `PriceDataSeries`."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from simutrador_core.models.enums import Adjustment, Alignment, GapReason, Timeframe


class Answer(BaseModel):
    """Base of all answers: frozen."""

    model_config = ConfigDict(frozen=True)


class SeriesEntry(Answer):
    """One series; `derived` where it is made of the raw one and its corporate actions on read."""

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment
    rows: int
    first: datetime | None
    last: datetime | None
    first_session: date | None = None
    last_session: date | None = None
    derived: bool = False


class ColumnsOfSeries(Answer):
    """Bars of one symbol as columns of equal length."""

    symbol: str
    opened_at: list[int] = Field(description="Microseconds since 1970, UTC: when each bar opens")
    session: list[date] | None = Field(
        default=None, description="Daily bars and longer, and shorter ones stored with sessions"
    )
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    synthetic: list[bool] | None = Field(
        default=None, description="Generated or filled bars; left out where none is"
    )


class BarColumns(Answer):
    """Bars as columns of numbers; every number has the fewest digits that read back exactly."""

    timeframe: Timeframe
    adjustment: Adjustment
    dataset_id: str = Field(description="Hash of exactly these rows")
    as_of: int = Field(description="Their version: give it as `as_of` to read the same again")
    series: list[ColumnsOfSeries] = Field(
        description="A series of more than 65,536 bars comes as several entries, oldest first"
    )


class ChartColumns(Answer):
    """Bars joined into at most as many points as were asked for.

    Attributes:
        bars_per_point: How many bars each point holds (the first may hold fewer).
        total_bars: How many bars the range has.
        ended_at: When the last bar of each point opens, microseconds since 1970, UTC.
        synthetic: Which points hold a generated or filled bar; left out where none does.
    """

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment
    bars_per_point: int
    total_bars: int
    opened_at: list[int]
    ended_at: list[int]
    session: list[date] | None = None
    synthetic: list[bool] | None = None
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


class GapGrouping(StrEnum):
    """Whether gaps come run by run, or joined where they follow each other."""

    RUN = "run"
    SPAN = "span"


class GapEntry(Answer):
    """A run of absent bars with its one reason, or several that follow each other.

    Attributes:
        session: Session of the first run.
        last_session: Session of the last run.
        runs: How many runs are joined; 1 unless `group=span` was asked for.
    """

    symbol: str
    timeframe: Timeframe
    session: date
    last_session: date
    start: datetime
    end: datetime
    expected: int
    runs: int
    reason: GapReason
    evidence: str


class ReasonCount(Answer):
    """How much is absent for one reason."""

    bars: int
    runs: int


class LedgerSummary(Answer):
    """Expected against stored, over one range of one series.

    Attributes:
        completeness: Stored over expected, 0 to 1; bars that cannot exist (not listed, halted, no
            trade) do not count as expected.
        is_explained: Whether no absent bar is left without a reason.
        reasons: Absent bars and runs by reason.
        outside_hours: Stored bars outside of the exchange's hours.
        off_grid: Stored bars inside the hours that do not start where bars start.
    """

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment
    calendar: str
    alignment: Alignment
    start: datetime
    end: datetime
    rows: int
    expected: int
    present: int
    completeness: float
    is_explained: bool
    reasons: dict[str, ReasonCount]
    outside_hours: int
    off_grid: int


class GapLedger(Answer):
    """The gaps of one series: `gaps` is one page of `total`, in time order."""

    summary: LedgerSummary
    total: int
    page: int
    page_size: int
    gaps: list[GapEntry]


class Closure(Answer):
    """A weekday without a session, or the hours an early close cut off."""

    session: date
    name: str


class CoverageColumns(Answer):
    """Per session: bars expected, bars stored, and the main reason of what is absent.

    Attributes:
        expected: Bars the calendar has; `expected - excused` is how many there can be.
        excused: Absent bars that cannot exist: not listed, delisted, halted or without a trade.
    """

    summary: LedgerSummary
    session: list[date]
    expected: list[int]
    present: list[int]
    excused: list[int]
    reason: list[GapReason | None]
    closures: list[Closure]


class CommitSeries(Answer):
    """Which series of the symbol a commit touched."""

    timeframe: Timeframe
    adjustment: Adjustment


class CommitEntry(Answer):
    """One commit: what changed, and where it came from.

    Attributes:
        series: Those of the symbol asked for.
        other_series: How many series of other symbols the same commit touched.
        added: Rows of the whole commit, other symbols included; likewise `replaced`, `removed`.
        fetched_at: When the source answered.
    """

    id: int
    at: datetime
    series: list[CommitSeries]
    other_series: int
    added: int
    replaced: int
    removed: int
    source: str
    request: str
    fetched_at: datetime | None
    code_version: str


class History(Answer):
    """One page of the commits of a symbol and timeframe, newest first."""

    symbol: str
    timeframe: Timeframe
    page: int
    page_size: int
    has_next: bool
    commits: list[CommitEntry]


class DifferenceCounts(Answer):
    """How many bars of each kind a page holds."""

    added: int
    removed: int
    changed: int


class ChangedColumns(Answer):
    """Bars that both versions have, as each of them has them, in the same order."""

    before: ColumnsOfSeries
    after: ColumnsOfSeries


class DifferencePage(Answer):
    """What two versions of a series do not share, in time order.

    Attributes:
        added: Bars only the later version has.
        removed: Bars only the earlier version has.
        next_start: Where more follow: the `start` of the next page.
    """

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment
    from_commit: int
    to_commit: int
    counts: DifferenceCounts
    added: ColumnsOfSeries
    removed: ColumnsOfSeries
    changed: ChangedColumns
    next_start: datetime | None


class ServiceHealth(Answer):
    """That the service answers, in the words of earlier releases."""

    status: str = "healthy"
    service: str = "trading-simulator"
