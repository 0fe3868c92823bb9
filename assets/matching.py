"""Matching: who is compared with whom, with which weights, and how alike that makes them; no outcome is read."""

import dagster as dg

from evaluation.estimation import site_populations
from evaluation.matching import compare
from pipelines.comparison import PAIRS_COLUMNS, comparison_cohort, comparison_settings
from pipelines.faults import guarded
from pipelines.masking import row_metadata
from pipelines.metrics import site_register
from pipelines.study import Study
from pipelines.warehouse import Warehouse

TABLES = {
    "comparison_designs": "How comparison people were found for each population, and what to know of it.",
    "matched_pairs": "Which comparison people were matched to which pilot person.",
    "comparison_weights": "Weights under which comparison people have the pilot people's history, by population.",
    "covariate_balance": "How alike pilot and comparison people are, before and after matching and weighting.",
    "unmatched_cases": "How the pilot people who found no match differ from those who did.",
}


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[dg.AssetKey(table) for table in ("comparison_cohort", "covariates", "sites", "people")],
            description=description,
            group_name="matching",
            kinds={"polars"},
        )
        for name, description in TABLES.items()
    ]
)
@guarded
def comparison(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]):
    """Pairs, weights and balance, settled before any outcome is read."""
    found = compare(
        comparison_cohort(warehouse, study.protocol),
        site_populations=site_populations(site_register(warehouse.read("sites"), warehouse.read("people"))),
        settings=comparison_settings(study.protocol),
    )
    tables = (found.designs, found.pairs.rename(PAIRS_COLUMNS), found.weights, found.balance, found.unmatched)
    for name, table in zip(TABLES, tables, strict=True):
        yield dg.MaterializeResult(asset_key=name, metadata=row_metadata(warehouse.write(name, table)))
