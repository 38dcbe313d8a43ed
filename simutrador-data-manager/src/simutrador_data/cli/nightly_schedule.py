"""`nightly schedule`: whether the update runs by itself, and when it is due next."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.core.nightly_settings import NightlyUpdateSection


def schedule(
    count: Annotated[int, typer.Option(min=1, max=366, help="So many times.")] = 5,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show when the update is due: so long after each close, earlier on half days."""
    with reporting(as_json=as_json, debug=debug):
        section = settings_for(data).nightly_update
        document = to_document(section, count=count, now=datetime.now(UTC))
        write(document, as_json=as_json, show=lambda console: show_schedule(console, document))


def to_document(section: NightlyUpdateSection, *, count: int, now: datetime) -> dict[str, Any]:
    """Return whether, by which exchange and when the update is due.

    Args:
        section: The settings.
        count: How many times to list.
        now: Aware; only what is due later is listed.

    Raises:
        CalendarError: there is no calendar of that name.
    """
    from simutrador_data.services.nightly.schedule import due_times

    return {
        "enabled": section.enable_schedule,
        "calendar": section.schedule_calendar,
        "offset_seconds": section.schedule_offset.total_seconds(),
        "symbols": len(section.symbols),
        "due": [
            {
                "due_at": one.due_at,
                "session": one.session.isoformat(),
                "closes_at": one.closes_at,
                "half_day": one.half_day,
            }
            for one in due_times(section, after=now, count=count)
        ],
    }


def show_schedule(console: Console, document: dict[str, Any]) -> None:
    """Print the times, and what to do where the schedule is off."""
    shown = table("", ["session", "closes (UTC)", "due (UTC)", ""])
    for one in document["due"]:
        shown.add_row(
            f"{date.fromisoformat(one['session']):%a %Y-%m-%d}",
            f"{one['closes_at']:%Y-%m-%d %H:%M}",
            f"{one['due_at']:%Y-%m-%d %H:%M}",
            "half day" if one["half_day"] else "",
        )
    console.print(shown)
    if not document["due"]:
        console.print(f"the calendar {document['calendar']} knows no later session")
    if document["enabled"]:
        console.print(
            f"on: {document['symbols']} symbols after each session of {document['calendar']}, "
            "while the service runs"
        )
    else:
        console.print("off: switch it on with NIGHTLY_UPDATE__ENABLE_SCHEDULE=true")
