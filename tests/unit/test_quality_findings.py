"""What the quality page concludes: groups, order, trends in words, totals of masked counts, the verdict."""

import re
from xml.etree.ElementTree import Element

import pytest

from pipelines.quality.page_counts import bounds_in_words, bounds_of_sum, share_of_bounds
from pipelines.quality.page_elements import counted, element, html_text
from pipelines.quality.page_findings import findings_of, in_group
from pipelines.quality.page_trend import trend, trend_in_words
from pipelines.quality.page_verdict import situation_of, verdict_of
from pipelines.quality.page_words import rows_in_words
from tests.quality_frames import NO_QUALITY, failing, outcome, quality_of, started, study_with_runs, without_outcome


def words(tree: Element | tuple[str | Element, ...]) -> str:
    return "".join(part if isinstance(part, str) else "".join(part.itertext()) for part in tree)


def only(*runs):
    (finding,) = findings_of(quality_of(*runs))
    return finding


@pytest.mark.parametrize(
    ("row", "group"),
    [
        (failing(rows=20, severity="error"), "blocks"),
        (failing(rows=20), "warns"),
        (without_outcome("error", severity="error"), "engine"),
        (without_outcome("not_evaluated", severity="error"), "not_evaluated"),
        (outcome(severity="error"), "passes"),
    ],
)
def test_a_rule_stands_where_its_status_and_severity_put_it(row, group):
    assert only([row]).group == group


def test_no_outcome_makes_no_finding():
    assert findings_of(NO_QUALITY) == ()


def test_the_larger_share_comes_first_whatever_the_number_of_rows():
    quality = quality_of([failing("not_null", "SEX", rows=300), failing("not_null", "DOB", rows=40, evaluated_rows=50)])
    assert [finding.column_name for finding in findings_of(quality)] == ["DOB", "SEX"]


def test_the_trend_ends_with_the_latest_run_and_holds_twelve_runs():
    finding = only(*([outcome(failed_rows=10 * number)] for number in range(1, 15)))
    assert [point.failed_rows for point in finding.trend] == [10 * number for number in range(3, 15)]
    assert finding.now.started_at == started(14)


def test_the_trend_of_a_rule_does_not_tell_how_few_rows_failed_or_were_good():
    few = {only([failing(rows=rows)]).now.drawn_share for rows in range(1, 8)}
    good = {only([failing(rows=1000 - rows)]).now.drawn_share for rows in range(1, 8)}
    assert (few, good) == ({0.004}, {0.996})
    assert "all but 1 to 7 of 1,000 (above 99.2%)" in rows_in_words(only([failing(rows=997)]).now)


def test_a_rule_that_took_no_part_in_the_latest_run_is_not_lost():
    quality = quality_of([failing(rows=20), outcome("site_known", "SITE")], [outcome("site_known", "SITE")])
    (lost,) = in_group(findings_of(quality), "not_evaluated")
    assert (lost.column_name, [point.status for point in lost.trend]) == ("SEX", ["fail", "absent"])


def test_two_outcomes_under_one_key_are_both_shown():
    assert len(findings_of(quality_of([failing(rows=20), failing(rows=30)]))) == 2


def test_a_rule_fails_since_the_first_of_the_failures_in_a_row_and_an_engine_fault_does_not_end_the_row():
    runs = [[failing(rows=20)], [outcome()], [failing(rows=20)], [without_outcome("error")], [failing(rows=20)]]
    assert only(*runs).failing_since.started_at == started(3)


def test_the_trend_in_words_is_masked_and_names_the_runs_without_a_share():
    runs = [
        [failing(rows=200)],
        [without_outcome("error")],
        [outcome(failed_rows=3)],
        [without_outcome("not_evaluated")],
    ]
    told = trend_in_words(only(*runs).trend)
    assert told.endswith("last 4 runs, oldest first: 20.0%, could not run, below 0.8%, not evaluated")


def test_the_line_is_broken_where_a_run_has_no_share_and_higher_where_more_failed():
    runs = [[failing(rows=n)] for n in (20, 40)] + [[without_outcome("error")]] + [[failing(rows=n)] for n in (60, 80)]
    drawn = html_text(trend(only(*runs)))
    lines = re.findall(r'<polyline points="([^"]*)"', drawn)
    heights = [float(point.split(",")[1]) for line in lines for point in line.split()]
    assert [len(line.split()) for line in lines] == [2, 2]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 4


