"""The SQL's spells against a second, slow implementation: made-up histories, and public ones where they are found."""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.reference.spells_by_hand import Episode, continuous_spells, provider_spells
from tests.sql.small_study import Row, SmallStudy

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "reference_inputs" / "16_cips_spells"
PUBLIC = sorted(SHARED.glob("*.csv"))
RULES = ("nhs_digital_2014", "hf_che")


def public_history(path: Path) -> list[Row]:
    """A public file of provider spells, each as a spell of one episode."""
    with path.open(encoding="utf-8") as file:
        return [
            {
                "person_id": row["id"], "procode3": row["provider"], "epistart": row["spell_start"],
                "epiend": row["spell_end"], "admidate": row["spell_start"], "disdate": row["spell_end"],
                "epiorder": 1, "epistat": "3", "admimeth": row["adm_meth"], "admisorc": row["adm_src"],
                "dismeth": row["dis_meth"], "disdest": row["dis_dest"], "classpat": row["patclass"],
            }
            for row in csv.DictReader(file)
        ]  # fmt: skip


def made_up_history(seed: int, *, people: int) -> list[Row]:
    """Crowded histories, in which every rule has something to do: three providers, two months."""
    rng = random.Random(seed)
    return [made_up_row(rng, f"p{number}") for number in range(people) for _ in range(rng.randint(1, 9))]


def made_up_row(rng: random.Random, person_id: str) -> Row:
    start = date(2010, 1, 1) + timedelta(rng.randint(0, 45))
    end = start + timedelta(rng.choice([0, 0, 1, 2, 3, 5, 8, 20]))
    open_stay = rng.random() < 0.3
    return {
        "person_id": person_id, "procode3": rng.choice(["RAA", "RAA", "RBB", "RCC"]),
        "epistart": start.isoformat(), "epiend": rng.choice([end.isoformat()] * 9 + [None]),
        "epiorder": rng.choice([1, 1, 2, 3, None]), "epistat": "3", "transit": rng.choice(["0", "1", "2", "3", None]),
        "admidate": rng.choice([start.isoformat()] * 4 + [(start - timedelta(2)).isoformat(), None]),
        "disdate": None if open_stay else end.isoformat(),
        "admimeth": rng.choice(["21", "21", "11", "81", "2B", "67", "28", None]),
        "admisorc": rng.choice(["19", "19", "19", "49", "51", "53", "87", None]),
        "dismeth": rng.choice(["8", "9", "1", None]) if open_stay else "1",
        "disdest": rng.choice(["19", "19", "19", "50", "51", "84", "54", None]),
        "classpat": rng.choice(["1", "1", "1", "2", "3", None]),
    }  # fmt: skip


def accepted_episodes(study: SmallStudy) -> list[Episode]:
    """The episodes that staging lets through, as plain records."""
    rows = study.query(
        """select episode_key, person_id, provider_code, episode_start_date, episode_end_date, episode_order,
            transit_code, admission_date, discharge_date, admission_method_code, admission_source_code,
            discharge_method_code, discharge_destination_code, patient_classification_code from episodes"""
    )
    return [Episode(*row) for row in rows]


def spells_by_sql(study: SmallStudy) -> set[frozenset[str]]:
    return {
        frozenset(keys)
        for (keys,) in study.query(
            "select list(episode_key) from episode_spells group by person_id, provider_code, spell_number"
        )
    }


def chains_by_sql(study: SmallStudy, rule: str) -> dict[frozenset[str], tuple[date, date | None]]:
    rows = study.query(
        f"""select list(episode_key), any_value(chains.admission_date), any_value(chains.discharge_date)
        from continuous_inpatient_spells as chains
        inner join continuous_spell_members as members
            on chains.continuous_rule = members.continuous_rule and chains.person_id = members.person_id
            and chains.continuous_spell_number = members.continuous_spell_number
        inner join episode_spells
            on members.person_id = episode_spells.person_id and members.provider_code = episode_spells.provider_code
            and members.spell_number = episode_spells.spell_number
        where chains.continuous_rule = '{rule}'
        group by chains.person_id, chains.continuous_spell_number"""
    )
    return {frozenset(keys): (admission, discharge) for keys, admission, discharge in rows}


def chains_by_hand(study: SmallStudy, rule: str) -> dict[frozenset[str], tuple[date, date | None]]:
    found = {}
    for chain in continuous_spells(provider_spells(accepted_episodes(study)), rule=rule):
        last = max(enumerate(chain), key=lambda entry: (entry[1].last_known_day or date.max, entry[0]))[1]
        discharge = last.stated_end
        believed = discharge if discharge and discharge >= last.admission else None
        found[frozenset().union(*(spell.keys for spell in chain))] = (chain[0].admission, believed)
    return found


@pytest.fixture(scope="module", params=[*PUBLIC, 1, 2, 3], ids=lambda source: getattr(source, "stem", f"seed {source}"))
def history(request: pytest.FixtureRequest) -> SmallStudy:
    """A study of public or of made-up histories."""
    source = request.param
    rows = public_history(source) if isinstance(source, Path) else made_up_history(source, people=700)
    return SmallStudy(admissions=rows)


def test_provider_spells_agree(history: SmallStudy) -> None:
    by_hand = {spell.keys for spell in provider_spells(accepted_episodes(history))}
    assert spells_by_sql(history) == by_hand


def test_numbers_of_nested_stays_leave_no_episode_out(history: SmallStudy) -> None:
    by_hand = sum(len(spell.nested) for spell in provider_spells(accepted_episodes(history)))
    assert history.value("select count(*) filter (where is_nested) from episode_spells") == by_hand


@pytest.mark.parametrize("rule", RULES)
def test_continuous_spells_agree_in_members_admission_and_discharge(history: SmallStudy, rule: str) -> None:
    assert chains_by_sql(history, rule) == chains_by_hand(history, rule)
