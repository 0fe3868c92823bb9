"""Which rows and columns `metric_estimates` has, and what its cautions say."""

import polars as pl
import pytest

from evaluation.estimation import Metric, metric_estimates, site_populations
from pipelines.contracts import contract_by_table

EMERGENCY = Metric(
    metric_id="emergency_admissions",
    label="Emergency admissions",
    domain="utilisation",
    unit="admissions per person-year",
    priority="primary",
    benefits="service_users",
)
DIED = Metric(metric_id="died", label="Died", domain="outcome", unit="share of people", is_binary=True)
SITES = pl.DataFrame(
    {
        "site_id": ["north", "south", "new"],
        "case_management": [True, False, None],
        "models": ["team; budget", "team", None],
    }
)
TEXTS = {"models": pl.String}
POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}


def periods(*people: tuple) -> pl.DataFrame:
    """Rows of person, site (None: comparison), counts before and after; a year and died=False each."""
    rows = [
        (person, site is not None, site, period, 365, count, person.startswith("died") and period == "follow_up")
        for person, site, *counts in people
        for period, count in zip(("baseline", "follow_up"), counts, strict=True)
    ]
    names = ("person_id", "is_pilot", "site_id", "period", "person_days", "emergency_admissions", "died")
    return pl.DataFrame(
        rows, schema=names, schema_overrides={"emergency_admissions": pl.Int64, "site_id": pl.String}, orient="row"
    )


PILOTS = (("a", "north", 4, 1), ("b", "north", 2, 2), ("c", "south", 1, 3), ("died-d", "south", 3, 1))
OTHERS = (("v", None, 1, 1), ("w", None, 0, 1), ("x", None, 2, 1), ("died-y", None, 1, 2))


def estimated(*people: tuple, metrics: tuple[Metric, ...] = (EMERGENCY,), sites: pl.DataFrame = SITES) -> pl.DataFrame:
    return metric_estimates(
        periods(*people),
        metrics=metrics,
        site_populations=site_populations(sites),
        follow_up_months=6,
        protocol_hash="hash",
        run_id="run",
    )


def row_of(estimates: pl.DataFrame, **values: str) -> dict:
    return estimates.filter(*(pl.col(name) == value for name, value in values.items())).row(0, named=True)


def test_columns_are_those_of_the_contract_in_order_and_type():
    columns = contract_by_table("metric_estimates").columns
    estimates = estimated(*PILOTS, *OTHERS)
    assert estimates.columns == [column.name for column in columns]
    assert estimates.dtypes == [POLARS_TYPES[column.sql_type] for column in columns]


def test_no_required_column_is_null():
    estimates = estimated(*PILOTS, *OTHERS, metrics=(EMERGENCY, DIED))
    required = [column.name for column in contract_by_table("metric_estimates").columns if column.is_required]
    assert estimates.select(required).null_count().row(0) == (0,) * len(required)


def test_populations_are_all_sites_then_flagged_sites_then_models_then_each_site():
    parts = ["case_management", "model:budget", "model:team", "site:new", "site:north", "site:south"]
    assert estimated(*PILOTS)["population"].to_list() == ["all_sites", *parts]


def test_a_model_of_joint_working_holds_the_people_of_every_site_that_names_it():
    estimates = estimated(*PILOTS)
    team, budget = (row_of(estimates, population=f"model:{name}") for name in ("team", "budget"))
    assert (team["n_pilot"], budget["n_pilot"]) == (4, 2)
    assert team["pilot_baseline"] == pytest.approx(10 / (4 * 365 / 365.25))
    assert budget["pilot_baseline"] == pytest.approx(6 / (2 * 365 / 365.25))
    assert budget["estimand_population"] == "pilot people, sites with the model budget"


@pytest.mark.parametrize("models", [None, "", " ; ", "team;team"])
def test_empty_and_repeated_models_of_a_site_make_no_rows_of_their_own(models):
    sites = pl.DataFrame({"site_id": ["a"], "case_management": [False], "models": [models]}, schema_overrides=TEXTS)
    named = [name for name in site_populations(sites)["population"] if name.startswith("model:")]
    assert named == (["model:team"] if models == "team;team" else [])


def test_without_a_flagged_site_there_is_no_case_management_population():
    sites = pl.DataFrame(
        {"site_id": ["north"], "case_management": [None], "models": [None]},
        schema_overrides={"case_management": pl.Boolean} | TEXTS,
    )
    assert estimated(*PILOTS, sites=sites)["population"].to_list() == ["all_sites", "site:north"]