def test_no_line_is_drawn_where_there_is_nothing_to_compare():
    assert words((trend(only([failing(rows=20)])),)) == "First run"
    assert words((trend(only([outcome()], [outcome()])),)) == "No failed row in 2 runs"
    assert words((trend(only([without_outcome("error")], [without_outcome("error")])),)) == "No share in 2 runs"


def test_a_trend_without_threshold_and_without_failures_above_zero_can_be_drawn():
    runs = [[failing(rows=0, threshold=0.0)], [failing(rows=0, threshold=0.0)]]
    assert "nan" not in html_text(trend(only(*runs)))


@pytest.mark.parametrize(
    ("counts", "told"),
    [([], "0"), ([0, 0], "0"), ([3], "1 to 7"), ([20, 3], "21 to 27"), ([3, 5], "2 to 14"), ([1000, 234], "1,234")],
)
def test_a_total_says_no_more_than_its_parts_do(counts, told):
    assert bounds_in_words(bounds_of_sum(counts)) == told


@pytest.mark.parametrize(
    ("counts", "evaluated", "told"),
    [
        ([20], 1000, "2.0%"),
        ([3], 1000, "below 0.8%"),
        ([3], 1_000_000, "below 0.1%"),
        ([20, 3], 1000, "2.1% to 2.7%"),
        ([20, 3], 1_000_000, "0.0%"),
        ([3], 5, "too few rows for a share"),
        ([], 0, "nothing evaluated"),
    ],
)
def test_a_share_of_a_total_is_as_wide_as_the_total(counts, evaluated, told):
    assert share_of_bounds(bounds_of_sum(counts), evaluated) == told


def test_things_are_counted_with_their_noun():
    assert (counted(1, "rule"), counted(1200, "rule")) == ("1 rule", "1,200 rules")


def test_texts_between_elements_keep_their_place_and_are_escaped():
    made = element("p", "a < b", element("b", "&"), " and ", "c", element("i"), "d", title='"', class_="x")
    assert html_text(made) == '<p title="&quot;" class="x">a &lt; b<b>&amp;</b> and c<i></i>d</p>'


STOPS = [failing(rows=200, severity="error")]
STAYS = "Nothing new was published; the published file of 1 March 2026, 06:35 UTC stays."


@pytest.mark.parametrize(
    ("ended", "quality", "refused", "word", "told"),
    [
        (("succeeded", "failed"), quality_of([outcome()], STOPS), 0, "Stopped", f"1 rule blocks. {STAYS}"),
        (
            ("succeeded", "failed"),
            quality_of([outcome()], STOPS),
            2,
            "Stopped",
            f"2 files were refused and 1 rule blocks. {STAYS}",
        ),
        (
            ("failed",),
            NO_QUALITY,
            1,
            "Stopped",
            "1 file was refused. Nothing was published, and there is no published file yet.",
        ),
        (
            ("succeeded", "failed"),
            quality_of([outcome()]),
            0,
            "Failed",
            f"The latest run failed, and not for a rule that it evaluated: its log says where. {STAYS}",
        ),
        (("succeeded",), quality_of([outcome()]), 0, "Clear", "Nothing blocks, and every rule passed."),
        (
            ("succeeded",),
            quality_of([failing(rows=20), without_outcome("error", "site_known")]),
            0,
            "Look here",
            "Nothing blocks. 1 rule warns, 1 check could not run.",
        ),
        (
            ("succeeded",),
            quality_of([outcome(), without_outcome("not_evaluated", "site_known")]),
            0,
            "Clear",
            "Nothing blocks. 1 rule was not evaluated.",
        ),
        (
            ("succeeded",),
            quality_of(STOPS),
            0,
            "Stopped",
            "1 rule blocks. The published file of 1 March 2026, 06:35 UTC was made before this was so.",
        ),
        ((), NO_QUALITY, 0, "Unknown", "No rule has been evaluated yet."),
        (("running",), quality_of(STOPS), 0, "Stopped", "1 rule blocks. Nothing was published, and there is no"),
    ],
)
def test_the_verdict_says_what_the_run_means_for_the_published_file(tmp_path, ended, quality, refused, word, told):
    situation = situation_of(study_with_runs(tmp_path, *ended), quality)
    verdict = verdict_of(situation, findings_of(quality), refused=refused)
    assert verdict.word == word
    assert words(verdict.sentence).startswith(told)


def test_a_run_that_ended_before_its_rules_does_not_stop_for_the_rules_of_the_run_before(tmp_path):
    quality = quality_of(STOPS)
    situation = situation_of(study_with_runs(tmp_path, "failed", "failed"), quality)
    assert not situation.is_evaluated
    assert verdict_of(situation, findings_of(quality), refused=0).word == "Failed"
