"""Comparison people like the cases: propensity and prognostic scores, matching, balancing weights, balance."""

from evaluation.matching.balance import COVARIATE_BALANCE, covariate_balance
from evaluation.matching.comparison import DESIGNS, WEIGHTS, Comparison, compare
from evaluation.matching.covariates import (
    CASES_PER_COLUMN,
    COVARIATES,
    EXACT,
    EXACT_NAMES,
    FORMS,
    POOL,
    PREDICTIVE_RISK,
    affordable_terms,
    known_covariates,
    regression_terms,
    risk_of,
    terms_of,
)
from evaluation.matching.design import DesignMatrix, design_matrix
from evaluation.matching.earlier_cohort import earlier_cohort_scores
from evaluation.matching.entropy import EntropyBalance, entropy_balance
from evaluation.matching.errors import MatchingError, NoOverlapError, SeparationError, TooLargeError
from evaluation.matching.implied_bias import IMPLIED_BIAS, ScoredOutcome, implied_bias, tolerated_bias
from evaluation.matching.mahalanobis import mahalanobis_pairs
from evaluation.matching.nearest import nearest_neighbour_pairs
from evaluation.matching.optimal import optimal_pairs
from evaluation.matching.pairs import PAIRS, MatchedEstimand, att_among, matched_estimand, matching_weights
from evaluation.matching.populations import Population, site_populations
from evaluation.matching.propensity import (
    PropensityScores,
    caliper_width,
    propensity_scores,
)
from evaluation.matching.registers import AS_OF
from evaluation.matching.settings import CaliperDefinition, Method, Settings
from evaluation.matching.subgroups import FROM as SUBGROUP_COLUMNS
from evaluation.matching.subgroups import SUBGROUPS, subgroup_populations, with_subgroups
from evaluation.matching.terms import Terms
from evaluation.matching.unmatched import UNMATCHED_CASES, unmatched_cases

__all__ = [
    "AS_OF",
    "CASES_PER_COLUMN",
    "COVARIATES",
    "COVARIATE_BALANCE",
    "DESIGNS",
    "EXACT",
    "EXACT_NAMES",
    "FORMS",
    "IMPLIED_BIAS",
    "PAIRS",
    "POOL",
    "PREDICTIVE_RISK",
    "SUBGROUPS",
    "SUBGROUP_COLUMNS",
    "UNMATCHED_CASES",
    "WEIGHTS",
    "CaliperDefinition",
    "Comparison",
    "DesignMatrix",
    "EntropyBalance",
    "MatchedEstimand",
    "MatchingError",
    "Method",
    "NoOverlapError",
    "Population",
    "PropensityScores",
    "ScoredOutcome",
    "SeparationError",
    "Settings",
    "Terms",
    "TooLargeError",
    "affordable_terms",
    "att_among",
    "caliper_width",
    "compare",
    "covariate_balance",
    "design_matrix",
    "earlier_cohort_scores",
    "entropy_balance",
    "implied_bias",
    "known_covariates",
    "mahalanobis_pairs",
    "matched_estimand",
    "matching_weights",
    "nearest_neighbour_pairs",
    "optimal_pairs",
    "propensity_scores",
    "regression_terms",
    "risk_of",
    "site_populations",
    "subgroup_populations",
    "terms_of",
    "tolerated_bias",
    "unmatched_cases",
    "with_subgroups",
]
