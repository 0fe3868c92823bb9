"""Who lives in the simulated areas: age, deprivation, frailty, registration."""

import string

import numpy as np
import polars as pl

from evaluation.simulation.calendar import DAYS_PER_YEAR, NEVER, BoolArray, FloatArray, IntArray
from evaluation.simulation.conditions import COMORBIDITIES
from evaluation.simulation.settings import SimulationSettings

SHARE_IN_PILOT_AREAS = 0.5
OTHER_AREAS_PER_PILOT_AREA = 1.5
SHARE_UNDER_65 = 0.10
FRAILTY_SHAPE = 0.6
SHARE_OPTED_OUT = 0.006
SHARE_NOT_LISTED = 0.003
PSEUDONYM_PREFIX = "DEMO"
PSEUDONYM_LENGTH = 32
_ALPHABET = np.frombuffer((string.ascii_letters + string.digits).encode(), dtype=np.uint8)


def areas(settings: SimulationSettings) -> list[str]:
    """Area codes: those of the pilot sites first, then areas without a pilot."""
    pilot_areas = list(dict.fromkeys(site.area for site in settings.sites))
    others = round(len(pilot_areas) * OTHER_AREAS_PER_PILOT_AREA)
    return pilot_areas + [f"other_area_{number:02d}" for number in range(1, others + 1)]


def draw_people(settings: SimulationSettings, rng: np.random.Generator) -> pl.DataFrame:
    """One row per person, `person` numbered from 0, with latent rates' factors; days are day numbers.

    `frailty` is gamma with mean 1: it makes counts over-dispersed. `need` multiplies rates by age, sex and
    deprivation. `is_listed` is false for the few whom the population extract does not know.
    """
    count = settings.people * (1 + settings.others_per_pilot_person)
    age = _ages(rng, count)
    quintile = rng.integers(1, 6, count)
    is_female = rng.random(count) < 0.55
    people = pl.DataFrame(
        {
            "person": np.arange(count),
            "person_id": pseudonyms(rng, count),
            "dob": settings.first_day - np.floor(age * DAYS_PER_YEAR).astype(np.int64),
            "is_female": is_female,
            "imd_quintile": quintile,
            "area": _areas(settings, rng, count),
            "care_home": rng.random(count) < np.clip(0.004 * np.exp((age - 70) / 8), 0, 0.3),
            "ethnos": rng.choice(list("ABCHJMNRZ"), count, p=[0.8, 0.02, 0.04, 0.02, 0.02, 0.02, 0.02, 0.01, 0.05]),
            "frailty": rng.gamma(FRAILTY_SHAPE, 1 / FRAILTY_SHAPE, count),
            "need": np.exp(0.035 * (age - 75)) * np.exp(0.08 * (3 - quintile)) * np.where(is_female, 0.95, 1.06),
            "practice": rng.integers(0, 12, count),
            "is_listed": rng.random(count) >= SHARE_NOT_LISTED,
            "is_opted_out": rng.random(count) < SHARE_OPTED_OUT,
            **_registration(settings, rng, count),
        }
    )
    return people.with_columns(_comorbidities(people, rng))


def pseudonyms(rng: np.random.Generator, count: int) -> list[str]:
    """Distinct made-up pseudonyms of 32 letters and digits."""
    drawn = rng.integers(0, len(_ALPHABET), (count, PSEUDONYM_LENGTH - len(PSEUDONYM_PREFIX)))
    text = np.ascontiguousarray(_ALPHABET[drawn]).view(f"S{drawn.shape[1]}").ravel()
    return [PSEUDONYM_PREFIX + part.decode() for part in text.tolist()]


def _ages(rng: np.random.Generator, count: int) -> FloatArray:
    older = 65 + rng.gamma(1.6, 6.0, count)
    ages: FloatArray = np.where(rng.random(count) < SHARE_UNDER_65, rng.uniform(18, 65, count), np.minimum(older, 101))
    return ages


def _areas(settings: SimulationSettings, rng: np.random.Generator, count: int) -> IntArray:
    pilot_areas = len({site.area for site in settings.sites})
    in_pilot = rng.integers(0, pilot_areas, count)
    elsewhere = rng.integers(pilot_areas, len(areas(settings)), count)
    chosen: IntArray = np.where(rng.random(count) < SHARE_IN_PILOT_AREAS, in_pilot, elsewhere)
    return chosen


def _registration(
    settings: SimulationSettings, rng: np.random.Generator, count: int
) -> dict[str, IntArray | BoolArray]:
    """Most people are registered all along; some moved in, some moved away. NEVER stands for no such date."""
    span = settings.last_day - settings.first_day
    moved_in = settings.first_day + rng.integers(0, span, count)
    moved_away = settings.first_day + rng.integers(0, span, count)
    start = np.where(rng.random(count) < 0.03, moved_in, settings.first_day - rng.integers(400, 9000, count))
    end = np.where(rng.random(count) < 0.02, moved_away, NEVER)
    return {"reg_start": start, "reg_end": np.where(end > start, end, NEVER)}


def _comorbidities(people: pl.DataFrame, rng: np.random.Generator) -> list[pl.Series]:
    frailty = people["frailty"].to_numpy()
    return [
        pl.Series(name, rng.random(people.height) < share * np.clip(0.6 + 0.4 * frailty, 0, 2))
        for name, _, share in COMORBIDITIES
    ]
