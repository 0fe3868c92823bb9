"""What a killed run left aside in the lake is gone when the next one starts."""

from pathlib import Path

from pipelines.reading import remove_leftovers


def test_leftovers_of_every_extract_are_removed_and_nothing_else(tmp_path: Path):
    for extract in ("admissions", "outpatients"):
        (tmp_path / extract / ".aside").mkdir(parents=True)
        (tmp_path / extract / ".aside" / "clean.csv").write_text("as the supplier wrote it")
        (tmp_path / extract / "0123.parquet").write_bytes(b"kept")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["0123.parquet", "0123.parquet"]
