"""The demo study: simulated deliveries, the protocol that goes with them, and the truth beside them."""

import gzip
import shutil
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from evaluation.simulation import PilotSite, SimulatedStudy, SimulationSettings, SurveyItem, simulate_study
from pipelines.demo_effects import PlantedEffects, parse_effects
from pipelines.errors import StudyError
from pipelines.fingerprint import CHECKOUT
from pipelines.instruments import SHIPPED, Item, load_instrument
from pipelines.protocol import load_protocol
from pipelines.scaffold import require_empty

TEMPLATE = CHECKOUT / "studies" / "integrated_care_pilots"
INSTRUMENT = "patient_experience"
SURVEY = "patient_survey"
FEWEST_PEOPLE = 50

# The published evaluation's results (Community Care 2012): rate ratios, and percentages before and after.
PUBLISHED_RATE_RATIOS = {"emergency_admissions": 1.02, "elective_admissions": 0.96, "outpatient_attendances": 0.80}
PUBLISHED_POINTS = {
    "involved_in_decisions": -5.0,
    "preferences_taken_into_account": -15.0,
    "knew_who_to_contact_after_discharge": 9.0,
}
# Made-up percentages before, except the published 71% who knew whom to contact.
PERCENT_BEFORE = {
    "involved_in_decisions": 76.0,
    "preferences_taken_into_account": 79.0,
    "listened_to": 82.0,
    "knew_who_to_contact_after_discharge": 71.0,
    "care_coordinated_on_discharge": 64.0,
    "has_care_plan": 28.0,
    "sees_doctor_of_choice": 66.0,
    "sees_nurse_of_choice": 58.0,
}
ASKED_AFTER_DISCHARGE = {"knew_who_to_contact_after_discharge", "care_coordinated_on_discharge"}
_EPOCH = date(1970, 1, 1)
DIRT_COLUMNS = ("delivery_file", "record", "rule_id", "kind")

# Deliveries come in different forms, as they do in life; where no form is named, as plain CSV.
FORMS = {
    ("admissions", "0809"): ".csv.gz",
    ("admissions", "0910"): ".txt",
    ("outpatients", "0708"): ".csv.gz",
    ("outpatients", "0809"): ".parquet",
    ("outpatients", "0910"): ".csv.gz",
    ("outpatients", "1011"): ".csv.gz",
    ("emergency_care", "0809"): ".txt",
}
SHUFFLED = ("outpatients", "1011")


def write_demo(
    folder: Path, *, people: int, seed: int, effects: Iterable[str], progress: Callable[[str], None]
) -> None:
    """Writes a whole simulated study with `people` pilot people and 20 times as many others into `folder`.

    `effects` are texts such as `emergency_admissions=1.10` or `has_care_plan=-5pp`; what they don't name has the
    effect that was published, or none. The same arguments write the same files. StudyError where the folder is not
    new or empty, or an effect or the number of people makes no sense.
    """
    require_empty(folder)
    planted = parse_effects(effects, items=PERCENT_BEFORE)
    if people < FEWEST_PEOPLE:
        raise StudyError(f"--people {people}: a demo study needs at least {FEWEST_PEOPLE} pilot people")
    try:
        settings = _settings(people=people, planted=planted)
        progress(f"simulating {people:,} pilot people and {people * settings.others_per_pilot_person:,} others")
        simulated = simulate_study(settings, np.random.default_rng(seed))
    except ValueError as error:
        raise StudyError(str(error)) from None
    progress(f"writing {simulated.admissions.height:,} episodes and {simulated.outpatients.height:,} appointments")
    _write_design(folder)
    _write_extracts(folder / "extracts", simulated, settings)
    _write_truth(folder / "truth", simulated)


