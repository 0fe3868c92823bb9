"""A design that was frozen: pairs, weights and people kept by hash in `output/frozen_design`, for all later runs."""

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.estimation import NOT_FROZEN
from pipelines.earlier_freezes import RECORD_PERSON, completed, settings_then
from pipelines.errors import StudyError
from pipelines.fingerprint import FROZEN_DESIGN
from pipelines.protocol_log import flat_settings
from pipelines.risk_columns import asks_for_risk, design_covariates, risk_outcomes
from pipelines.run_log import read_runs
from pipelines.study import Study
from pipelines.study_files import content_hash, study_files
from pipelines.warehouse import Warehouse

FOLDER, MANIFEST = str(FROZEN_DESIGN.parent), FROZEN_DESIGN.name
FROZEN_TABLES = (
    "comparison_designs",
    "matched_pairs",
    "comparison_weights",
    "covariate_balance",
    "unmatched_cases",
    "design_people",
)
FROZEN_SECTIONS = ("comparison", "spells", "periods")
AREAS = "sites.csv (areas, models)"
FROZEN_FILES = ("imd.csv", "provider_successions.csv", "other_programmes.csv")
MAY_CHANGE = ("periods.data_until", "periods.horizons_months")
RISKS = "outcomes (those of the predictive risk)"
LONGEST_HORIZON = "periods.longest_horizon_months"
INDEX_DATES = {"person_id": pl.String, "index_date": pl.Date}
LONGEST_NAME = 100
FREEZE_ANEW = "or freeze anew, which results will say: icp freeze STUDY --by NAME --again"


class FrozenDesign(BaseModel):
    """What was frozen, when (UTC) and by whom: settings by dotted name, and the SHA-256 of each table's file.

    `times` counts the freezes of the study, this one included; `outcomes_were_read` says that a run had already
    estimated effects. `design_sha256` is the hash of all the rest.
    """

    model_config = ConfigDict(frozen=True)

    frozen_by: str
    frozen_at: datetime
    times: int
    outcomes_were_read: bool
    protocol_hash: str
    settings: dict[str, str]
    tables: dict[str, str]
    design_sha256: str = ""

    @property
    def caution(self) -> str:
        """What results say of the freeze, one sentence."""
        again = f" for the {self.times}. time" if self.times > 1 else ""
        late = ", after a run had read outcomes" if self.outcomes_were_read else ""
        return f"Design frozen{again} on {self.frozen_at.date()} by {self.frozen_by}{late}."

    def sealed(self) -> "FrozenDesign":
        """The same with its hash."""
        content = json.dumps(self.model_dump(mode="json", exclude={"design_sha256"}), sort_keys=True)
        return self.model_copy(update={"design_sha256": hashlib.sha256(content.encode()).hexdigest()})


@dataclass(frozen=True)
class Freeze:
    """A request to freeze: who asks, and whether a frozen design may be replaced."""

    by: str
    again: bool


def check_freeze(study: Study, freeze: Freeze) -> None:
    """StudyError for a name that is none, or where a design is frozen already and nobody said `--again`."""
    name = freeze.by.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise StudyError("--by: not a name", f"expected 1 to {LONGEST_NAME} characters in one line")
    if (study.output / FOLDER).exists() and not freeze.again:
        frozen = _manifest(study)
        raise StudyError(
            f"the design was frozen on {frozen.frozen_at.date()} by {frozen.frozen_by}",
            "results rest on it; to replace it, which results will say: --again",
        )


