"""A study on disk: its protocol, the small tables it brings, where its extracts lie and its output goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipelines.errors import StudyError
from pipelines.instruments import Instrument, load_instrument
from pipelines.protocol import Protocol, load_protocol, protocol_hash, settings_as_written
from pipelines.study_tables import (
    read_control_totals,
    read_imd,
    read_other_programmes,
    read_prices,
    read_provider_successions,
    read_sites,
)


@dataclass(frozen=True)
class Study:
    """Everything that a run is told: settings, small tables, folders. Nothing here changes in a run."""

    root: Path
    output: Path
    protocol: Protocol
    protocol_hash: str
    protocol_settings: str
    instruments: Mapping[str, Instrument]
    sites: pl.DataFrame
    prices: pl.DataFrame
    imd: pl.DataFrame
    provider_successions: pl.DataFrame
    control_totals: pl.DataFrame
    other_programmes: pl.DataFrame

    @property
    def lake(self) -> Path:
        """Accepted and refused records as Parquet, a folder per extract."""
        return self.output / "lake"

    @property
    def quarantine_file(self) -> Path:
        """All quarantined records with their original text: sensitive."""
        return self.lake / "quarantine.parquet"

    @property
    def published(self) -> Path:
        """The analysts' folder; `evaluation.duckdb` in it is the latest published file."""
        return self.output / "published"

    def extract_folder(self, extract: str) -> Path:
        """Where deliveries of an extract arrive."""
        return self.root / "extracts" / extract


def load_study(root: Path, *, output: Path | None = None) -> Study:
    """The study in a folder; StudyError (exit 2) names what is missing or wrong and where."""
    root = root.resolve()
    if not root.is_dir():
        raise StudyError(f"{root.name}: no such study folder", "make one with `icp init DIR` or `icp demo DIR`")
    protocol = load_protocol(root / "protocol.yaml")
    instruments = {
        name: load_instrument(extract.instrument, folder=root)
        for name, extract in protocol.surveys.items()
        if extract.instrument
    }
    _check_folders(root, protocol)
    _check_items(instruments)
    sites = read_sites(root, protocol)
    _check_horizons(protocol, sites)
    _check_sites_as(protocol, sites)
    return Study(
        root=root,
        output=(output or root / "output").resolve(),
        protocol=protocol,
        protocol_hash=protocol_hash(root / "protocol.yaml"),
        protocol_settings=settings_as_written(root / "protocol.yaml"),
        instruments=instruments,
        sites=sites,
        prices=read_prices(root, protocol),
        imd=read_imd(root),
        provider_successions=read_provider_successions(root),
        control_totals=read_control_totals(root, protocol),
        other_programmes=read_other_programmes(root),
    )


def _check_folders(root: Path, protocol: Protocol) -> None:
    missing = [name for name in protocol.extracts if not (root / "extracts" / name).is_dir()]
    if missing:
        raise StudyError(
            f"extracts/{missing[0]}: no such folder",
            f"protocol.yaml names the extracts {', '.join(protocol.extracts)}; each has a folder under extracts/",
            "make the folder and put its deliveries there, or take the extract out of protocol.yaml",
        )


def _check_horizons(protocol: Protocol, sites: pl.DataFrame) -> None:
    """A horizon that even the first site's first day does not reach within the data can never have an estimate."""
    periods, first = protocol.periods, sites["go_live_date"].min()
    if not isinstance(first, date) or not periods.horizons_months:
        return
    longest = max(periods.horizons_months)
    end = pl.Series([first]).dt.offset_by(f"{longest}mo").item()
    if end > periods.data_until + timedelta(days=1):
        raise StudyError(
            f"protocol.yaml: periods.horizons_months: {longest} months are longer than the data can hold",
            f"the first site started on {first}, {longest} months later is {end}, data end on {periods.data_until}",
            "take the horizon out, or put it back when data_until is late enough",
        )


def _check_sites_as(protocol: Protocol, sites: pl.DataFrame) -> None:
    """A mean across sites needs two of them."""
    if protocol.sites_as == "random" and sites.height == 1:
        raise StudyError(
            "protocol.yaml: sites_as: random is the mean across sites, and sites.csv names one site alone",
            "expected two sites or more; a prediction for another site needs three, and few sites give wide intervals",
            "set sites_as: fixed for the effect in this pilot, or name the other sites",
        )


def _check_items(instruments: Mapping[str, Instrument]) -> None:
    asked: dict[str, str] = {}
    for extract, instrument in instruments.items():
        for item in instrument.items:
            other = asked.setdefault(item.id, extract)
            if other != extract:
                raise StudyError(
                    f"protocol.yaml: the extracts {other} and {extract} both ask the item {item.id}",
                    "put all waves of one questionnaire into one extract, or name the items apart",
                )
