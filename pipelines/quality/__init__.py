"""Data quality: rules from the contracts, counted inside DuckDB, judged by the contracts' limits, kept for ever."""
