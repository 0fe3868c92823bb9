"""Does the glossary say of every design and estimator what it estimates, assumes and comes from?"""

import re
from collections import Counter

import pytest

from evaluation.estimation.area_effects import STAGGERED
from evaluation.estimation.area_estimates import SEGMENTED, SIMPLEX
from evaluation.estimation.controlled import ESTIMATORS
from pipelines.contracts import published_contracts
from pipelines.fingerprint import CHECKOUT

GLOSSARY = (CHECKOUT / "docs" / "glossary.md").read_text(encoding="utf-8")
KINDS = ("design", "estimator")
NO_DESIGN = "all"  # steps of attrition that all designs share


def entries(kind: str) -> dict[str, list[str]]:
    """Estimand, assumptions and source by each value of the glossary's table of that kind."""
    rows = GLOSSARY.split(f"| `{kind}` | estimand | assumes | source |\n|---|---|---|---|\n")[1].split("\n\n")[0]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines()]
    return {name: rest for first, *rest in cells for name in re.findall(r"`(\w+)`", first)}


def promised(kind: str) -> dict[str, tuple[str, ...]]:
    """The values that contracts allow, by table with such a column and a closed list."""
    return {
        contract.table: tuple(value for value in column.valid if value != NO_DESIGN)
        for contract in published_contracts()
        for column in contract.columns
        if column.name == kind and column.valid
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_contract_has_estimand_assumptions_and_source(kind):
    found, values = entries(kind), promised(kind)
    assert {"metric_estimates"} <= set(values)
    for table, names in values.items():
        assert set(names) <= set(found), table
    assert all(len(cells) == 3 and all(cells) for cells in found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_glossary_has_no_value_that_no_contract_allows(kind):
    assert set(entries(kind)) == {name for names in promised(kind).values() for name in names}


def test_the_estimators_that_the_code_names_are_those_of_the_contract():
    names = {*ESTIMATORS.values(), *STAGGERED, SEGMENTED, SIMPLEX}
    assert names <= set(promised("estimator")["metric_estimates"])


def test_estimands_are_those_of_the_code():
    of_areas = ("area_did", "its", "synthetic_control")
    for design, (estimand, *_) in entries("design").items():
        expected = "None" if design.endswith("_only") else "before_after" if design == "uncontrolled" else "att"
        assert (f"`{expected}_residents`" if design in of_areas else expected) in estimand, design


def test_no_term_is_explained_twice():
    terms = Counter(re.findall(r"^\| \*\*(.+?)\*\*", GLOSSARY, re.M))
    assert [term for term, times in terms.items() if times > 1] == []


def test_the_default_is_not_said_to_have_an_outcome_model_of_its_own():
    assert "model of rates" not in GLOSSARY
    assert "without an outcome model beside the weights" in entries("design")["weighted_cohort"][1]


def test_why_person_fixed_effects_are_not_used_is_said():
    assert "strict exogeneity" in GLOSSARY
