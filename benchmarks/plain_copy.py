"""The floor: one process that copies every file below a folder to Parquet, every column as text, nothing looked at."""

import sys
from pathlib import Path

import duckdb


def main(extracts: Path, target: Path) -> None:
    """Write a Parquet file (zstd) for each file below `extracts`."""
    target.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for path in sorted(extracts.glob("*/*")):
            reader = "read_parquet($path)" if path.suffix == ".parquet" else "read_csv($path, all_varchar = true)"
            copied = target / f"{path.parent.name}_{path.name}.parquet"
            connection.execute(
                f"copy (select * from {reader}) to '{copied}' (format parquet, compression zstd)", {"path": str(path)}
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