def freeze_design(study: Study, warehouse: Warehouse, freeze: Freeze, *, now: datetime) -> FrozenDesign:
    """Keeps the tables of the design stage that stand in the working file; the caller holds the study.

    A design that is replaced stays beside it, as `frozen_design-<number>`.
    """
    check_freeze(study, freeze)
    folder, part = study.output / FOLDER, study.output / f".{FOLDER}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name in FROZEN_TABLES:
        warehouse.read(name).write_parquet(part / f"{name}.parquet")
    frozen = FrozenDesign(
        frozen_by=freeze.by.strip(),
        frozen_at=now,
        times=1 + len(list(study.output.glob(f"{FOLDER}*"))),
        outcomes_were_read=_outcomes_were_read(study),
        protocol_hash=study.protocol_hash,
        settings=dict(frozen_settings(study)),
        tables={name: _sha256(part / f"{name}.parquet") for name in FROZEN_TABLES},
    ).sealed()
    (part / MANIFEST).write_text(frozen.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if folder.exists():
        folder.rename(study.output / f"{FOLDER}-{frozen.times - 1}")
    part.rename(folder)
    return frozen


def frozen_design(study: Study) -> FrozenDesign | None:
    """The frozen design of a study, held against its hashes and against the protocol; None where there is none.

    Raises StudyError where a file is not as it was frozen, or a setting that the design rests on has changed.
    """
    if not (study.output / FOLDER).exists():
        return None
    frozen = _manifest(study)
    for name, expected in frozen.tables.items():
        path = study.output / FOLDER / f"{name}.parquet"
        if not path.is_file() or _sha256(path) != expected:
            raise _tampered(path.name)
    _check_settings(study, frozen)
    return frozen


def frozen_tables(study: Study) -> dict[str, pl.DataFrame] | None:
    """The tables of the frozen design by name, checked; None where there is none."""
    frozen = frozen_design(study)
    if frozen is None:
        return None
    tables = {name: pl.read_parquet(study.output / FOLDER / f"{name}.parquet") for name in frozen.tables}
    return completed(tables, covariates=design_covariates(study.protocol))


def frozen_index_dates(study: Study) -> pl.DataFrame:
    """The index dates that comparison people keep, columns `INDEX_DATES`; no rows without a frozen design.

    `person_id` is that of their records, whichever id the design knows them by.
    """
    tables = frozen_tables(study)
    if tables is None:
        return pl.DataFrame(schema=INDEX_DATES)
    others = tables["design_people"].filter(~pl.col("is_treated"))
    return others.select(person_id=RECORD_PERSON, index_date="index_date").cast(pl.Schema(INDEX_DATES))


def design_state(study: Study) -> str:
    """What results say of the design: by whom it was frozen and when, or that it was not."""
    frozen = frozen_design(study)
    return frozen.caution if frozen else NOT_FROZEN


def frozen_settings(study: Study) -> Mapping[str, str]:
    """The settings that pairs and weights rest on, by dotted name, defaults included; sites with their flags and areas.

    Files by their hash: who may be compared (`other_programmes.csv`), deprivation, and which provider follows which.
    Unit costs and questionnaires are no part of the design. The longest horizon is among them where the study knows of
    other programmes: until then nobody compared enters one. The outcomes that a predictive risk is of are among them
    where the protocol asks for one.
    """
    protocol = study.protocol.model_dump(mode="json", include=set(FROZEN_SECTIONS))
    settings = {name: value for name, value in flat_settings(protocol).items() if name not in MAY_CHANGE}
    sites = study.sites.select("site_id", "case_management").sort("site_id").rows()
    areas = study.sites.select("site_id", "area", "models").sort("site_id").rows()
    files = study_files(study)
    hashes = {name: content_hash(files[name]) if name in files else "" for name in FROZEN_FILES}
    horizon = (
        {LONGEST_HORIZON: str(study.protocol.periods.longest_horizon_months)} if study.other_programmes.height else {}
    )
    risks = {RISKS: json.dumps(risk_outcomes(study.protocol))} if asks_for_risk(study.protocol) else {}
    return settings | {"sites.csv": json.dumps(sites), AREAS: json.dumps(areas)} | hashes | horizon | risks


def _check_settings(study: Study, frozen: FrozenDesign) -> None:
    settings, then = frozen_settings(study), settings_then(frozen.settings)
    unknown = {AREAS, *FROZEN_FILES} - then.keys()  # frozen when files were not looked at
    names = sorted((settings.keys() | then.keys()) - unknown - {LONGEST_HORIZON})
    changed = [name for name in names if settings.get(name) != then.get(name)]
    if study.protocol.periods.longest_horizon_months > int(then.get(LONGEST_HORIZON, sys.maxsize)):
        changed.append("periods.horizons_months")  # a longer one may reach into other programmes
    if changed:
        raise StudyError(
            f"{', '.join(changed)}: changed since the design was frozen on {frozen.frozen_at.date()}",
            "the frozen pairs and weights were found with what stood there then",
            f"take the change back, {FREEZE_ANEW}",
        )


def _manifest(study: Study) -> FrozenDesign:
    path = study.output / FOLDER / MANIFEST
    try:
        frozen = FrozenDesign.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise _tampered(MANIFEST) from None
    if frozen.sealed().design_sha256 != frozen.design_sha256 or set(frozen.tables) != set(FROZEN_TABLES):
        raise _tampered(MANIFEST)
    return frozen


def _tampered(name: str) -> StudyError:
    return StudyError(
        f"{FOLDER}/{name}: not as it was when the design was frozen",
        f"put the folder back from a copy, {FREEZE_ANEW}",
    )


def _outcomes_were_read(study: Study) -> bool:
    """Whether a whole run had begun, or anything was published: what is found then may be known to who freezes."""
    return any(run.inputs for run in read_runs(study.output)) or any(study.published.glob("evaluation*.duckdb"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
