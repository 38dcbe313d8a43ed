"""The catalogue's tables. `PRAGMA user_version` is the store's format."""

from __future__ import annotations

from typing import Final

from simutrador_data.services.storage.row_sums import columns

FORMAT: Final = 4
APPLICATION_ID: Final = 0x53494D54  # "SIMT"

TABLES: Final = {
    "series": f"""\
CREATE TABLE series (
    id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, timeframe TEXT NOT NULL, adjustment TEXT NOT NULL,
    since INTEGER NOT NULL,          -- the commit that first touched it
    head INTEGER NOT NULL,           -- the commit that last touched it
    rows INTEGER NOT NULL DEFAULT 0, -- from here on: of the newest version
    first_us INTEGER, last_us INTEGER, first_session INTEGER, last_session INTEGER,
    kept_from INTEGER NOT NULL DEFAULT 0, -- versions before this commit were vacuumed away
    {columns("series")},
    UNIQUE (symbol, timeframe, adjustment)
)""",
    "commits": f"""\
CREATE TABLE commits (
    id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, source TEXT NOT NULL, request TEXT NOT NULL,
    fetched_us INTEGER NOT NULL, on_conflict TEXT NOT NULL, code_version TEXT NOT NULL,
    added INTEGER NOT NULL, replaced INTEGER NOT NULL, removed INTEGER NOT NULL,
    {columns("commits")}
)""",
    "segments": f"""\
-- Rows [row_from, row_to) of an object belong to a series from commit `added` on, until
-- `superseded`. `added` is also where they came from: cutting a segment keeps it.
CREATE TABLE segments (
    id INTEGER PRIMARY KEY, series_id INTEGER NOT NULL, object_id INTEGER NOT NULL,
    row_from INTEGER NOT NULL, row_to INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
    first_session INTEGER, last_session INTEGER,
    added INTEGER NOT NULL, superseded INTEGER,
    {columns("segments")}
)""",
    "coverage": f"""\
-- The answer to a question is its newest row up to a version; `asked_us` of that row moves forward.
-- Rows of -1 withdraw it: what it gave was lost.
CREATE TABLE coverage (
    series_id INTEGER NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    provider TEXT NOT NULL, commit_id INTEGER NOT NULL,
    asked_us INTEGER NOT NULL, rows INTEGER NOT NULL,
    {columns("coverage")},
    PRIMARY KEY (series_id, start_us, end_us, provider, commit_id)
) WITHOUT ROWID""",
    "months": f"""\
-- Which commits changed a UTC month (counted from 1970-01); its digest once someone asked, with a
-- sum over all of it.
CREATE TABLE months (
    series_id INTEGER NOT NULL, month INTEGER NOT NULL, commit_id INTEGER NOT NULL,
    digest TEXT, first_us INTEGER, last_us INTEGER, memo_sum INTEGER,
    {columns("months")},
    PRIMARY KEY (series_id, month, commit_id)
) WITHOUT ROWID""",
}
"""The tables whose rows carry a sum."""

SEGMENT_INDEXES: Final = """\
CREATE INDEX segments_live ON segments (series_id, last_us) WHERE superseded IS NULL;
CREATE INDEX segments_past ON segments (series_id, last_us) WHERE superseded IS NOT NULL;
CREATE INDEX segments_by_object ON segments (object_id, row_from)"""

SCHEMA: Final = f"""
{TABLES["series"]};
{TABLES["commits"]};
CREATE TABLE commit_series (
    series_id INTEGER NOT NULL, commit_id INTEGER NOT NULL, PRIMARY KEY (series_id, commit_id)
) WITHOUT ROWID;
CREATE INDEX commit_series_by_commit ON commit_series (commit_id);
-- Immutable bytes. An id is never used twice: a reader may still hold the old one.
CREATE TABLE objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL,             -- block, bars (live rows), history (rows of old versions) or
                                     -- quarantine (damaged: no version of today names it)
    path TEXT,                       -- below the store's folder; NULL for a block
    digest TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    data BLOB                        -- a block's bytes
);
{TABLES["segments"]};
{SEGMENT_INDEXES};
{TABLES["coverage"]};
{TABLES["months"]};
"""

__all__ = ["SCHEMA", "SEGMENT_INDEXES", "TABLES", "FORMAT", "APPLICATION_ID"]
