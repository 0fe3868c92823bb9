"""From the protocol and the tables of the design stage to the trial that the study emulates."""

import polars as pl

from evaluation.estimation import ALL_SITES
from evaluation.planning import Trial
from pipelines.horizons import horizons_of
from pipelines.planned import planned_outcomes
from pipelines.risk_columns import design_covariates
from pipelines.study import Study
from pipelines.warehouse import Warehouse

DATES = {"referral": "referral_date", "eligibility": "eligible_date"}


def emulated_trial(warehouse: Warehouse, study: Study) -> Trial:
    """What the protocol settles and what is known of pilot people and their comparison before any outcome."""
    protocol = study.protocol
    everybody = warehouse.read("comparison_designs").filter(pl.col("population") == ALL_SITES)
    design = next(everybody.iter_rows(named=True), {})
    pilot = warehouse.read("people").filter("is_pilot")
    return Trial(
        study=protocol.study,
        follow_up_months=protocol.periods.follow_up_months,
        horizons=horizons_of(protocol.periods, pilot["index_date"]),
        data_until=protocol.periods.data_until,
        outcomes=planned_outcomes(study),
        covariates=design_covariates(protocol),
        exact=protocol.comparison.exact,
        method=protocol.comparison.method,
        with_replacement=protocol.comparison.with_replacement,
        ratio=protocol.comparison.ratio,
        caliper=protocol.comparison.caliper,
        caliper_definition=protocol.comparison.caliper_definition,
        sites_as=protocol.sites_as,
        analysis_dates=protocol.analysis_dates,
        pools=_names(design.get("pool")),
        exact_kept=_names(design.get("exact")),
        has_weights=bool(design.get("has_weights")),
        waits={name: (pilot["index_date"] - pilot[column]).dt.total_days() for name, column in DATES.items()},
    )


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(listed.split(", ")) if listed else ()
