"""Looks before the planned one: boundaries of published tables, the share of follow-up by hand, and the words."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import look_at, with_look
from evaluation.estimation.interim import NO_FOLLOW_UP, NOTHING_NEW, SEEN_BEFORE, Look, information_shares
from evaluation.estimation.spending import nominal_level, spending_boundaries, spent_by
from pipelines.errors import StudyError
from pipelines.run_log import append_run, begin_run, published_looks, read_runs, utc_now
from pipelines.study import load_study
from tests.tiny_study import PROTOCOL, write_tiny_study

YEAR, HALF = date(2010, 12, 31), date(2010, 6, 30)
TWO_PEOPLE = pl.Series([date(2010, 1, 1), date(2010, 7, 1)])
DURING = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(
    ("fractions", "published"),
    [
        ([1.0], [1.960]),
        ([0.5, 1.0], [2.963, 1.969]),
        ([1 / 3, 2 / 3, 1.0], [3.710, 2.511, 1.993]),
        ([0.25, 0.5, 0.75, 1.0], [4.333, 2.963, 2.359, 2.014]),
        (DURING, [4.877, 3.357, 2.680, 2.290, 2.031]),
    ],
)
def test_the_boundaries_are_those_of_published_tables(fractions, published):
    """Two-sided 5%, O'Brien-Fleming type: Lan and DeMets (1983); Reboussin, DeMets, Kim and Lan (2000); ldbounds."""
    assert spending_boundaries(fractions) == pytest.approx(published, abs=0.0006)


def test_the_level_spent_by_hand():
    assert spent_by(1.0) == pytest.approx(0.05)
    assert spent_by(0.5) == pytest.approx(0.00305, abs=0.00001)


def test_without_an_effect_one_study_in_twenty_crosses_at_any_look():
    steps = np.random.default_rng(5).normal(size=(200_000, 5))
    looks = steps.cumsum(axis=1) / np.sqrt(np.arange(1, 6))
    crossed = (np.abs(looks) > np.array(spending_boundaries(DURING))).any(axis=1)
    assert crossed.mean() == pytest.approx(0.05, abs=0.0015)


def test_a_look_at_almost_nothing_may_spend_almost_nothing():
    first, last = spending_boundaries([0.01, 1.0])
    assert first > 8
    assert last == pytest.approx(1.960, abs=0.001)


@pytest.mark.parametrize("fractions", [[0.5, 0.5], [0.0, 1.0], [0.6, 0.5], [0.5, 1.1]])
def test_fractions_that_do_not_increase_to_one_are_refused(fractions):
    with pytest.raises(ValueError, match="fractions of the information"):
        spending_boundaries(fractions)


def test_the_share_of_follow_up_by_hand():
    shares = information_shares(TWO_PEOPLE, days=[HALF, YEAR], last=YEAR, follow_up_months=12)
    assert shares == pytest.approx((181 / 549, 1.0))
    later = information_shares(TWO_PEOPLE, days=[date(2009, 12, 31), YEAR], last=date(2012, 1, 1), follow_up_months=6)
    assert later == pytest.approx((0.0, 1.0))


def look(
    data_until: date,
    *,
    planned: tuple[date, ...] = (HALF, YEAR),
    months: int = 12,
    earlier: tuple[date, ...] = (),
) -> Look:
    return look_at(
        TWO_PEOPLE, analysis_dates=planned, data_until=data_until, follow_up_months=months, earlier_looks=earlier
    )


def level_of(*shares: float) -> float:
    return nominal_level(spending_boundaries(shares)[-1])


def test_where_no_analysis_dates_are_planned_nothing_is_said():
    assert look(HALF, planned=()) == Look(is_interim=None, caution="")


def test_the_last_planned_analysis_keeps_what_the_first_has_left():
    found = look(YEAR)
    assert found.is_interim is False
    assert found.caution.startswith("Analysis 2 of 2 that the protocol plans.")
    level = nominal_level(spending_boundaries([181 / 549, 1.0])[-1])
    assert (
        f"a p-value up to {level:.2g} (O'Brien-Fleming type of alpha spending, 100% of the information)"
        in found.caution
    )


def test_a_look_between_planned_analyses_is_interim_and_spends_its_share():
    between = date(2010, 9, 30)
    found = look(between)
    assert found.is_interim is True
    assert found.caution.startswith("An interim result: the protocol plans no analysis of data until 2010-09-30.")
    share = (273 + 92) / 549
    level = nominal_level(spending_boundaries([181 / 549, share])[-1])
    assert f"a p-value up to {level:.2g} " in found.caution
    assert f"{100 * share:.0f}% of the information" in found.caution