def _settings(*, people: int, planted: PlantedEffects) -> SimulationSettings:
    """The shipped study's sites, periods, prices and questionnaire, with the effects to plant."""
    protocol = load_protocol(TEMPLATE / "protocol.yaml")
    sites = pl.read_csv(TEMPLATE / "sites.csv", columns=["site_id", "area", "go_live_date"], try_parse_dates=True)
    prices = pl.read_csv(TEMPLATE / "prices.csv", schema_overrides={"unit_cost_gbp": pl.Float64})
    instrument = load_instrument(INSTRUMENT, folder=TEMPLATE)
    points = PUBLISHED_POINTS | dict(planted.points)
    return SimulationSettings(
        sites=tuple(PilotSite(**site) for site in sites.iter_rows(named=True)),
        data_until=protocol.periods.data_until,
        people=people,
        look_back_months=protocol.periods.look_back_months,
        baseline_months=protocol.periods.baseline_months,
        follow_up_months=protocol.periods.follow_up_months,
        comparison_seed=protocol.comparison.seed,
        effects=PUBLISHED_RATE_RATIOS | dict(planted.rate_ratios),
        survey_items=tuple(_survey_item(item, points.get(item.id, 0.0)) for item in instrument.items),
        survey_waves={period: str(wave) for period, wave in instrument.waves.items()},
        prices=dict(prices.select("activity", "unit_cost_gbp").iter_rows()),
    )


def _survey_item(item: Item, points: float) -> SurveyItem:
    return SurveyItem(
        item_id=item.id,
        column=item.column.upper(),
        positive=item.positive,
        negative=tuple(answer for answer in item.valid if answer not in item.positive),
        not_counted=item.not_counted[0] if item.not_counted else None,
        baseline_share=PERCENT_BEFORE[item.id] / 100,
        change_pp=points,
        asked_after_discharge=item.id in ASKED_AFTER_DISCHARGE,
    )


def _write_design(folder: Path) -> None:
    """The protocol and the small tables of the shipped study, and its questionnaire."""
    (folder / "instruments").mkdir(parents=True)
    for name in ("protocol.yaml", "sites.csv", "prices.csv"):
        shutil.copyfile(TEMPLATE / name, folder / name)
    shutil.copyfile(SHIPPED / f"{INSTRUMENT}.yaml", folder / "instruments" / f"{INSTRUMENT}.yaml")


def _write_extracts(folder: Path, simulated: SimulatedStudy, settings: SimulationSettings) -> None:
    for extract in ("admissions", "outpatients", "emergency_care"):
        records: pl.DataFrame = getattr(simulated, extract)
        for year in settings.years:
            first, last = (f"{_EPOCH + timedelta(days=day):%Y-%m}" for day in (year.first_day, year.last_day))
            form = FORMS.get((extract, year.fyear), ".csv")
            of_year = _as_supplied(records.filter(pl.col("FYEAR") == year.fyear), extract, year.fyear)
            write_delivery(of_year, folder / extract / f"{extract}_{first}_to_{last}{form}")
    for extract in ("population", "enrolments", "opt_outs"):
        snapshot = f"{extract}_{settings.data_until:%Y-%m}.csv"
        write_delivery(getattr(simulated, extract), folder / extract / snapshot)
    for period, wave in settings.survey_waves.items():
        answers = simulated.patient_survey.filter(pl.col("WAVE") == wave)
        write_delivery(answers, folder / SURVEY / f"{SURVEY}_{period}.csv")


def _as_supplied(records: pl.DataFrame, extract: str, fyear: str) -> pl.DataFrame:
    """One year's supplier writes its columns in another order and in lower case: they are matched by name."""
    if (extract, fyear) == SHUFFLED:
        return records.select(pl.col(column).alias(column.lower()) for column in reversed(records.columns))
    return records


def write_delivery(records: pl.DataFrame, path: Path) -> None:
    """Records as a delivery in the form that the file's name says; `.txt` is separated by `|`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        records.write_parquet(path)
    elif path.suffix == ".gz":
        text = records.write_csv().encode()
        path.write_bytes(gzip.compress(text, compresslevel=6, mtime=0))
    else:
        records.write_csv(path, separator="|" if path.suffix == ".txt" else ",")


def _write_truth(folder: Path, simulated: SimulatedStudy) -> None:
    """What a run should find: counts of every person, planted effects, and the errors put into the deliveries: none."""
    folder.mkdir()
    simulated.person_periods.write_csv(folder / "person_periods.csv")
    simulated.effects.write_csv(folder / "effects.csv")
    pl.DataFrame(schema=dict.fromkeys(DIRT_COLUMNS, pl.String)).write_csv(folder / "dirt.csv")
