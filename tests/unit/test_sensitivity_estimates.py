"""Rows of `sensitivity_estimates` by hand: shifts, widened intervals and bounds in both directions."""

import math
from dataclasses import replace

import polars as pl
import pytest

from evaluation.estimation import (
    ComparedPopulation,
    controlled_estimates,
    sensitivity_estimates,
)
from evaluation.estimation.variants import (
    AS_PLANNED,
    HIDDEN_GROUP,
    LOCAL_POOL,
    OTHER_SPELL_RULE,
    PLACEBO_INDEX_DATE,
    PLAN_IN_SAMPLE,
    SITE_LEFT_OUT,
    Variant,
)
from tests.sensitivity_by_hand import ADMISSIONS, ALMOST, COUNTS, FOUR_YEARS, HIDDEN, IDS, PLANNED, people, rows, table


def test_the_plan_itself_is_the_row_that_metric_estimates_has():
    row = rows(PLANNED)["as_planned", ""]
    compared = ComparedPopulation(
        population="all_sites",
        pilot_people=20,
        weighted=PLANNED.people,
        matched=None,
        weighting_caution="Weights are odd.",
        matching_caution="",
    )
    frame = pl.DataFrame({"person_id": IDS, "person_days": FOUR_YEARS, "admissions": COUNTS})
    estimates = controlled_estimates(
        [compared],
        follow_up=frame,
        earlier=frame,
        metrics=[ADMISSIONS],
        follow_up_months=6,
        design_state="",
        protocol_hash="hash",
        run_id="run",
    )
    same = estimates.filter(pl.col("design") == "weighted_cohort").row(0, named=True)
    shared = ("metric_id", "population", "design", "relative_change_pct", "relative_low_pct", "relative_high_pct")
    assert [row[name] for name in (*shared, "caution")] == [same[name] for name in (*shared, "caution")]
    assert row["relative_change_pct"] == pytest.approx(-50)  # 12 / 80 years over 24 / 80
    assert row["shift_pct"] is None


def test_a_hidden_group_shifts_the_rate_ratio():
    row = rows(PLANNED, HIDDEN)["hidden_group", "planned_use"]
    # without it the others' rate is (24 + 48) / 160: the ratio 1/3, that is 2/3 of the plan's
    assert (row["relative_change_pct"], row["shift_pct"]) == pytest.approx((-200 / 3, -100 / 3))
    assert row["explanation"] == ("With planned use hidden from the weights, the change is -67%: a shift of -33%.")


def test_the_interval_is_widened_on_both_sides_by_the_largest_shift():
    found = rows(PLANNED, ALMOST, HIDDEN)
    planned = found["as_planned", ""]
    assert [key for key in found if key[0] == "widened_interval"] == [("widened_interval", "planned_use")]
    row = found["widened_interval", "planned_use"]
    assert row["relative_change_pct"] == planned["relative_change_pct"]
    assert 1 + row["relative_low_pct"] / 100 == pytest.approx((1 + planned["relative_low_pct"] / 100) / 1.5)
    assert 1 + row["relative_high_pct"] / 100 == pytest.approx((1 + planned["relative_high_pct"] / 100) * 1.5)
    assert "hiding planned use moved the estimate" in row["explanation"]
    assert "what nobody recorded may matter less or more" in row["explanation"]


def test_needed_bias_and_e_values_are_held_against_no_change_and_against_the_worthwhile_one():
    found = rows(PLANNED, HIDDEN)
    assert found["needed_bias", "no_change"]["value"] == pytest.approx(-50)
    assert found["needed_bias", "smallest_worthwhile_change"]["value"] == pytest.approx(100 * (0.5 / 0.95 - 1))
    assert found["needed_bias", "smallest_worthwhile_change"]["against_pct"] == -5
    # the ratio 0.5 is as far from 1 as 2: 2 + sqrt(2 x 1)
    assert found["e_value", "no_change"]["value"] == pytest.approx(2 + math.sqrt(2))
    # hiding planned use moved the ratio by 1.5: 1.5 + sqrt(1.5 x 0.5) = 2.4
    assert found["e_value", "no_change"]["explanation"] == (
        "For no change to be the truth, something that is not recorded would have to be 3.4 times as likely in one "
        "group as in the other and to change the rate 3.4-fold, beyond all that is recorded; with 2.4 it would match "
        "the recorded group that matters most."
    )
    limit = 1 / (1 + found["as_planned", ""]["relative_high_pct"] / 100)
    assert found["e_value_of_limit", "no_change"]["value"] == pytest.approx(limit + math.sqrt(limit * (limit - 1)))


