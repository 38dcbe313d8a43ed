"""What each plan allows. The same numbers are enforced and told to the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simutrador_core.models.enums import UserPlan


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """The limits of one plan.

    Attributes:
        connections: WebSocket connections at once.
        simulations: Simulations made and not ended, at once.
        symbols: Symbols in one simulation.
        connection_s: Seconds a connection may last.
        idle_s: Seconds a connection may be silent.
        simulation_s: Seconds a simulation may take; a connection never lasts longer.
    """

    connections: int
    simulations: int
    symbols: int
    connection_s: int
    idle_s: int
    simulation_s: int

    def to_wire(self) -> dict[str, int]:
        """Return the limits by their documented names."""
        return {
            "websocket_connections": self.connections,
            "concurrent_sessions": self.simulations,
            "symbols_per_session": self.symbols,
            "max_connection_sec": self.connection_s,
            "idle_timeout_sec": self.idle_s,
            "max_simulation_sec": self.simulation_s,
        }


LIMITS: Final = {
    UserPlan.FREE: PlanLimits(2, 1, 5, 3_600, 1_800, 86_400),
    UserPlan.PROFESSIONAL: PlanLimits(10, 10, 50, 28_800, 3_600, 604_800),
    UserPlan.ENTERPRISE: PlanLimits(50, 100, 500, 86_400, 7_200, 31_536_000),
}
