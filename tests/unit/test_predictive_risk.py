"""The predictive risk by hand: which columns a protocol asks for, what scores are made of, who is scored by whom."""

import math
from datetime import date

import polars as pl
import pytest

from evaluation.estimation import Metric
from evaluation.estimation.month_roles import months_used
from evaluation.matching import MatchingError, affordable_terms, earlier_cohort_scores, risk_of, terms_of
from evaluation.matching.covariates import COVARIATES, covariates_of_pairs, is_risk
from evaluation.matching.distances import key_columns
from evaluation.matching.draws import folds
from evaluation.matching.hidden import GROUPS, groups_of, without_group, without_risks
from pipelines.comparison import comparison_settings, made_alike_in
from pipelines.predictive_risk import RISKS, with_predictive_risks
from pipelines.protocol import Comparison, Extract, Outcome, Periods, Protocol
from pipelines.risk_columns import count_outcomes, design_covariates, history_covariates, risk_outcomes

RISK = risk_of("emergency_admissions")
TWO, FIVE = [f"two{number}" for number in range(50)], [f"five{number}" for number in range(50)]
EARLIER = pl.DataFrame(
    {
        "person_id": [*TWO, *FIVE],
        "emergency_discharge_class": ["none"] * 50 + ["more"] * 50,
        "events": [2] * 50 + [5] * 50,
        "person_years": [1.0] * 100,
    }
)


def outcome(metric: str, priority: str = "primary") -> Outcome:
    return Outcome(metric=metric, priority=priority, benefits="service_users", expected="decrease")


def protocol(*covariates: str, outcomes: tuple[Outcome, ...] = (outcome("emergency_admissions"),)) -> Protocol:
    contracts = {"admissions": "hes_apc", "population": "population", "enrolments": "pilot_enrolment"}
    return Protocol(
        study="a_pilot",
        extracts={name: Extract(contract=contract) for name, contract in contracts.items()},
        periods=Periods(baseline_months=6, follow_up_months=6, data_until=date(2011, 6, 30)),
        comparison=Comparison(covariates=covariates) if covariates else Comparison(),
        outcomes=outcomes,
    )


def test_a_protocol_that_does_not_name_it_has_no_predictive_risk():
    assert risk_outcomes(protocol()) == ()
    assert design_covariates(protocol()) == history_covariates(protocol()) == COVARIATES


def test_it_is_one_column_for_each_outcome_that_counts_events_primary_ones_first_where_the_protocol_names_it():
    outcomes = (
        outcome("elective_admissions", "secondary"),
        outcome("emergency_admissions"),
        outcome("emergency_bed_days"),
        outcome("died"),
        outcome("cost_gbp"),
        outcome("ae_attendances"),
        outcome("outpatient_attendances", "secondary"),
        outcome("involved_in_decisions"),
    )
    asked = protocol("sex", "predictive_risk", "age_at_index", outcomes=outcomes)
    counts = ("elective_admissions", "emergency_admissions", "ae_attendances", "outpatient_attendances")
    assert tuple(count_outcomes(asked)) == counts
    ordered = (*counts[1:3], counts[0], counts[3])
    assert risk_outcomes(asked) == ordered
    wanted = ("sex", *map(risk_of, ordered), "age_at_index")
    assert design_covariates(asked) == comparison_settings(asked).covariates == wanted


def test_pairs_by_risk_are_the_nearest_in_that_of_the_first_primary_count_which_is_no_covariate_for_that():
    secondary = outcome("ae_attendances", "secondary")
    outcomes = (secondary, outcome("died"), outcome("elective_admissions"), outcome("emergency_admissions"))
    asked = protocol("sex", outcomes=outcomes)
    by_risk = asked.model_copy(update={"comparison": Comparison(covariates=("sex",), method="prognostic")})
    score = risk_of("elective_admissions")
    assert risk_outcomes(by_risk) == ("elective_admissions",)
    settings = comparison_settings(by_risk)
    assert (settings.covariates, settings.prognostic_score) == (("sex",), score)
    assert score in settings.shown_where_known
    both = asked.model_copy(update={"comparison": Comparison(covariates=("predictive_risk",), method="prognostic")})
    assert comparison_settings(both).covariates == (score, RISK, risk_of("ae_attendances"))
    assert score not in comparison_settings(both).shown_where_known
    assert comparison_settings(asked).prognostic_score == ""


def test_it_is_made_of_the_default_covariates_whatever_else_the_protocol_names():
    asked = protocol("predictive_risk", "episodes_24_months", "sex")
    found = history_covariates(asked)
    assert found[:2] == ("episodes_24_months", "sex")
    assert set(found) == {"episodes_24_months", *COVARIATES}
    assert len(found) == 1 + len(COVARIATES)


def test_it_costs_one_column_as_it_stands_and_is_measured_like_other_numbers():
    people = pl.DataFrame({RISK: [-1.0, 0.5, 2.0], "is_treated": [True, False, False]})
    assert terms_of((RISK,)).linear == (RISK,)
    assert affordable_terms(people, (RISK,), most_columns=1) == terms_of((RISK,))
    wide = pl.concat([people, people.with_columns(pl.col(RISK) + 1)])
    assert key_columns(wide, (RISK,)).to_series().to_list() == wide[RISK].to_list()


def test_the_risk_of_planned_care_is_left_out_of_pairs_as_planned_care_of_a_year_is():
    risks = [risk_of(name) for name in ("emergency_admissions", "outpatient_attendances", "elective_admissions")]
    assert covariates_of_pairs(risks) == (RISK,)