def test_the_hidden_bias_that_would_mask_the_hoped_for_fall_is_said_in_words():
    # 14 of 20 cases with two admissions: 28 against 24, a ratio of 7/6; 7/6 / 0.95 = 1.228
    row = rows(PLANNED, HIDDEN, counts=[2] * 14 + COUNTS[14:])["needed_bias", "smallest_worthwhile_change"]
    assert row["value"] == pytest.approx(100 * (7 / 6 / 0.95 - 1))
    assert row["explanation"] == (
        "For a change of -5% to be the truth, what is not recorded must make the pilot people's rate look 23% too "
        "high; hiding planned use, the recorded group that matters most, did 33%."
    )


def test_the_tipping_point_is_the_distance_to_the_nearer_limit():
    found = rows(PLANNED)
    high = 1 + found["as_planned", ""]["relative_high_pct"] / 100
    row = found["tipping_point", "no_change"]
    assert high < 1
    assert row["value"] == pytest.approx(100 * (1 / high - 1))
    assert row["explanation"].startswith("The 95% interval excludes no change; a hidden bias of ")


def test_without_a_worthwhile_change_nothing_is_held_against_it():
    assert not any(variant == "smallest_worthwhile_change" for _, variant in rows(PLANNED, HIDDEN, worthwhile=None))


def test_a_variant_without_weights_stands_with_the_reason():
    row = rows(PLANNED, Variant(analysis=SITE_LEFT_OUT, variant="ashbrook", reason="No weights."))
    row = row["site_left_out", "ashbrook"]
    assert [row[name] for name in ("relative_change_pct", "relative_low_pct", "shift_pct")] == [None] * 3
    assert "No weights." in row["caution"]
    assert row["explanation"] == "No effect can be stated."


def test_what_is_known_of_one_variant_alone_stands_in_its_caution_alone():
    local = Variant(analysis=LOCAL_POOL, variant="local", people=people(60, 0.5), caution="They live near.")
    found = rows(PLANNED, local)
    assert "They live near. Weights are odd." in found["local_pool", "local"]["caution"]
    assert found["local_pool", "local"]["explanation"] == (
        "Compared with people of the pilot's own areas and practices, the change is -67%: a shift of -33%."
    )
    assert "They live near." not in found["as_planned", ""]["caution"]


def test_of_a_sample_only_the_shift_counts():
    everyone = Variant(analysis=AS_PLANNED, people=people(60, 0.5))  # the ratio 1/3
    plan = Variant(analysis=PLAN_IN_SAMPLE, people=people(40, 1.0))  # 1/2
    hidden = Variant(analysis=HIDDEN_GROUP, variant="planned_use", people=people(60, 0.5), is_of_sample=True)
    found = rows(everyone, plan, hidden)
    row, planned = found["hidden_group", "planned_use"], found["as_planned", ""]
    # the sample's ratio went from 1/2 to 1/3: so the plan's goes from 1/3 to 2/9, its interval with it
    assert (row["relative_change_pct"], row["shift_pct"]) == pytest.approx((100 * (2 / 9 - 1), -100 / 3))
    assert 1 + row["relative_high_pct"] / 100 == pytest.approx((1 + planned["relative_high_pct"] / 100) * 2 / 3)
    assert ("plan_in_sample", "") not in found
    assert found["widened_interval", "planned_use"]["shift_pct"] == pytest.approx(-100 / 3)


def test_a_sample_without_an_estimate_as_planned_gives_no_shifts():
    plan = Variant(analysis=PLAN_IN_SAMPLE, reason="No weights.")
    row = rows(PLANNED, plan, replace(HIDDEN, is_of_sample=True))["hidden_group", "planned_use"]
    assert (row["relative_change_pct"], row["shift_pct"]) == (None, None)
    assert "No weights." in row["caution"]


def test_other_counts_change_only_the_metrics_that_they_hold():
    other = pl.DataFrame({"person_id": IDS, "person_days": FOUR_YEARS, "admissions": [2] * 12 + COUNTS[12:]})
    variant = Variant(analysis=OTHER_SPELL_RULE, variant="hf_che", people=PLANNED.people, counts=other)
    row = rows(PLANNED, variant)["other_spell_rule", "hf_che"]
    assert (row["relative_change_pct"], row["shift_pct"]) == pytest.approx((0, 100), abs=1e-9)
    elsewhere = replace(variant, counts=other.rename({"admissions": "stays"}))
    assert ("other_spell_rule", "hf_che") not in rows(PLANNED, elsewhere)


