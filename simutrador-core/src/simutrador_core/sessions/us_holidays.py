"""What the days are called on which US exchanges stay closed or close early. Pure.

The names come from `data/us_holidays.toml`, which also says where they are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Final

from simutrador_core.sessions.draft import Draft
from simutrador_core.utils.toml_tables import parse_tables

_FILE: Final = "us_holidays.toml"


def name_us_holidays(draft: Draft) -> Draft:
    """Return the draft with each US closure and early close called by its name."""
    names = _us_names()
    return replace(
        draft,
        closures=_named(draft.closures, names["holiday"], names["closure"]),
        early_closes=_named(draft.early_closes, names["early"], names["early_close"]),
    )


def _named(
    days: Mapping[date, str], rules: Mapping[object, str], single: Mapping[object, str]
) -> dict[date, str]:
    return {
        day: single.get(day)
        or rules.get((day.month, "first" if day.day <= 2 else "later"))
        or rules.get((day.month, "any"))
        or name
        for day, name in days.items()
    }


@lru_cache(maxsize=1)
def _us_names() -> Mapping[str, Mapping[object, str]]:
    """Return names by date (`closure`, `early_close`) or by month (`holiday`, `early`)."""
    text = (files("simutrador_core.sessions") / "data" / _FILE).read_text(encoding="utf-8")
    found: dict[str, dict[object, str]] = {
        kind: {} for kind in ("holiday", "closure", "early", "early_close")
    }
    for table in parse_tables(text, source=_FILE, kinds=found):
        table.require("source", str)
        name = table.require("name", str)
        if table.kind in {"closure", "early_close"}:
            found[table.kind][table.require("date", date)] = name
        else:
            when = table.find("when", str) or "any"
            found[table.kind][table.require("month", int), when] = name
    return found
