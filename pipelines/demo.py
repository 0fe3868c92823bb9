"""The demo study: simulated deliveries, the protocol that goes with them, and the truth beside them."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl

from evaluation.simulation import PilotSite, SimulatedStudy, SimulationSettings, SurveyItem, simulate_study
from pipelines.demo_deliveries import planned_deliveries, write_delivery
from pipelines.demo_dirt import DIRT_COLUMNS, write_dirty_extracts
from pipelines.demo_effects import PlantedEffects, parse_effects
from pipelines.demo_refused import write_refused_examples
from pipelines.errors import StudyError
from pipelines.fingerprint import CHECKOUT
from pipelines.instruments import SHIPPED, Item, load_instrument
from pipelines.protocol import load_protocol
from pipelines.scaffold import require_empty

TEMPLATE = CHECKOUT / "studies" / "integrated_care_pilots"
INSTRUMENT = "patient_experience"
FEWEST_PEOPLE = 50
# One fault of each kind in a smaller study is more than the blocking rules on quarantine rates let pass.
FEWEST_PEOPLE_WITH_DIRT = 200

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
ABOUT_THE_TRUTH = """\
What a run of this study has to find. The people are made up.

person_periods.csv  the published table of that name, exactly
effects.csv         the planted effects, by metric and questionnaire item
dirt.csv            one row per planted fault; a header only, if the study was made with --no-dirt
  delivery_file  extract and file
  record         number of the data record as a run counts: the header is 0, blank lines are not counted.
                 Of a blank_line the record before it. Empty where the whole file is meant.
  rule_id        the reader's rule; for whole files, repeats and people what was done to them
  kind           quarantined, nulled, repaired, duplicate, unlinked, after_death, accepted (odd and yet right),
                 blank_line; of whole files superseded, duplicate_file, ignored_file.
                 A superseded file lists its own faults too, a duplicate_file none.
  column         the contract's column; * the whole record

Unfinished copies of episodes at the end of a year, and people who are enrolled or use care and are not in the
population, are part of every study, dirty or not: they are no planted faults.
"""


def write_demo(
    folder: Path, *, people: int, seed: int, effects: Iterable[str], dirt: bool, progress: Callable[[str], None]
) -> None:
    """Writes a whole simulated study with `people` pilot people and 20 times as many others into `folder`.

    `effects` are texts such as `emergency_admissions=1.10` or `has_care_plan=-5pp`; what they don't name has the
    effect that was published, or none. With `dirt` the deliveries hold every fault that a run survives, and examples
    of files that it refuses stand beside them; the truth stays the same. The same arguments write the same files.
    StudyError where the folder is not new or empty, or an effect or the number of people makes no sense.
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
    extracts, planted_dirt = folder / "extracts", pl.DataFrame(schema=DIRT_COLUMNS)
    if dirt:
        planted_dirt = write_dirty_extracts(extracts, simulated, settings, seed=seed)
        write_refused_examples(folder / "refused_examples", simulated)
    else:
        for planned in planned_deliveries(simulated, settings):
            write_delivery(planned, planned.path(extracts))
    _write_truth(folder / "truth", simulated, planted_dirt)
    if dirt and people < FEWEST_PEOPLE_WITH_DIRT:
        progress(
            f"caution: with fewer than {FEWEST_PEOPLE_WITH_DIRT} pilot people one fault of each kind is more than the "
            f"quality rules let pass, so the run will stop at them; --people {FEWEST_PEOPLE_WITH_DIRT} or --no-dirt"
        )


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


def _write_truth(folder: Path, simulated: SimulatedStudy, planted_dirt: pl.DataFrame) -> None:
    """What a run should find: counts of every person, planted effects, and every fault put into the deliveries."""
    folder.mkdir()
    (folder / "README.txt").write_text(ABOUT_THE_TRUTH, encoding="utf-8")
    simulated.person_periods.write_csv(folder / "person_periods.csv")
    simulated.effects.write_csv(folder / "effects.csv")
    planted_dirt.write_csv(folder / "dirt.csv")
