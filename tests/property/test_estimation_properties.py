"""What must hold of `metric_estimates` whatever the data."""

import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from evaluation.estimation import Metric, metric_estimates, site_populations

METRIC = Metric(
    metric_id="emergency_admissions", label="Emergency", domain="utilisation", unit="admissions per person-year"
)
SITES = ("north", "south", None)
PERSON = st.tuples(
    st.sampled_from(SITES),
    st.integers(0, 184),
    st.integers(0, 184),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 9),
)
LEVELS = ("pilot_baseline", "pilot_follow_up", "comparator_baseline", "comparator_follow_up")


def periods(people: list[tuple], *, prefix: str = "p", sites: dict | None = None) -> pl.DataFrame:
    renamed = sites or {}
    rows = [
        (f"{prefix}{number}", site is not None, renamed.get(site, site), period, days, count)
        for number, (site, days_before, days_after, before, after) in enumerate(people)
        for period, days, count in (("baseline", days_before, before), ("follow_up", days_after, after))
    ]
    types = {"person_id": pl.String, "is_pilot": pl.Boolean, "site_id": pl.String, "period": pl.String}
    counts = {"person_days": pl.Int64, "emergency_admissions": pl.Int64}
    return pl.DataFrame(rows, schema=types | counts, orient="row")


def estimated(rows: pl.DataFrame, *, sites: tuple[str, ...] = ("north", "south")) -> pl.DataFrame:
    flagged = pl.DataFrame({"site_id": sites, "case_management": [False] * len(sites), "models": ["team"] * len(sites)})
    return metric_estimates(
        rows,
        metrics=[METRIC],
        site_populations=site_populations(flagged),
        follow_up_months=12,
        protocol_hash="hash",
        run_id="run",
    )


people = st.lists(PERSON, min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(people=people, seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(people, seed):
    rows = periods(people)
    assert_frame_equal(estimated(rows), estimated(rows.sample(fraction=1, shuffle=True, seed=seed)), check_exact=True)


@settings(max_examples=40, deadline=None)
@given(people=people, cut=st.integers(0, 60))
def test_rows_that_come_in_two_pieces_change_nothing(people, cut):
    rows = periods(people)
    assert_frame_equal(estimated(rows), estimated(pl.concat([rows[cut:], rows[:cut]])), check_exact=True)


@settings(max_examples=40, deadline=None)
@given(people=people)
def test_other_names_of_sites_change_only_the_names(people):
    names = {"north": "zzz", "south": "aaa"}
    renamed = estimated(periods(people, sites=names), sites=("aaa", "zzz"))
    back = {"site:zzz": "site:north", "site:aaa": "site:south"}
    restored = renamed.with_columns(pl.col("population").replace(back)).drop("estimand_population")
    keys = ("population", "design")
    assert_frame_equal(restored.sort(keys), estimated(periods(people)).drop("estimand_population").sort(keys))


@settings(max_examples=40, deadline=None)
@given(people=people)
def test_everyone_twice_leaves_levels_and_changes_as_they_are(people):
    once = estimated(periods(people))
    twice = estimated(pl.concat([periods(people), periods(people, prefix="copy")]))
    kept = ("population", "design", *LEVELS, "change", "relative_change_pct")
    assert_frame_equal(once.select(kept), twice.select(kept), rel_tol=1e-9)


@settings(max_examples=60, deadline=None)
@given(people=people)
def test_no_number_is_infinite_or_not_a_number_and_limits_enclose_the_estimate(people):
    for row in estimated(periods(people)).iter_rows(named=True):
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
        if row["change_low"] is not None:
            assert row["change_low"] <= row["change"] <= row["change_high"]
            assert row["relative_low_pct"] <= row["relative_change_pct"] <= row["relative_high_pct"]


@settings(max_examples=40, deadline=None)
@given(people=people)
def test_site_people_add_up_to_all_pilot_people(people):
    found = estimated(periods(people)).filter(pl.col("design") == "uncontrolled")
    in_sites = found.filter(pl.col("population").str.starts_with("site:"))["n_pilot"].sum()
    assert in_sites == found.filter(pl.col("population") == "all_sites")["n_pilot"].sum()