@pytest.mark.parametrize("group", GROUPS)
def test_it_is_hidden_with_every_group_of_covariates_that_it_is_made_of(group):
    terms = terms_of((RISK, "sex", "index_day", "charlson_score"))
    assert not any(is_risk(name) for name in without_group(terms, group).covariates)
    assert groups_of(terms_of((RISK,))) == ()


def test_at_another_date_than_it_was_made_for_it_is_left_out():
    assert without_risks(terms_of((RISK, "sex"))) == terms_of(("sex",))


@pytest.mark.parametrize(
    ("metric", "months"),
    [("emergency_admissions", 24), ("outpatient_tele_attendances", 24), ("regular_attendances", 0)],
)
def test_weights_that_hold_it_have_looked_at_all_use_of_two_years(metric, months):
    one = Metric(metric_id=metric, label=metric, domain="utilisation", unit="per person-year", priority="primary")
    assert months_used(one, [RISK]) == months


def test_everybody_has_the_risk_of_their_own_and_who_has_none_is_unknown():
    risks = pl.DataFrame(
        [("a", "emergency_admissions", -1.5), ("a", "ae_attendances", 0.5), ("c", "emergency_admissions", 2.0)],
        schema=RISKS,
        orient="row",
    )
    people = pl.DataFrame({"person_id": ["c", "b", "a"]})
    found = with_predictive_risks(people, risks, protocol("predictive_risk"))
    assert found.rows() == [("c", 2.0), ("b", None), ("a", -1.5)]


def scores(at_index: pl.DataFrame, earlier: pl.DataFrame = EARLIER, **options: str) -> dict[str, float]:
    names = [name for name in at_index.columns if name in COVARIATES]
    found = earlier_cohort_scores(at_index, earlier=earlier, covariates=names, seed=1, **options)
    return dict(found.iter_rows())


def test_a_category_that_nobody_has_at_the_index_date_changes_nobodys_score():
    both = pl.DataFrame({"person_id": ["a", "b"], "emergency_discharge_class": ["none", "more"]})
    assert scores(both) == pytest.approx({"a": math.log(2), "b": math.log(5)})
    for one in both.partition_by("person_id"):
        assert scores(one).items() <= scores(both).items()


def test_an_unknown_number_counts_as_it_did_in_the_earlier_cohort_whoever_else_is_asked_about():
    known = EARLIER.with_columns(diagnoses_per_episode=pl.Series([None, 4.0] * 25 + [None, 9.0] * 25))
    # Whoever is coded has 4 or 9 diagnoses and 2 or 5 events; of those unknown half have 2 and half 5.
    asked = pl.DataFrame({"person_id": ["a", "b", "c"], "diagnoses_per_episode": [None, 4.0, 9.0]})
    expected = {"a": math.log(3.5), "b": math.log(2), "c": math.log(5)}
    assert scores(asked, known) == pytest.approx(expected, abs=0.05)
    others = pl.DataFrame({"person_id": ["a", "z"], "diagnoses_per_episode": [None, 99.0]})
    assert scores(others, known)["a"] == scores(asked, known)["a"]


def test_who_stands_in_both_arms_is_scored_by_a_model_without_their_own_earlier_events():
    known = EARLIER.with_columns(record_person_id=pl.col("person_id"))
    twice = known.with_columns(
        pl.when(pl.col("person_id") == "two0").then(pl.lit("two0 before")).otherwise("person_id").alias("person_id")
    )
    more = twice.with_columns(
        pl.when(pl.col("record_person_id") == "two0").then(40).otherwise("events").alias("events")
    )
    asked = pl.DataFrame(
        {"person_id": ["two0", *TWO[1:]], "record_person_id": TWO, "emergency_discharge_class": "none"}
    )
    before, after = (scores(asked, earlier, whose="record_person_id") for earlier in (twice, more))
    own = folds(TWO, seed=1, number=5) == folds(["two0"], seed=1, number=5)[0]
    assert [before[name] == after[name] for name in TWO] == own.tolist()
    assert not own.all()


def test_the_order_of_rows_changes_no_score():
    asked = pl.DataFrame({"person_id": ["a", "b", "c"], "emergency_discharge_class": ["none", "more", "none"]})
    shuffled = EARLIER.sample(fraction=1, shuffle=True, seed=2)
    assert scores(asked.reverse(), shuffled) == scores(asked)


def test_an_earlier_cohort_without_events_gives_no_risk():
    asked = pl.DataFrame({"person_id": ["a"], "emergency_discharge_class": ["none"]})
    with pytest.raises(MatchingError, match="Too few events"):
        scores(asked, EARLIER.with_columns(events=0))


@pytest.mark.parametrize(("method", "months"), [("nearest", 3), ("prognostic", 24)])
def test_pairs_by_a_risk_leave_no_month_of_use_open_that_the_risk_is_made_of(method, months):
    design = {"matched_covariates": "age_at_index, outpatient_attendances_3_months", "exact": "sex"}
    alike = made_alike_in(design | {"matching_method": method, "pilot_people_matched": 9})
    outpatients = Metric(metric_id="outpatient_attendances", label="", domain="utilisation", unit="per person-year")
    assert months_used(outpatients, alike) == months
    assert made_alike_in(design | {"matching_method": method, "pilot_people_matched": 0}) == ()