def test_with_comparison_people_the_unmatched_comparison_is_the_default():
    estimates = estimated(*PILOTS, *OTHERS).filter(pl.col("population") == "all_sites")
    assert estimates.select("design", "is_default", "estimand").rows() == [
        ("uncontrolled", False, "before_after"),
        ("unmatched_did", True, "att"),
    ]


def test_without_comparison_people_only_uncontrolled_is_given_and_is_the_default():
    estimates = estimated(*PILOTS).filter(pl.col("population") == "all_sites")
    assert estimates.select("design", "is_default").rows() == [("uncontrolled", True)]
    assert estimates.select("comparator_baseline", "n_comparator", "person_years_comparator").row(0) == (None,) * 3


def test_a_population_holds_its_own_pilot_people_and_the_whole_comparison_pool():
    row = row_of(estimated(*PILOTS, *OTHERS), population="site:north", design="unmatched_did")
    assert (row["n_pilot"], row["n_comparator"], row["n_clusters"]) == (2, 4, 6)
    assert row["pilot_baseline"] == pytest.approx(6 / (2 * 365 / 365.25))
    assert "index dates drawn from all pilot people" in row["caution"]


def test_levels_and_changes_agree():
    row = row_of(estimated(*PILOTS, *OTHERS), population="all_sites", design="unmatched_did")
    pilot, comparator = (row[f"{arm}_follow_up"] - row[f"{arm}_baseline"] for arm in ("pilot", "comparator"))
    assert row["change"] == pytest.approx(pilot - comparator)


def test_a_site_without_people_has_a_row_that_says_so():
    row = row_of(estimated(*PILOTS, *OTHERS), population="site:new", design="unmatched_did")
    assert (row["n_pilot"], row["pilot_baseline"], row["change"]) == (0, None, None)
    assert "No pilot people." in row["caution"]


def test_a_metric_whose_counts_are_all_unknown_has_no_values_and_says_why():
    row = row_of(estimated(("a", "north", None, None), ("v", None, None, None)), population="all_sites")
    assert (row["pilot_baseline"], row["change"], row["relative_change_pct"]) == (None, None, None)
    assert "No pilot people whose count is known in both periods." in row["caution"]


def test_a_metric_known_in_one_period_only_is_present_and_says_why_it_has_no_levels():
    row = row_of(estimated(("a", "north", None, 3)), population="all_sites")
    assert (row["pilot_follow_up"], row["change"]) == (None, None)
    assert "No pilot people whose count is known in both periods." in row["caution"]


def test_people_left_out_are_mentioned_without_a_number():
    row = row_of(estimated(*PILOTS, ("e", "north", None, 3)), population="all_sites")
    assert "not known in both periods are left out" in row["caution"]
    assert row["n_pilot"] == 4


def test_deaths_are_shares_without_a_change():
    row = row_of(estimated(*PILOTS, *OTHERS, metrics=(DIED,)), population="all_sites", design="unmatched_did")
    assert (row["pilot_baseline"], row["pilot_follow_up"], row["comparator_follow_up"]) == (0.0, 0.25, 0.25)
    assert (row["change"], row["relative_change_pct"], row["p_value"]) == (None, None, None)
    assert "zero by construction" in row["caution"]


def test_the_uncontrolled_caution_names_regression_to_the_mean():
    assert "regression to the mean" in row_of(estimated(*PILOTS), population="all_sites")["caution"]


def test_opposite_absolute_and_relative_changes_are_pointed_out():
    # pilot 8 to 12 (x1.5, +4), comparison 1 to 2 (x2, +1): more in number, less in proportion
    row = row_of(
        estimated(("a", "north", 9, 11), ("b", "north", 7, 13), ("v", None, 1, 3), ("w", None, 1, 1)),
        population="all_sites",
        design="unmatched_did",
    )
    assert row["change"] > 0 > row["relative_change_pct"]
    assert "point in different directions" in row["caution"]


def test_unverified_code_lists_and_notes_stand_in_the_caution():
    metric = Metric(
        metric_id="emergency_admissions",
        label="Emergency admissions",
        domain="utilisation",
        unit="admissions per person-year",
        code_lists=("obstetric", "cancer"),
        unverified_code_lists=("cancer",),
        notes=("Continuous spells by rule hf_che.",),
    )
    caution = estimated(*PILOTS, metrics=(metric,))["caution"][0]
    assert "not yet checked against their source: cancer." in caution
    assert caution.endswith("Continuous spells by rule hf_che.")


def test_follow_up_under_a_year_is_called_early():
    assert "early result" in estimated(*PILOTS)["caution"][0]


def test_no_caution_holds_a_count():
    cautions = estimated(*PILOTS, *OTHERS, metrics=(EMERGENCY, DIED))["caution"].str.replace_all("12 months", "")
    assert not cautions.str.contains(r"\d").any()
