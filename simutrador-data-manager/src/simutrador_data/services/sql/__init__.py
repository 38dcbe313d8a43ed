"""SQL over the record, read-only, through DuckDB (extra `sql`)."""
