"""What a run is configured with: everything that, with data and commands, decides its event log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Final

from simutrador_core.errors import InputError
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Schedule
from simutrador_engine.models.decimals import plain

FILL_CONTRACT = 1
LOG_FORMAT = 1

LARGEST: Final = Decimal("1e15")
SMALLEST_STEP: Final = Decimal("1e-18")
MOST_LEVERAGE: Final = Decimal(1000)
WHOLE_PRICE_BPS: Final = Decimal(10_000)


class FillPolicy(StrEnum):
    """What is assumed where a bar does not tell in which order its prices came."""

    PESSIMISTIC = "pessimistic"
    OPTIMISTIC = "optimistic"


class ShortSelling(StrEnum):
    """Whether a position may become negative."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"


_WORDS: Final[Mapping[str, type[StrEnum]]] = {
    "timeframe": Timeframe,
    "policy": FillPolicy,
    "short_selling": ShortSelling,
}


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """The configuration of one run; equal configurations have equal digests.

    Attributes:
        symbols: Traded symbols; their order decides ties within one instant.
        timeframe: Timeframe of every series.
        cash: Starting cash, account currency, above zero, at most 1e15.
        commission_per_share: Fee for each unit filled, account currency.
        slippage_bps: Worsening of market and stop fills, basis points of the price,
            below 10000.
        policy: What is assumed inside a bar.
        short_selling: Whether a position may become negative.
        leverage: Gross exposure allowed when an order is accepted, as a multiple of equity,
            at most 1000.
        tick_sizes: Least price step by symbol, 1e-18 to 1e15; 0.01 where absent.
        lot_sizes: Least quantity step by symbol, 1e-18 to 1e15; 1 where absent.
        schedules: Session hours by symbol; UTC days where absent.
        dataset_id: Name of the exact bars traded against, as the store gives it.
        start: Bars that close at or before this instant (microseconds UTC) are history: seen, not
            traded. None starts before the first bar.
        seed: Seed of random models; none is random yet.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe
    cash: Decimal
    commission_per_share: Decimal = Decimal("0.005")
    slippage_bps: Decimal = Decimal(5)
    policy: FillPolicy = FillPolicy.PESSIMISTIC
    short_selling: ShortSelling = ShortSelling.ALLOWED
    leverage: Decimal = Decimal(1)
    tick_sizes: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    lot_sizes: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    schedules: Mapping[str, Schedule] = field(default_factory=dict[str, Schedule])
    dataset_id: str = ""
    start: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that no account can have."""
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise InputError("give at least one symbol, each once", field="symbols")
        for name, kind in _WORDS.items():
            object.__setattr__(self, name, kind(getattr(self, name)))
        for name, most in (("cash", LARGEST), ("leverage", MOST_LEVERAGE)):
            value: Decimal = getattr(self, name)
            if not value.is_finite() or not 0 < value <= most:
                raise InputError(f"{name} {value} is not in (0, {plain(most)}]", field=name)
        for name, bound in (("commission_per_share", LARGEST), ("slippage_bps", WHOLE_PRICE_BPS)):
            value = getattr(self, name)
            if not value.is_finite() or not 0 <= value < bound:
                raise InputError(f"{name} {value} is not in [0, {plain(bound)})", field=name)
        for name in ("tick_sizes", "lot_sizes"):
            sizes: Mapping[str, Decimal] = getattr(self, name)
            for symbol, size in sizes.items():
                if not size.is_finite() or not SMALLEST_STEP <= size <= LARGEST:
                    raise InputError(
                        f"{name} of {symbol}: {size} is not in [1e-18, 1e15]", field=name
                    )

    def tick_size(self, symbol: str) -> Decimal:
        """Return the least price step of a symbol."""
        return self.tick_sizes.get(symbol, Decimal("0.01"))

    def lot_size(self, symbol: str) -> Decimal:
        """Return the least quantity step of a symbol."""
        return self.lot_sizes.get(symbol, Decimal(1))

    def digest(self) -> str:
        """Return the sha256 of every setting that decides a result, dataset and seed excluded."""
        text = sha256()
        parts = [
            f"timeframe={self.timeframe}",
            f"cash={plain(self.cash)}",
            f"commission_per_share={plain(self.commission_per_share)}",
            f"slippage_bps={plain(self.slippage_bps)}",
            f"policy={self.policy}",
            f"short_selling={self.short_selling}",
            f"leverage={plain(self.leverage)}",
            f"start={self.start}",
        ]
        parts += [
            f"symbol={s} tick={plain(self.tick_size(s))} lot={plain(self.lot_size(s))}"
            for s in self.symbols
        ]
        text.update("\n".join(parts).encode())
        for symbol in self.symbols:
            schedule = self.schedules.get(symbol)
            if schedule is not None:
                text.update(b"\nhours " + symbol.encode())
                text.update(schedule.sessions.astype("<i8").tobytes())
                text.update(schedule.opens.astype("<i8").tobytes())
                text.update(schedule.closes.astype("<i8").tobytes())
        return text.hexdigest()