def test_an_unplanned_look_before_leaves_less_for_the_next_one():
    march, september = date(2010, 3, 31), date(2010, 9, 30)
    # 90 days of the first person by March, 181 by June, 273 and 92 by September, 549 in all
    assert look(september).nominal_level == pytest.approx(level_of(181 / 549, 365 / 549))
    found = look(september, earlier=(march,))
    assert found.nominal_level == pytest.approx(level_of(90 / 549, 181 / 549, 365 / 549))
    assert "Earlier looks that the protocol does not plan count too: data until 2010-03-31." in found.caution
    third = look(date(2010, 10, 31), earlier=(march, september))
    assert third.nominal_level == pytest.approx(level_of(90 / 549, 181 / 549, 365 / 549, (304 + 123) / 549))
    assert third.nominal_level < look(date(2010, 10, 31)).nominal_level
    assert "data until 2010-03-31, 2010-09-30." in third.caution


def test_the_planned_analysis_pays_for_looks_that_nobody_planned():
    found = look(YEAR, earlier=(date(2010, 9, 30),))
    assert found.is_interim is False
    assert found.nominal_level == pytest.approx(level_of(181 / 549, 365 / 549, 1.0))
    assert found.nominal_level < look(YEAR).nominal_level


def test_the_same_day_again_is_the_same_look():
    between = date(2010, 9, 30)
    assert look(between, earlier=(between, between)) == look(between)
    assert look(HALF, earlier=(HALF, YEAR)) == look(HALF)
    assert look(between, earlier=(between, YEAR)) == look(between)


def test_a_look_back_at_fewer_data_has_nothing_to_spend_and_costs_later_ones_nothing():
    between = date(2010, 9, 30)
    found = look(between, earlier=(YEAR,))
    assert found.nominal_level == 0.0
    assert found.caution.endswith(SEEN_BEFORE)
    assert look(YEAR, earlier=(YEAR, between)) == look(YEAR)


def test_a_single_planned_look_keeps_the_whole_level_and_no_plan_has_none():
    assert look(YEAR, planned=(YEAR,)).nominal_level == pytest.approx(0.05)
    assert look(HALF).nominal_level == pytest.approx(level_of(181 / 549))
    assert look(YEAR, planned=()).nominal_level is None


def test_runs_that_published_are_the_looks_in_their_order(tmp_path):
    def run(run_id: str, day: date, **changes: object) -> None:
        began = begin_run(load_study(study), run_id=run_id, now=utc_now(), code_version="c", inputs="everything")
        begun = began.model_copy(update={"data_until": day, **changes})
        append_run(tmp_path, begun.model_copy(update={"status": "running"}))
        append_run(tmp_path, begun)

    study = write_tiny_study(tmp_path / "study")
    run("first", HALF, status="succeeded")
    run("failed", date(2010, 7, 31), status="failed")
    run("design", date(2010, 8, 31), status="succeeded", inputs="")
    run("second", YEAR, status="succeeded")
    left_files = read_runs(tmp_path)[-1].model_copy(update={"inputs": "", "arrivals": ""})
    append_run(tmp_path, left_files)
    assert published_looks(tmp_path) == (HALF, YEAR)


def test_a_look_before_any_follow_up_may_spend_nothing():
    assert look(date(2009, 12, 31)).nominal_level == 0.0
    assert look(date(2009, 12, 31)).caution.endswith(NO_FOLLOW_UP)


def test_a_look_after_the_last_analysis_has_nothing_left():
    assert look(date(2011, 3, 31)).nominal_level == 0.0
    found = look(date(2011, 3, 31))
    assert found.is_interim is True
    assert found.caution.endswith(NOTHING_NEW)


def test_the_caution_stands_at_the_end_of_every_row_and_the_flag_beside_it():
    rows = pl.DataFrame({"caution": ["Beware.", "", None]})
    found = with_look(rows, Look(is_interim=True, caution="Interim.", nominal_level=0.003))
    assert found["caution"].to_list() == ["Beware. Interim.", "Interim.", "Interim."]
    assert found["interim"].to_list() == [True] * 3
    assert found["nominal_level"].to_list() == [0.003] * 3
    assert with_look(found, Look(is_interim=True, caution="Interim.", nominal_level=0.003)).equals(found)
    nothing = with_look(rows, Look(is_interim=None, caution=""))
    assert nothing["caution"].to_list() == ["Beware.", "", None]
    assert nothing["interim"].to_list() == [None] * 3


@pytest.mark.parametrize("dates", ["[2011-06-30, 2010-06-30]", "[2010-06-30, 2010-06-30]"])
def test_analysis_dates_that_are_not_in_order_are_refused(tmp_path, dates):
    with pytest.raises(StudyError, match="analysis_dates: expected days in order"):
        load_study(write_tiny_study(tmp_path, protocol=PROTOCOL + f"analysis_dates: {dates}\n"))
