"""What `/health` asks of the store: whether it can be read, and what it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simutrador_core.interfaces.storage import BarStore
from simutrador_service.monitoring import HealthChecks, Metrics


def health_checks(
    name: str, version: str, metrics: Metrics, store: Callable[[], BarStore]
) -> HealthChecks:
    """Return the checks of the service, that of its store among them.

    Args:
        name: Name of the service.
        version: Its version.
        metrics: Where the last result of each check is shown.
        store: The store of the running application.
    """
    checks = HealthChecks(name, version, metrics=metrics)

    def check_store() -> dict[str, Any]:
        held = store().symbols()
        return {
            "series": len(held),
            "symbols": len({info.symbol for info in held}),
            "bars": sum(info.rows for info in held),
        }

    checks.add("store", check_store)
    return checks