def test_with_fewer_than_ten_people_with_events_there_are_no_intervals_and_nothing_rests_on_them():
    found = rows(PLANNED, HIDDEN, counts=[1] * 9 + [0] * 11 + COUNTS[20:])
    assert all(row["relative_low_pct"] is None and row["relative_high_pct"] is None for row in found.values())
    assert not {"widened_interval", "tipping_point", "e_value_of_limit"} & {analysis for analysis, _ in found}
    assert "Too few people of an arm had any event" in found["as_planned", ""]["caution"]


def test_without_events_there_are_no_bounds():
    found = rows(PLANNED, HIDDEN, counts=[0] * 20 + COUNTS[20:])
    assert set(found) == {("as_planned", ""), ("hidden_group", "planned_use")}
    assert found["as_planned", ""]["relative_change_pct"] is None


def test_without_weights_as_planned_there_are_no_rows_but_all_columns():
    assert table().height == 0
    assert table().columns == table(PLANNED).columns


def test_every_row_carries_a_caution_and_bounds_say_that_they_are_benchmarks():
    for (analysis, _), row in rows(PLANNED, HIDDEN).items():
        assert "Weights are odd." in row["caution"]
        is_bound = analysis not in ("as_planned", "hidden_group")
        assert row["caution"].startswith("A benchmark from what is recorded") == is_bound


def control(counts) -> dict:
    metric = replace(ADMISSIONS, metric_id="dialysis", label="Dialysis", priority="exploratory")
    found = sensitivity_estimates(
        [PLANNED, HIDDEN],
        follow_up=pl.DataFrame({"person_id": IDS, "person_days": FOUR_YEARS, "admissions": COUNTS, "dialysis": counts}),
        metrics=[ADMISSIONS],
        controls=[metric],
        worthwhile_pct={},
        design_caution="Weights are odd.",
        follow_up_months=6,
        protocol_hash="hash",
        run_id="run",
    )
    (row,) = found.filter(pl.col("metric_id") == "dialysis").iter_rows(named=True)
    return row


def test_a_negative_control_that_differs_is_said_to_and_has_no_bounds():
    row = control(COUNTS)
    assert (row["analysis"], row["priority"]) == ("negative_control", "exploratory")
    assert (row["relative_change_pct"], row["shift_pct"], row["value"]) == (pytest.approx(-50), None, None)
    assert row["relative_high_pct"] < 0
    assert row["explanation"].startswith("A negative control, which the pilot can't have changed, differs: -50% (95% ")
    assert row["explanation"].endswith(
        "The groups may still differ in something that is not recorded, or this is chance."
    )
    assert row["caution"].startswith("Exploratory: a check of the comparison, not an effect of the pilot.")


def test_a_negative_control_that_does_not_differ_proves_nothing():
    row = control([2] * 12 + [0] * 8 + COUNTS[20:])
    assert row["relative_change_pct"] == pytest.approx(0, abs=1e-6)
    assert row["explanation"].startswith("A negative control, which the pilot can't have changed: 0% (95% interval ")
    assert "no proof that nothing is hidden" in row["explanation"]
    row = control([1] * 9 + [0] * 11 + COUNTS[20:])
    assert row["explanation"].startswith("A negative control. A fall of about 6")


def test_a_placebo_index_date_has_its_own_counts_and_no_shift():
    def at_placebo(counts: list[int]) -> dict:
        frame = pl.DataFrame({"person_id": IDS, "person_days": FOUR_YEARS, "admissions": counts})
        placebo = Variant(
            analysis=PLACEBO_INDEX_DATE, variant="12_months_earlier", people=people(40, 1.0), counts=frame
        )
        return rows(PLANNED, placebo)["placebo_index_date", "12_months_earlier"]

    fall = at_placebo(COUNTS)  # 12 over 24 admissions in the same years
    assert fall["relative_change_pct"] == pytest.approx(-50)
    assert fall["shift_pct"] is None
    assert fall["explanation"].startswith("At a placebo index date twelve months earlier")
    assert fall["explanation"].endswith("a fall that the pilot can't have caused.")
    assert fall["caution"].startswith("Exploratory: a check of the comparison")
    assert "the method finds a fall that nobody caused" in fall["caution"]
    nothing = at_placebo([*COUNTS[20:40], *COUNTS[20:]])
    assert nothing["relative_change_pct"] == pytest.approx(0, abs=1e-9)
    assert nothing["explanation"].endswith("no evidence of a change that the method invents.")
    assert "nobody caused" not in nothing["caution"]
