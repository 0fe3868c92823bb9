"""A planted change of a share is found, and its 95% interval covers, with sites as strata and paired answers."""

import numpy as np
import pytest

from evaluation.surveys import Sample, change_in_mean

DRAWS = 400
SITES, PEOPLE_PER_SITE = 6, 60
ANSWERS_TWICE = 0.5


def draw(rng: np.random.Generator, *, change: float):
    """Answers of both waves: people lean one way in both, sites differ, half of the people answer twice."""
    site = np.repeat(np.arange(SITES), PEOPLE_PER_SITE)
    leaning = np.clip(0.6 + np.linspace(-0.15, 0.15, SITES)[site] + rng.uniform(-0.2, 0.2, site.size), 0, 1)
    first = np.flatnonzero(rng.random(site.size) < ANSWERS_TWICE + 0.25)
    second = np.flatnonzero(rng.random(site.size) < ANSWERS_TWICE + 0.25)
    people = np.concatenate([first, second])
    chance = leaning[people] + np.repeat([0.0, change], [first.size, second.size])
    answers = (rng.random(people.size) < chance).astype(float)
    is_first = np.arange(people.size) < first.size
    clusters = np.unique(people, return_inverse=True)[1]
    sample = Sample(weights=np.ones(people.size), strata=site[people], clusters=clusters)
    return change_in_mean(answers, baseline=is_first, follow_up=~is_first, sample=sample)


@pytest.mark.parametrize(("change", "seed"), [(-0.15, 51), (0.0, 52)])
def test_the_interval_covers_the_planted_change(change, seed):
    rng = np.random.default_rng(seed)
    found = [draw(rng, change=change) for _ in range(DRAWS)]
    estimates = np.array([one.change for one in found])
    covered = np.mean([one.low <= change <= one.high for one in found])
    assert 0.91 < covered < 0.985
    assert estimates.mean() == pytest.approx(change, abs=4 * estimates.std() / DRAWS**0.5)
    assert np.mean([one.standard_error for one in found]) == pytest.approx(estimates.std(), rel=0.12)
