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
