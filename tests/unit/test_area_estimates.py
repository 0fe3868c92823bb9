"""Rows of the area designs: what each says, and why there may be no number in it."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from evaluation.estimation.area_cautions import (
    LEFT_OUT,
    NO_INTERVAL,
    OTHER_PROGRAMME,
    SITES_WITHOUT_AREA,
    area_cautions,
)
from evaluation.estimation.area_effects import (
    BASE_SHORT,
    BASE_SHORT_LEFT_OUT,
    DONORS_SHORT,
    FEW,
    FIT_SHORT,
    MONTHS_SHORT,
)
from evaluation.estimation.area_estimates import AreaEstimates, area_estimates
from evaluation.estimation.area_event_study import AREA_EVENT_STUDY
from evaluation.estimation.area_panels import NO_COMPARISON
from evaluation.estimation.area_trend_bounds import (
    AREA_TREND_BOUNDS,
    MAGNITUDES,
    NO_TEST,
    NOTHING_TO_UNDO,
    ONE_CHANGE,
)
from evaluation.estimation.area_trends import NO_YEAR_BEFORE
from evaluation.estimation.estimates import METRIC_ESTIMATES
from evaluation.estimation.metrics import Metric

ADMISSIONS = Metric(
    metric_id="admissions", label="Admissions", domain="utilisation", unit="per person-year", notes=("A note.",)
)
DIED = Metric(metric_id="died", label="Died", domain="outcome", unit="share", is_binary=True)


def area_months(
    *, pilots: int = 3, others: int = 11, months: int = 40, go_live: int = 25, mean: float = 30, **fields: object
) -> pl.DataFrame:
    """Areas of a thousand person-months a month; admissions by chance alone."""
    rng = np.random.default_rng(4)
    starts = [dt.date(2008 + number // 12, number % 12 + 1, 1) for number in range(months)]
    rows = [
        {
            "unit_level": "area",
            "unit_code": f"{role} {number}",
            "unit_role": role,
            "go_live_date": starts[go_live - 1] + dt.timedelta(days=9) if role == "pilot" else None,
            "other_programme_start_date": None,
            "month_start_date": month,
            "person_days": 30_000,
            "enrolled_person_days": 600 if role == "pilot" and position >= go_live - 1 else 0,
            "admissions": int(rng.poisson(mean)),
        }
        | fields
        for role, count in (("pilot", pilots), ("comparison", others))
        for number in range(count)
        for position, month in enumerate(starts)
    ]
    dates = {"go_live_date": pl.Date, "other_programme_start_date": pl.Date}
    return pl.DataFrame(rows, schema_overrides=dates)


def estimated(rows: pl.DataFrame, *, some_sites_without_area: bool = False, **settings: object) -> AreaEstimates:
    return area_estimates(
        rows,
        metrics=[ADMISSIONS, DIED],
        some_sites_without_area=some_sites_without_area,
        protocol_hash="hash",
        run_id="run",
        **settings,
    )


def row(rows: pl.DataFrame, design: str, estimator: str | None = None) -> dict:
    found = estimated(rows).estimates.filter(design=design)
    return (found if estimator is None else found.filter(estimator=estimator)).row(0, named=True)


def test_a_metric_has_five_rows_and_a_once_only_event_none() -> None:
    found = estimated(area_months())
    assert dict(found.estimates.schema) == METRIC_ESTIMATES
    assert dict(found.event_study.schema) == AREA_EVENT_STUDY
    assert dict(found.trend_bounds.schema) == AREA_TREND_BOUNDS
    assert found.estimates["metric_id"].to_list() == ["admissions"] * 5
    assert found.estimates["estimand"].unique().to_list() == ["att_residents"]
    assert found.estimates["change"].null_count() == 0
    assert found.weights["weight"].sum() == pytest.approx(1)


def test_levels_changes_and_ratio_belong_together() -> None:
    for one in estimated(area_months()).estimates.iter_rows(named=True):
        assert one["change"] == pytest.approx(one["pilot_follow_up"] - one["comparator_follow_up"])
        ratio = one["pilot_follow_up"] / one["comparator_follow_up"]
        assert one["relative_change_pct"] == pytest.approx(100 * (ratio - 1))
        assert one["pilot_baseline"] == pytest.approx(30 * 365.25 / 30_000, rel=0.1)
        people_of_an_area = 30_000 / (365.25 / 12)
        assert (one["n_pilot"], one["n_comparator"]) == (round(3 * people_of_an_area), round(11 * people_of_an_area))


def test_every_caution_names_the_design_the_dilution_and_the_metrics_notes() -> None:
    for one in estimated(area_months()).estimates.iter_rows(named=True):
        assert "Enrolled people make up 2% of the pilot areas' person-time since go-live" in one["caution"]
        assert "assumes" in one["caution"]
        assert one["caution"].endswith("A note.")
        assert "significan" not in one["caution"]
    its = row(area_months(), "its")
    assert "Level at go-live " in its["caution"]
    assert "12 areas of a kind or fewer" in its["caution"]
    assert "can't fall below 0.083" in row(area_months(), "synthetic_control")["caution"]


@pytest.mark.parametrize(
    ("rows", "design", "reason"),
    [
        (area_months(others=0), "area_did", NO_COMPARISON),
        (area_months(go_live=12), "its", MONTHS_SHORT),
        (area_months(months=35), "its", MONTHS_SHORT),
        (area_months(go_live=12), "area_did", BASE_SHORT),
        (area_months(go_live=24), "synthetic_control", FIT_SHORT),
        (area_months(others=9), "synthetic_control", DONORS_SHORT),
        (area_months(mean=0.05), "its", FEW),
    ],
)
def test_too_little_leaves_nulls_and_the_reason(rows: pl.DataFrame, design: str, reason: str) -> None:
    one = row(rows, design)
    numbers = ("change", "change_low", "relative_change_pct", "p_value", "pilot_follow_up", "cluster_level")
    assert [one[name] for name in numbers] == [None] * len(numbers)
    assert f"No estimate: {reason}." in one["caution"]


def test_the_least_number_of_months_is_enough() -> None:
    assert row(area_months(go_live=13, months=24), "its")["change"] is not None
    assert row(area_months(go_live=13, months=24), "area_did")["change"] is not None
    assert row(area_months(go_live=25, others=10), "synthetic_control")["change"] is not None


def test_one_pilot_area_has_estimates_without_intervals_and_says_so() -> None:
    for design, estimator in (("its", None), ("area_did", "imputation")):
        one = row(area_months(pilots=1), design, estimator)
        assert one["change"] is not None
        assert [one[name] for name in ("change_low", "relative_high_pct", "p_value", "n_clusters")] == [None] * 4
        assert NO_INTERVAL in one["caution"]


def test_a_study_without_any_area_has_rows_without_values() -> None:
    found = estimated(area_months().clear())
    assert found.estimates["n_pilot"].to_list() == [0] * 5
    assert found.estimates["change"].null_count() == 5
    assert found.event_study.is_empty()


def test_other_programmes_and_sites_without_area_are_said() -> None:
    rows = area_months(other_programme_start_date=dt.date(2009, 1, 1))
    found = estimated(rows, some_sites_without_area=True).estimates
    assert all(OTHER_PROGRAMME in caution and SITES_WITHOUT_AREA in caution for caution in found["caution"])
    plain = estimated(area_months()).estimates
    assert not any(OTHER_PROGRAMME in caution or SITES_WITHOUT_AREA in caution for caution in plain["caution"])


EXCLUDED = {"comparison 0": "its hospital closed.", "comparison 7": "it changed its boundary"}


def test_donors_that_the_protocol_excludes_are_out_of_the_mix_and_named_with_the_reason() -> None:
    rows = area_months(others=13)
    found = estimated(rows, excluded_donors=EXCLUDED)
    assert not set(EXCLUDED) & set(found.weights["area"])
    assert found.weights.filter(metric_id="admissions").height == 11
    one = found.estimates.filter(design="synthetic_control").row(0, named=True)
    said = "by the protocol: comparison 0 (its hospital closed); comparison 7 (it changed its boundary)."
    assert f"Left out of the mix {said}" in one["caution"]
    without = row(rows.filter(~pl.col("unit_code").is_in(list(EXCLUDED))), "synthetic_control")
    for name in ("change", "p_value", "comparator_follow_up", "n_comparator"):
        assert one[name] == without[name]


def test_the_other_designs_keep_those_areas_and_say_nothing_of_them() -> None:
    others = pl.col("design") != "synthetic_control"
    with_all, found = (
        estimated(area_months(), **settings).estimates.filter(others)
        for settings in ({}, {"excluded_donors": EXCLUDED})
    )
    assert with_all.equals(found)


def test_with_too_few_donors_left_there_is_no_mix_and_it_is_still_said_which_were_excluded() -> None:
    one = estimated(area_months(others=11), excluded_donors=EXCLUDED).estimates.filter(design="synthetic_control")
    assert one["change"].to_list() == [None]
    assert f"No estimate: {DONORS_SHORT}." in one["caution"][0]
    assert "Left out of the mix by the protocol: comparison 0" in one["caution"][0]


def test_pilot_areas_that_are_left_out_are_said() -> None:
    is_first = pl.col("unit_code") == "pilot 0"
    undated = area_months().with_columns(
        unit_role=pl.when(is_first).then(pl.lit("pilot_undated")).otherwise("unit_role")
    )
    assert all(LEFT_OUT in caution for caution in estimated(undated).estimates["caution"])
    early = area_months().with_columns(
        go_live_date=pl.when(is_first).then(dt.date(2008, 8, 1)).otherwise("go_live_date")
    )
    found = estimated(early).estimates
    assert not any(LEFT_OUT in caution for caution in found["caution"])
    assert found.filter(pl.col("caution").str.contains(BASE_SHORT_LEFT_OUT, literal=True)).height == 2


def test_months_before_go_live_are_flat_or_leads() -> None:
    study = estimated(area_months(go_live=25)).event_study
    did = study.filter(estimator="group_time_never_treated").sort("event_month")
    assert did["month_role"].to_list() == ["before"] * 12 + ["flat_by_construction"] * 12 + ["after"] * 16
    mix = study.filter(design="synthetic_control").sort("event_month")
    assert mix["month_role"].to_list() == ["flat_by_construction"] * 24 + ["after"] * 16
    assert study.filter(estimator="imputation")["month_role"].unique().to_list() == ["after"]


def fallen(rows: pl.DataFrame, *, drift: float = 0.0) -> pl.DataFrame:
    """Fifteen of thirty admissions less in the pilot areas from go-live on, and a straight drift up, a month."""
    is_after = pl.col("month_start_date") >= pl.col("go_live_date").dt.truncate("1mo")
    month = pl.col("month_start_date").dt.year() * 12 + pl.col("month_start_date").dt.month()
    drifted = pl.col("admissions") + drift * (month - month.min()) - 15.0 * is_after
    return rows.with_columns(admissions=pl.when(pl.col("unit_role") == "pilot").then(drifted).otherwise("admissions"))


def test_bounds_with_parallel_trends_are_the_intervals_of_the_estimates() -> None:
    found = estimated(fallen(area_months(go_live=25)))
    bounds = found.trend_bounds.filter(relative_magnitude=0.0)
    both = bounds.join(found.estimates, on=["metric_id", "estimator"])
    assert both.height == 2
    for name in ("change", "change_low", "change_high"):
        assert both[name].to_list() == pytest.approx(both[f"{name}_right"].to_list())


def test_a_fall_holds_up_to_a_magnitude_and_is_said_to() -> None:
    rows = estimated(fallen(area_months(go_live=25))).trend_bounds.filter(estimator="group_time_never_treated")
    assert rows["relative_magnitude"].to_list() == list(MAGNITUDES)
    holds = rows["holds_up_to"].unique().item()
    assert 0.5 < holds < 5
    for one in rows.iter_rows(named=True):
        excludes = one["change_high"] < 0
        assert excludes == (one["relative_magnitude"] <= holds)
        assert f"the 95% interval {'excludes' if excludes else 'covers'} no change." in one["explanation"]
        assert (
            f"That there was a fall holds unless differences in trend after go-live were more than {holds:g} "
            in (one["explanation"])
        )
        assert one["caution"].startswith("Exploratory: ")
        assert NO_TEST in one["caution"]
        assert ONE_CHANGE in one["caution"]
        assert "is diluted" in one["caution"]
        assert "significan" not in one["explanation"] + one["caution"]


def test_the_same_fall_with_trends_that_differed_before_holds_less_far() -> None:
    steady, drifting = (
        estimated(fallen(area_months(go_live=37, months=50), drift=drift)).trend_bounds.filter(
            estimator="group_time_never_treated"
        )
        for drift in (0.0, 0.5)
    )
    assert steady["changes_before"].unique().to_list() == drifting["changes_before"].unique().to_list() == [2]
    assert drifting["largest_change_before"][0] > steady["largest_change_before"][0]
    assert drifting["holds_up_to"][0] < steady["holds_up_to"][0]
    assert not steady["caution"].str.contains(ONE_CHANGE, literal=True).any()


def test_where_nothing_changed_there_is_nothing_to_undo() -> None:
    for one in estimated(area_months(go_live=25)).trend_bounds.iter_rows(named=True):
        assert one["change_low"] < 0 < one["change_high"]
        assert one["holds_up_to"] is None
        assert NOTHING_TO_UNDO in one["explanation"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (area_months(go_live=24), NO_YEAR_BEFORE),
        (area_months(pilots=1), NO_INTERVAL),
        (area_months(others=0), f"No estimate: {NO_COMPARISON}."),
        (area_months(mean=0.05), f"No estimate: {FEW}."),
    ],
)
def test_bounds_that_cannot_be_had_are_null_and_say_why(rows: pl.DataFrame, reason: str) -> None:
    found = estimated(rows).trend_bounds
    assert found.height == 2 * len(MAGNITUDES)
    for name in ("change_low", "change_high", "holds_up_to"):
        assert found[name].null_count() == found.height
    assert all(reason in caution for caution in found["caution"])
    assert found["explanation"].unique().to_list() == ["No effect can be stated."]


def test_a_share_too_small_to_see_is_said_in_words() -> None:
    words = area_cautions(ADMISSIONS, design="its", enrolled_share=0.004, found="", of_study=())
    assert "Enrolled people make up less than 1%" in words
