"""The documented names of Redis channels, by event."""

from __future__ import annotations

from typing import Final

from simutrador_service.events.envelope import Event

_DOCUMENTED: Final = {
    "cache_sync_triggered": ("tickstock:cache:sync_triggered",),
    "cache_sync_started": ("tickstock:cache:started",),
    "cache_sync_progress": ("tickstock:cache:progress",),
    "cache_sync_completed": ("tickstock:cache:sync_complete", "tickstock:cache:completed"),
    "cache_sync_failed": ("tickstock:cache:failed",),
    "error": ("tickstock:errors",),
    "universe_updated": ("tickstock:universe:updated",),
    "ipo_assignment": ("tickstock:cache:ipo_assignment",),
    "delisting_cleanup": ("tickstock:cache:delisting_cleanup",),
    "job_progress_update": ("tickstock:monitoring",),
    "daily_processing_started": ("tickstock:processing:status",),
    "daily_processing_progress": ("tickstock:processing:status",),
    "daily_processing_completed": ("tickstock:processing:status",),
}


def channels_of(event: Event) -> tuple[str, ...]:
    """Return where an event is published: its documented channels, else one named after it."""
    return _DOCUMENTED.get(event.event, (f"simutrador:{event.event}",))
