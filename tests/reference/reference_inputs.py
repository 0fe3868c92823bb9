"""Public data sets of the methods literature, where they lie beside the checkout; not part of this repository."""

from pathlib import Path

import polars as pl

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference_inputs"
PRESENT = FOLDER.is_dir()


def read(path: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / path, null_values="NA", infer_schema_length=None)
