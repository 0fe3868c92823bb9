"""Sites, models, subgroups, words and reach of a whole run, recounted from the tables beside them."""

import duckdb
import polars as pl
import pytest


@pytest.fixture(scope="module")
def published(published_demo) -> duckdb.DuckDBPyConnection:
    with duckdb.connect(published_demo, read_only=True) as connection:
        yield connection


def test_a_model_holds_the_pilot_people_of_all_sites_that_name_it(published, demo_study):
    register = demo_study.sites.select("site_id", pl.col("models").str.split(";")).explode("models")
    people = published.sql("select site_id from people where is_pilot").pl()
    counted = dict(people.join(register, on="site_id").group_by("models").len().iter_rows())
    rows = published.sql(
        """select replace(population, 'model:', ''), n_pilot from metric_estimates
        where population like 'model:%' and metric_id = 'died' and design = 'uncontrolled'"""
    ).fetchall()
    assert dict(rows) == counted
    assert "multi_agency_team" in counted


def test_only_default_rows_of_protocol_outcomes_are_adjusted_and_never_downwards(published, demo_study):
    rows = published.sql("from metric_estimates where family is not null").pl()
    assert set(rows["metric_id"]) == {outcome.metric for outcome in demo_study.protocol.outcomes}
    assert rows["is_default"].all()
    assert (rows["family"] == rows["priority"]).all()
    assert (rows["p_adjusted"] >= rows["p_value"]).all()
    missing = published.sql(
        """from metric_estimates where is_default and p_value is not null and priority <> 'exploratory'
        and p_adjusted is null"""
    )
    assert missing.fetchall() == []


def test_every_protocol_outcome_is_stated_once_in_each_population_but_subgroups(published):
    rows = published.sql(
        """select count(*), count(statements.statement)
        from metric_estimates as estimates
        left join effect_statements as statements using (metric_id, population, design)
        where estimates.is_default and estimates.priority <> 'exploratory'"""
    ).fetchone()
    assert rows[0] == rows[1] > 100
    assert published.sql("from effect_statements where population like 'subgroup:%'").fetchall() == []


def test_probabilities_are_given_with_a_prior_and_for_comparable_people_alone(published):
    rows = published.sql("from effect_statements").pl()
    given = rows.filter(pl.col("probability_fell").is_not_null())
    assert set(given["design"]) <= {"weighted_cohort", "matched_did"}
    assert given.height > 0
    assert given["prior"].null_count() == 0
    assert (given["probability_fell"] + given["probability_rose"]).to_list() == pytest.approx([1.0] * given.height)
    assert not rows["statement"].str.contains("significan").any()


def test_sites_too_small_to_be_pooled_are_counted_with_the_reason(published):
    rows = published.sql("from site_pooling where priority = 'primary'").pl()
    row = rows.row(0, named=True)
    used = published.sql(f"from site_effects where metric_id = '{row['metric_id']}' and is_used").fetchall()
    assert (rows.height, row["sites"], row["sites_used"]) == (1, 16, len(used))
    assert (row["random_change_pct"] is None) == (row["sites_used"] < 2)
    assert "Too few people for a comparison of its own" in row["left_out"]


def test_sites_are_described_by_what_they_are_like_and_too_few_of_them_are_not_regressed_on(published, demo_study):
    rows = published.sql("from site_moderators where metric_id = 'emergency_admissions'").pl()
    strata = rows.filter(pl.col("moderator") == "leutz_level", pl.col("row_kind") == "stratum")
    levels = demo_study.sites.group_by("leutz_level").len()
    assert dict(strata.select("value", "sites").iter_rows()) == dict(levels.iter_rows())
    few = rows.filter(pl.col("row_kind") == "coefficient", pl.col("sites_used") < 10)
    assert few["difference_pct"].null_count() == few.height
    assert few.height == 0 or few["caution"].str.contains("No regression").all()
    assert {"case_management", "model:multi_agency_team", "depth", "breadth"} <= set(rows["moderator"])


def test_people_of_a_subgroup_add_up_to_those_whose_value_is_known(published):
    everyone = published.sql(
        """select n_pilot from metric_estimates where population = 'all_sites' and design = 'weighted_cohort'
        and metric_id = 'emergency_admissions'"""
    ).fetchone()[0]
    is_part = "population like 'subgroup:%'"
    parts = published.sql(f"select population, pilot_people from comparison_designs where {is_part}").pl()
    by_age = parts.filter(pl.col("population").str.starts_with("subgroup:age="))
    assert by_age["pilot_people"].sum() == everyone
    rows = published.sql("from metric_estimates where population like 'subgroup:%'").pl()
    assert set(rows["population"]) == set(parts["population"])
    assert set(rows["design"]) == {"weighted_cohort"}
    assert set(rows["priority"]) == {"exploratory"}
    assert rows["is_default"].all()
    weighted = published.sql(
        """select distinct people.imd_quintile from comparison_weights inner join people using (person_id)
        where population = 'subgroup:deprivation=1'"""
    ).fetchall()
    assert weighted in ([(1,)], [])


def test_differences_between_subgroups_are_tested_for_each_protocol_rate(published, demo_study):
    rows = published.sql("select distinct metric_id, subgroup, caution from subgroup_interactions").pl()
    rates = {o.metric for o in demo_study.protocol.outcomes} & set(
        published.sql("select metric_id from metric_estimates where design = 'weighted_cohort'").pl()["metric_id"]
    )
    assert set(rows["metric_id"]) == rates
    assert {"age", "deprivation", "ethnic_group"} <= set(rows["subgroup"])
    assert rows["caution"].str.starts_with("Exploratory").all()


def test_reach_counts_every_pilot_person_once_in_each_characteristic_but_models(published):
    sums = published.sql(
        "select characteristic, sum(enrolled_people) from reach where characteristic <> 'model' group by 1"
    ).fetchall()
    pilot = published.sql("select pilot_people from comparison_designs where population = 'all_sites'").fetchone()[0]
    names = ("all", "age", "age_group", "sex", "deprivation", "ethnic_group", "frailty", "site")
    assert dict(sums) == dict.fromkeys(names, pilot)
    shares = published.sql("select reach_pct from reach where eligible_people > 0").pl()["reach_pct"]
    assert shares.is_between(0, 100).all()


def test_reach_has_every_subgroup_site_and_model_that_has_an_estimate_with_its_pilot_people(published):
    rows = published.sql(
        """with populations as (
            select distinct replace(population, 'subgroup:', '') as population, pilot_people from comparison_designs
            where population not in ('all_sites', 'case_management')
        )
        select populations.population, populations.pilot_people, reach.enrolled_people
        from populations left join reach
            on populations.population in (
                reach.characteristic || '=' || reach.characteristic_value,
                reach.characteristic || ':' || reach.characteristic_value
            )"""
    ).pl()
    assert rows.height > 30
    assert rows["pilot_people"].equals(rows["enrolled_people"].rename("pilot_people"))
