"""How a number is computed: pure functions over frames; no Dagster, no DuckDB, no clock, no input or output."""
