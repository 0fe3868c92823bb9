"""The page of the simulation study shows the kept figures, each with its Monte Carlo error."""

import json

import pipelines.simulation_docs as docs

FIGURES = {
    "draws": 2000.0,
    "failed": 0.0,
    "bias": 0.0123,
    "bias_error": 0.002,
    "coverage": 0.948,
    "coverage_error": 0.005,
    "model_over_empirical_error": 0.99,
    "model_over_empirical_error_error": 0.016,
    "p_below_0_05": 0.052,
    "p_below_0_05_error": 0.005,
    "said_reduced": 0.026,
    "said_reduced_error": 0.004,
}


def page(tmp_path, monkeypatch, performance: dict) -> str:
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps({"performance": performance}))
    monkeypatch.setattr(docs, "RESULT", kept)
    return docs.simulation_page()


def test_the_card_says_how_often_the_default_was_wrong_where_nothing_was_planted(tmp_path, monkeypatch):
    name = "transient_crisis/none/1200/weighted_cohort/emergency_admissions"
    found = page(tmp_path, monkeypatch, {name: FIGURES})
    assert "on 2000 simulated pilots of 1200 people this method wrongly said 'reduced' in 2.6%" in found
    assert "| 2000 | 2.6% (0.4) | 5.2% (0.5) |" in found
    assert "| 0.012 (0.002) | 94.8% (0.5) | 0.990 (0.016) |" in found


def test_a_planted_effect_and_another_method_are_not_on_the_card(tmp_path, monkeypatch):
    planted = "transient_crisis/published/1200/weighted_cohort/emergency_admissions"
    other = "transient_crisis/none/1200/matched_did/emergency_admissions"
    assert "wrongly said 'reduced'" not in page(tmp_path, monkeypatch, {planted: FIGURES, other: FIGURES})


def test_the_bracket_has_a_coverage_only(tmp_path, monkeypatch):
    name = "diverging_trend/none/3600/bracket/emergency_admissions"
    bracket = {key: FIGURES[key] for key in ("draws", "coverage", "coverage_error")}
    assert "| `bracket` | emergency admissions | 2000 |  | 94.8% (0.5) |  |" in page(
        tmp_path, monkeypatch, {name: bracket}
    )


def aims(tmp_path, monkeypatch, performance: dict) -> dict[str, str]:
    """The lines on what was asked, by what they are of."""
    text = page(tmp_path, monkeypatch, performance).split("## What was asked, and what was reached")[1]
    lines = [
        line.strip("| ").split(" | ") for line in text.split("## Figures")[0].splitlines() if line.startswith("| ")
    ]
    return {of: " | ".join(rest) for of, *rest in lines[2:]}


def test_each_aim_counts_the_cells_that_keep_it_and_names_the_one_furthest_off(tmp_path, monkeypatch):
    start = "transient_crisis/none/1200/weighted_cohort/"
    off = FIGURES | {"bias": -0.0141, "coverage": 0.97, "model_over_empirical_error": 0.94, "p_below_0_05": 0.061}
    found = aims(tmp_path, monkeypatch, {f"{start}elective_admissions": FIGURES, f"{start}outpatient_attendances": off})
    furthest = "transient crisis, effect none, 1200 cases, outpatient attendances"
    assert found == {
        "Bias of the log rate ratio of the default": "at most 0.01 and two Monte Carlo errors | 1 of 2 cells | "
        f"-0.0141 (0.0020): {furthest}",
        "Coverage of the default's 95% intervals": f"93.5% to 96.5% | 1 of 2 cells | 97.0% (0.5): {furthest}",
        "Mean of the default's errors over the spread of its estimates": "0.95 to 1.05 | 1 of 2 cells | "
        f"0.940 (0.016): {furthest}",
        "False positives of the default": f"5%, within two Monte Carlo errors | 1 of 2 cells | 6.1% (0.5): {furthest}",
    }


def test_an_aim_allows_for_two_monte_carlo_errors_and_no_more(tmp_path, monkeypatch):
    name = "transient_crisis/none/1200/weighted_cohort/emergency_admissions"
    of = "Bias of the log rate ratio of the default"
    assert "1 of 1 cells" in aims(tmp_path, monkeypatch, {name: FIGURES | {"bias": 0.0139}})[of]
    assert "0 of 1 cells" in aims(tmp_path, monkeypatch, {name: FIGURES | {"bias": 0.0141}})[of]


def test_brackets_are_held_against_their_aim_where_something_is_hidden_alone(tmp_path, monkeypatch):
    figures = {"draws": 200.0, "coverage_error": 0.02}
    cells = {
        "transient_crisis/none/1200/bracket/emergency_admissions": figures | {"coverage": 0.5},
        "transient_crisis_sites_differ/published/1200/bracket/emergency_admissions": figures | {"coverage": 0.6},
        "diverging_trend/none/1200/bracket/emergency_admissions": figures | {"coverage": 0.899},
        "diverging_trend/none/3600/bracket/emergency_admissions": figures | {"coverage": 1.0},
    }
    found = aims(tmp_path, monkeypatch, cells)
    assert found == {
        "Share of brackets that hold the truth": "at least 90% | 1 of 2 cells | "
        "89.9% (2.0): diverging trend, effect none, 1200 cases, emergency admissions"
    }


def test_sites_that_differ_and_other_designs_are_not_held_against_the_default_s_aims(tmp_path, monkeypatch):
    names = ("transient_crisis_sites_differ/published/1200/weighted_cohort", "transient_crisis/none/1200/matched_did")
    assert aims(tmp_path, monkeypatch, {f"{name}/emergency_admissions": FIGURES for name in names}) == {}


WIDENED = {
    "draws": 120,
    "bias": 0.053,
    "plain_coverage": 0.7167,
    "plain_coverage_error": 0.0411,
    "widened_coverage": 0.85,
    "widened_coverage_error": 0.0326,
    "mean_widening": 0.0221,
}
ALL_TOGETHER = {
    "plain_coverage": 0.8889,
    "plain_coverage_error": 0.0096,
    "widened_coverage": 0.9435,
    "widened_coverage_error": 0.007,
}


def widened_page(tmp_path, monkeypatch, performance: dict) -> str:
    kept = tmp_path / "widened.json"
    kept.write_text(json.dumps({"cases": 1200, "all_together": ALL_TOGETHER, "performance": performance}))
    monkeypatch.setattr(docs, "WIDENED_RESULT", kept)
    return page(tmp_path, monkeypatch, {})


def test_the_page_says_how_often_widened_intervals_held_the_truth_and_where_they_fell_short(tmp_path, monkeypatch):
    held = WIDENED | {"widened_coverage": 0.975}
    names = ("diverging_trend/outpatient_attendances", "stable_hidden_difference/emergency_admissions")
    found = widened_page(tmp_path, monkeypatch, dict(zip(names, (WIDENED, held), strict=True)))
    assert "On 240 estimates of pilots of 1200 people the plain interval held the truth in 88.9% (1.0)" in found
    assert "the widened one in 94.3% (0.7); in 1 of 2 kinds of study the widened one did so in at least 90%" in found
    assert ", but not in outpatient attendances under diverging trend (85.0% (3.3))." in found
    assert "| diverging trend | outpatient attendances | 120 | 0.053 | 71.7% (4.1) | 85.0% (3.3) | 0.022 |" in found


def test_where_every_widened_interval_held_often_enough_nothing_else_is_said(tmp_path, monkeypatch):
    name = "stable_hidden_difference/emergency_admissions"
    found = widened_page(tmp_path, monkeypatch, {name: WIDENED | {"widened_coverage": 0.9}})
    assert "in 1 of 1 kinds of study the widened one did so in at least 90%." in found


def test_the_kept_figures_of_the_widened_interval_are_on_the_page():
    kept = json.loads(docs.WIDENED_RESULT.read_text(encoding="utf-8"))
    assert kept["all_together"]["widened_coverage"] >= 0.9
    share = f"{100 * kept['all_together']['widened_coverage']:.1f}%"
    assert f"the widened one in {share}" in docs.simulation_page()
